import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import type { SendResult } from '../../src/commands/send.ts'
import type { TaskJson } from '../../src/task/json.ts'
import { jsonError, test, until, type World } from './harness.ts'

/** Starts a conversation whose first turn is "one" and stays at this point until `go`. */
async function talks(world: World, holdAt: string | null, ...more: string[]): Promise<TaskJson> {
  world.agent('turns')
  if (holdAt !== null) world.write('hold', `${holdAt} one\n`)
  return world.json(['start', 'codex', 'fix', '-p', 'one', ...more])
}

const sends = (world: World, ...args: string[]) => world.json<SendResult>(['send', 'fix', ...args])

/** What the agent was told, turn by turn, as far as the turns came to their end. */
const ended = (world: World) =>
  world
    .read('turns')
    .split('\n')
    .flatMap((line) => (line.startsWith('end ') ? line.slice(4) : []))
const fed = (world: World) => world.read('turns').match(/^fed .*/gm) ?? []

const isOver = (world: World) => world.rca(['wait', 'fix', '--timeout', '60s'])

const journalOf = (task: TaskJson) => readFileSync(join(task.taskDir ?? '', 'journal.jsonl'), 'utf8')

describe.concurrent('send', () => {
  test('to a task that is done starts the next turn of its conversation at once', async ({ world }) => {
    const task = await talks(world, null)
    await world.reaches('done')
    world.write('hold', 'stored two\n')
    const sent = await sends(world, 'two')
    expect(sent).toMatchObject({ answer: 'started', repeated: false, before: 0 })
    expect(sent.followUp).toMatchObject({ id: 1, state: 'running', attempt: 2, key: null })
    expect(sent.task).toMatchObject({ state: 'running', queuedFollowUps: 0 })
    expect(existsSync(join(task.taskDir ?? '', 'done'))).toBe(false)
    world.write('go')
    expect((await isOver(world)).code).toBe(0)
    expect(existsSync(join(task.taskDir ?? '', 'done'))).toBe(true)
    expect(ended(world)).toEqual(['one', 'two'])
    expect(world.runs).toEqual([`start ${sent.task.agentSessionId}`, `resume ${sent.task.agentSessionId}`])
    expect(await world.status()).toMatchObject({ followUps: [{ id: 1, state: 'done', attempt: 2 }] })
  })

  test('to one that works is queued, and follows when the turn has ended, by itself', async ({ world }) => {
    const task = await talks(world, 'stored')
    expect(await sends(world, 'two')).toMatchObject({
      answer: 'queued',
      before: 0,
      task: { state: 'running', queuedFollowUps: 1 },
    })
    expect(await sends(world, 'three')).toMatchObject({ answer: 'queued', before: 1, followUp: { id: 2 } })
    expect(fed(world)).toEqual(['fed one'])
    const over = isOver(world)
    world.write('go')
    expect((await over).code).toBe(0)
    expect(ended(world)).toEqual(['one', 'two', 'three'])
    expect(await world.status()).toMatchObject({ state: 'done', attempts: 3, queuedFollowUps: 0 })
    expect(world.runs.map((one) => one.split(' ')[0])).toEqual(['start', 'resume', 'resume'])
    const shown = () => world.pane('codex-fix').match(/^__TASK_DONE__$/gm) ?? []
    await until(() => shown().length > 0, 'the marker')
    expect(shown()).toHaveLength(1)
    expect(existsSync(join(task.taskDir ?? '', 'done'))).toBe(true)
  })

  test('goes on with a monitor where a task has one, also with --restart never', async ({ world }) => {
    world.config({})
    await talks(world, 'stored', '--restart', 'never')
    expect(await sends(world, 'two')).toMatchObject({ answer: 'queued' })
    expect(await sends(world, 'three')).toMatchObject({ answer: 'queued' })
    world.write('go')
    expect((await isOver(world)).code).toBe(0)
    expect(ended(world)).toEqual(['one', 'two', 'three'])
    expect((await world.rca(['monitor', 'stop'])).code).toBe(0)
  })

  test('takes its text from a file or from standard input, byte for byte', async ({ world }) => {
    await talks(world, 'stored')
    const file = join(world.root, 'text')
    writeFileSync(file, 'from a file\nwith $(two) "lines"\n')
    await sends(world, '-f', file)
    const [dir = ''] = world.taskDirs
    expect(readFileSync(join(dir, 'follow-ups/1'), 'utf8')).toBe('from a file\nwith $(two) "lines"\n')
    await world.json(['send', 'fix', '-'], { stdin: 'from stdin' })
    await world.json(['send', 'fix', '-f', '-'], { stdin: 'from stdin too' })
    world.write('go')
    expect((await isOver(world)).code).toBe(0)
    expect(ended(world)).toEqual(['one', 'from a file', 'from stdin', 'from stdin too'])
    expect(readFileSync(join(dir, 'attempts/2/prompt'), 'utf8')).toBe('from a file\nwith $(two) "lines"\n')
  })

  test('says in a line what it did', async ({ world }) => {
    await talks(world, 'stored')
    expect((await world.rca(['send', 'fix', 'two'])).stdout).toBe(
      'codex-fix follow-up 1 queued: it is the next turn; the task is running\n',
    )
    expect((await world.rca(['send', 'fix', 'three'])).stdout).toBe(
      'codex-fix follow-up 2 queued: 1 more come before it; the task is running\n',
    )
    expect((await world.rca(['status', 'fix'])).stdout).toMatch(/follow-ups\n +1 queued sent 2/)
    world.write('go')
    await isOver(world)
    expect((await world.rca(['send', 'fix', 'four'])).stdout).toMatch(
      /^codex-fix follow-up 3 started: attempt 4, (running|done)\n$/,
    )
    await isOver(world)
  })

  test('under a key that was used before sends nothing twice', async ({ world }) => {
    await talks(world, 'stored')
    const first = await sends(world, 'two', '--key', 'job 7')
    expect(first).toMatchObject({ answer: 'queued', repeated: false })
    expect(await sends(world, 'two', '--key', 'job 7')).toMatchObject({
      answer: 'queued',
      repeated: true,
      followUp: first.followUp,
    })
    const other = await world.rca(['send', 'fix', 'three', '--key', 'job 7', '--json'])
    expect(other.code).toBe(5)
    expect(jsonError(other)).toMatchObject({ code: 'conflict', answer: 'refused' })
    world.write('go')
    await isOver(world)
    expect(await sends(world, 'two', '--key', 'job 7')).toMatchObject({
      answer: 'started',
      repeated: true,
      followUp: { state: 'done' },
    })
    expect(ended(world)).toEqual(['one', 'two'])
    // The keys that were captured are there for a turn that is still to come.
    expect(existsSync(join(first.task.taskDir ?? '', 'env'))).toBe(false)
  })
})

describe.concurrent('send to a task that did not end well', () => {
  test('starts at once, with what is sent', async ({ world }) => {
    world.agent('turns')
    await world.rca(['start', 'codex', 'fix', '-p', 'fail one'])
    await world.reaches('failed')
    expect(await sends(world, 'two')).toMatchObject({ answer: 'started' })
    expect((await isOver(world)).code).toBe(0)
    expect(ended(world)).toEqual(['two'])
  })

  test('what was queued when a turn failed is kept, and follows once the turn is mended', async ({
    world,
  }) => {
    world.agent('turns')
    world.write('hold', 'stored fail one\n')
    await world.json(['start', 'codex', 'fix', '-p', 'fail one'])
    await sends(world, 'two')
    world.write('go')
    expect((await isOver(world)).code).toBe(1)
    expect(await world.status()).toMatchObject({ state: 'failed', queuedFollowUps: 1 })
    // What comes behind it waits for it.
    expect(await sends(world, 'three')).toMatchObject({ answer: 'queued', before: 1 })
    expect((await isOver(world)).code).toBe(0)
    expect(ended(world)).toEqual([
      expect.stringContaining('The previous run was interrupted'),
      'two',
      'three',
    ])
  })

  test('killed: the text is kept, resume goes on with it', async ({ world }) => {
    await talks(world, 'answered')
    await until(() => world.read('turns').includes('answered one'), 'the first answer')
    await sends(world, 'two')
    await world.rca(['kill', 'fix'])
    expect(await world.status()).toMatchObject({ state: 'killed', queuedFollowUps: 1 })
    const overtaken = await world.rca(['resume', 'fix', '-p', 'three'])
    expect(overtaken).toMatchObject({ code: 5, stderr: expect.stringContaining('not delivered yet') })
    world.write('go')
    expect((await world.rca(['resume', 'fix'])).code).toBe(0)
    expect((await isOver(world)).code).toBe(0)
    expect(ended(world)).toEqual([expect.stringContaining('The previous run was interrupted'), 'two'])
  })
})

describe.concurrent('send is refused, and nothing is kept of it', () => {
  const refusal = async (world: World, ...args: string[]) => {
    const result = await world.rca(['send', ...args, '--json'])
    return { ...jsonError(result), exit: result.code }
  }

  test('where there is no such task, no text, or two', async ({ world }) => {
    expect(await refusal(world, 'none', 'two')).toMatchObject({ exit: 3, answer: 'refused' })
    await talks(world, null)
    await world.reaches('done')
    for (const args of [['fix'], ['fix', ' '], ['fix', 'two', '-f', 'x'], ['fix', '-f', '/nonexistent']])
      expect(await refusal(world, ...args)).toMatchObject({ exit: 2, code: 'usage', answer: 'refused' })
    expect((await world.status()).followUps).toEqual([])
  })

  test('where the agent is gone', async ({ world }) => {
    const task = await talks(world, null)
    await world.reaches('done')
    rmSync(join(world.bin, 'codex'))
    expect(await refusal(world, 'fix', 'two')).toMatchObject({ exit: 69, answer: 'refused' })
    expect(await world.status()).toMatchObject({ state: 'done', queuedFollowUps: 0 })
    expect(journalOf(task)).toContain('follow-up-withdrawn')
    expect(existsSync(join(task.taskDir ?? '', 'env'))).toBe(false)
    world.agent('turns')
    expect(await sends(world, 'two')).toMatchObject({ answer: 'started', followUp: { id: 2 } })
    expect((await isOver(world)).code).toBe(0)
    expect(ended(world)).toEqual(['one', 'two'])
  })

  test('where somebody else has the name of its session: the task that was done was run again', async ({
    world,
  }) => {
    await talks(world, null, '--terminal', 'tmux', '--restart', 'on-failure')
    await world.reaches('done')
    world.tmux('kill-session', '-t', 'codex-fix')
    world.session('codex-fix', 'sleep 1000')
    expect(await refusal(world, 'fix', 'two')).toMatchObject({ exit: 5, answer: 'refused' })
    expect(await world.status()).toMatchObject({ state: 'done', queuedFollowUps: 0 })
    world.tmux('kill-session', '-t', 'codex-fix')
    expect((await world.rca(['monitor', '--once'])).code).toBe(0)
    expect(world.runs).toHaveLength(1)
  })

  test('where the folder is gone', async ({ world }) => {
    await talks(world, null)
    await world.reaches('done')
    rmSync(world.project, { recursive: true })
    const refused = await world.rca(['send', 'fix', 'two', '--json'], { cwd: world.root })
    expect(refused.code).toBe(1)
    expect(jsonError(refused)).toMatchObject({
      answer: 'refused',
      message: expect.stringMatching(/folder .* is gone/),
    })
    mkdirSync(world.project)
    expect(await world.status()).toMatchObject({ state: 'done', queuedFollowUps: 0 })
  })

  test('where there is no conversation to go on with', async ({ world }) => {
    await world.begin('hangs')
    await world.rca(['kill', 'fix'])
    rmSync(join(world.home, '.codex'), { recursive: true })
    const refused = await refusal(world, 'fix', 'two')
    expect(refused).toMatchObject({ answer: 'refused', exit: expect.any(Number) })
    expect(refused.message).toMatch(/no conversation|no record of thread/)
    expect(await world.status()).toMatchObject({ state: 'killed', queuedFollowUps: 0 })
  })
})
