import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { test, until, type World } from './harness.ts'

const MB = 2 ** 20

const events = (taskDir: string | null | undefined) => join(taskDir ?? '', 'events.jsonl')
const takesUp = (path: string) => statSync(path).blocks * 512
const trims = (taskDir: string | null | undefined) =>
  readFileSync(join(taskDir ?? '', 'journal.jsonl'), 'utf8').split('"log-trimmed"').length - 1
/** Started on a log that the monitor has just cut. */
async function cutTask(world: World, ...more: string[]) {
  world.config({ policy: { maxLogBytes: '1MB' } })
  const task = await world.begin('floods-on', 'fix', ...more)
  await until(() => statSync(events(task.taskDir)).size > 3 * MB, 'three megabytes')
  await until(() => takesUp(events(task.taskDir)) <= MB, 'the oldest to be dropped')
  return task
}

describe.concurrent('logs that grow beyond maxLogBytes', () => {
  test('lose their oldest lines while the agent writes on, and say so, and nothing else is another', async ({
    world,
  }) => {
    const { taskDir } = await cutTask(world)
    const shown = await world.rca(['logs', 'fix'])
    expect(shown.stdout).toMatch(
      /^── attempt 1 [^\n]*\n… the oldest 2\.\d MB of what it printed were dropped: see maxLogBytes\n0+7\n/,
    )
    const [first, second] = (await world.rca(['logs', 'fix', '--json'])).stdout.split('\n')
    const { bytes } = JSON.parse(first ?? '')
    expect(JSON.parse(first ?? '')).toEqual({
      kind: 'dropped',
      attempt: 1,
      file: 'events',
      bytes: expect.any(Number),
    })
    expect(JSON.parse(second ?? '')).toMatchObject({ kind: 'message' })
    const file = readFileSync(events(taskDir))
    expect((await world.rca(['logs', 'fix', '--raw'])).stdout).toBe(file.toString('utf8', bytes))
    expect(file.subarray(bytes - 2, bytes)).toEqual(Buffer.from('\0\n'))
    expect(file.toString('utf8', bytes, bytes + 25)).toBe('{"type":"item.completed",')

    const follower = world.start(['logs', 'fix', '-f', '-n', '1'])
    await until(() => follower.output.stdout.includes('7\n'), 'the follower to have begun')
    world.write('go')
    const done = await world.reaches('done')
    expect(done).toMatchObject({ attempts: 1, usage: { inputTokens: 100, outputTokens: 20 } })
    expect(done.lastMessage).toMatch(/^0+7$/)
    expect((await follower.done).stdout.match(/^0+7$/gm)).toHaveLength(401)
    expect((await world.rca(['result', 'fix'])).stdout).toMatch(/^0+7\n$/)
    expect(trims(taskDir)).toBe(1)
    const thread = (await world.rca(['list', '--json'])).stdout
    expect(JSON.parse(thread)[0]).toMatchObject({ agentSessionId: done.agentSessionId, state: 'done' })
  })

  test('lose them at the end of the attempt where nobody supervises the task', async ({ world }) => {
    world.config({ monitor: false, policy: { restart: 'never', maxLogBytes: '1MB' } })
    const { taskDir } = await world.begin('floods-on')
    world.write('go')
    await until(() => existsSync(join(taskDir ?? '', 'done')), 'its books to be closed')
    expect(trims(taskDir)).toBe(1)
    expect(takesUp(events(taskDir))).toBeLessThanOrEqual(MB)
    expect((await world.rca(['logs', 'fix', '-n', '1'])).stdout).toBe('completed\n')
  })

  test('--max-log-size none keeps everything', async ({ world }) => {
    world.config({ policy: { maxLogBytes: '1MB' } })
    const { taskDir } = await world.begin('floods-on', 'fix', '--max-log-size', 'none')
    world.write('go')
    await world.reaches('done')
    expect(trims(taskDir)).toBe(0)
    expect((await world.rca(['logs', 'fix'])).stdout).toContain('\nfirst\n')
  })

  test('stay whole where fallocate is missing: the monitor says so once, and the task ends well', async ({
    world,
  }) => {
    world.config({ policy: { maxLogBytes: '1MB' } })
    world.agent('floods-on')
    const PATH = world.pathWithout('fallocate')
    await world.json(['start', 'codex', 'fix', '-p', 'do it'], { env: { PATH } })
    const log = () => readFileSync(join(world.state, 'monitor.log'), 'utf8')
    await until(() => log().includes('stays so: '), 'the monitor to say so')
    world.write('go')
    const { taskDir } = await world.reaches('done')
    expect(log().split('stays so: ')).toHaveLength(2)
    expect(trims(taskDir)).toBe(0)
    expect((await world.rca(['logs', 'fix'])).stdout).toContain('\nfirst\n')
  })
})
