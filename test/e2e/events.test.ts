import { appendFileSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import type { JournalEvent } from '../../src/task/feed.ts'
import { jsonError, RCA, type Running, test, until, type World } from './harness.ts'

const parse = (text: string): JournalEvent[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
const types = (text: string) => parse(text).map((one) => one.type)
const journal = (taskDir: string | null) => join(taskDir ?? '', 'journal.jsonl')

/** `rca events -f`, once it has printed what was there. */
async function following(world: World, ...args: string[]): Promise<Running> {
  const events = world.start(['events', '-f', ...args])
  await until(() => watches(events.child.pid) > 0, 'the events to be followed')
  return events
}

/** How many files and folders a process has inotify watch. */
function watches(pid = 0): number {
  try {
    const fds = readdirSync(`/proc/${pid}/fd`).filter((fd) =>
      readlinkSync(`/proc/${pid}/fd/${fd}`).includes('inotify'),
    )
    const info = fds.map((fd) => readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8')).join('')
    return info.match(/^inotify wd/gm)?.length ?? 0
  } catch {
    return 0
  }
}

async function finish(world: World, task: string): Promise<string> {
  await world.begin('done', task)
  return (await world.reaches('done', task)).taskDir ?? ''
}

describe.concurrent('events', () => {
  test('the journals of all tasks as one stream by time', async ({ world }) => {
    const one = await finish(world, 'one')
    const two = await finish(world, 'two')
    const { stdout, code } = await world.rca(['events'])
    expect(code).toBe(0)
    const all = parse(stdout)
    const lines = (dir: string) => readFileSync(journal(dir), 'utf8').trim().split('\n')
    expect(all).toHaveLength(lines(one).length + lines(two).length)
    expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).sort())
    const { task, taskDir, ...entry } = all[0] ?? { task: '', taskDir: '' }
    expect([task, taskDir, JSON.stringify(entry)]).toEqual(['codex-one', one, lines(one)[0]])
    expect((await world.rca(['events', '--json'])).stdout).toBe(stdout)
  })

  test('of the named tasks, of the last so many, of a while', async ({ world }) => {
    await finish(world, 'one')
    await finish(world, 'two')
    const tasksOf = async (...args: string[]) =>
      parse((await world.rca(['events', ...args])).stdout).map((event) => event.task)
    expect(new Set(await tasksOf('one'))).toEqual(new Set(['codex-one']))
    expect(new Set(await tasksOf('one', 'codex-two'))).toEqual(new Set(['codex-one', 'codex-two']))
    expect(await tasksOf('-n', '1')).toEqual(['codex-two'])
    expect(await tasksOf('--tail', '0')).toEqual([])
    expect((await tasksOf('--since', '1h')).length).toBeGreaterThan(5)
    expect(await tasksOf('--since', '2099-01-01T00:00:00Z')).toEqual([])
    expect(jsonError(await world.rca(['events', 'none', '--json']))).toMatchObject({ exitCode: 3 })
    expect((await world.rca(['events', '--since', 'soon'])).code).toBe(2)
  })

  test('a name stands for its newest task', async ({ world }) => {
    const older = await finish(world, 'fix')
    world.agent('done')
    await world.rca(['start', 'codex', 'fix', '-p', 'x', '--if-exists', 'replace'])
    await world.reaches('done')
    const dirs = new Set(parse((await world.rca(['events', 'fix'])).stdout).map((one) => one.taskDir))
    expect(dirs.size).toBe(1)
    expect(dirs).not.toContain(older)
  })

  test('what a newer release writes passes through, what is torn or no entry does not', async ({ world }) => {
    const dir = await finish(world, 'fix')
    const before = parse((await world.rca(['events'])).stdout).length
    const newer = '{"at":"2099-01-02T03:04:05.678Z","type":"dreamt","of":{"sheep":[1,2]}}'
    appendFileSync(journal(dir), `{"at":"2099-01-01T\n${newer}\nnonsense\n[1]\n{"at":"2099-01-0`)
    const { stdout, stderr } = await world.rca(['events'])
    expect(parse(stdout)).toHaveLength(before + 1)
    expect(parse(stdout).at(-1)).toEqual({ task: 'codex-fix', taskDir: dir, ...JSON.parse(newer) })
    expect(stderr).toBe('')
  })

  test('a reason with control characters reaches no terminal as such', async ({ world }) => {
    await world.begin('escapes')
    world.write('go')
    // It writes down the end, if nobody has yet.
    expect(await world.rca(['wait', 'fix'])).toMatchObject({ code: 1 })
    const { stdout } = await world.rca(['events'])
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
    expect(types(stdout)).toContain('attempt-ended')
  })

  test('events | head -1 ends quietly', async ({ world }) => {
    await finish(world, 'fix')
    const line = '"$1" "$2" events 2> "$HOME/err" | head -1'
    const { stdout } = await world.run(['/bin/sh', '-c', line, 'sh', process.execPath, RCA]).done
    expect(types(stdout)).toEqual(['created'])
    expect(world.read('err')).toBe('')
  })
})

describe.concurrent('events --follow', () => {
  test('tasks that are started, resumed by the monitor and end are told as it happens', async ({ world }) => {
    world.config({ monitor: true, policy: { backoff: '200ms' } })
    // Before there is anything, not even a state directory.
    const events = await following(world)
    await world.begin('kills-itself')
    await world.reaches('done')
    await until(() => events.output.stdout.includes('"completed"'), 'the end of the task')
    // Two observers may write down the same end.
    const told = parse(events.output.stdout)
    const first = (type: string, attempt: number) =>
      told.find((one) => one.type === type && one.attempt === attempt)
    const story = [first('attempt-claimed', 1), first('attempt-ended', 1), first('attempt-claimed', 2)]
    expect(story).toMatchObject([
      { task: 'codex-fix', how: 'start', by: 'person' },
      { exit: { signal: 'SIGKILL' } },
      { how: 'resume', by: 'monitor' },
    ])
    events.child.kill('SIGINT')
    expect(await events.done).toMatchObject({ code: 130, stderr: '' })
  })

  test('a line is told at once, and not before it is whole', async ({ world }) => {
    const { taskDir } = await world.begin('hangs')
    const events = world.start(['events', '-f', 'fix'])
    await until(() => events.output.stdout !== '', 'what was there')
    const news = () =>
      parse(events.output.stdout).flatMap(({ type }) => (type.startsWith('x-') ? [type] : []))
    const path = journal(taskDir)
    const line = (type: string) => `{"at":"2026-01-02T03:04:05.678Z","type":"${type}"}\n`
    const begun = performance.now()
    appendFileSync(path, line('x-first'))
    await until(() => news().length === 1, 'the line')
    // Well before the slow timer.
    expect(performance.now() - begun).toBeLessThan(1_000)
    appendFileSync(path, line('x-torn').slice(0, 20))
    const { taskDir: other } = await world.begin('hangs', 'other')
    await until(() => types(readFileSync(journal(other), 'utf8')).includes('attempt-started'), 'a start')
    expect(news()).toEqual(['x-first'])
    appendFileSync(path, line('x-torn').slice(20) + line('x-last'))
    await until(() => news().includes('x-last'), 'the last line')
    expect(news()).toEqual(['x-first', 'x-torn', 'x-last'])
    events.child.kill('SIGTERM')
    expect(await events.done).toMatchObject({ code: 143 })
  })

  test('a finished task is not watched, and is heard of again when it is resumed', async ({ world }) => {
    const done = await finish(world, 'one')
    for (const task of ['two', 'three']) await finish(world, task)
    await world.begin('hangs', 'live')
    const events = await following(world)
    await until(() => events.output.stdout.includes('codex-live'), 'what was there')
    // The folder of the tasks and the journal of the one that runs (and the pokes' folder, where a monitor ever ran).
    expect(watches(events.child.pid)).toBeLessThanOrEqual(3)
    world.agent('hangs-again')
    await world.rca(['resume', 'one', '-p', 'more'])
    const isBack = () => parse(events.output.stdout).some((one) => one.taskDir === done && one.attempt === 2)
    await until(isBack, 'the resume')
    await world.rca(['kill', 'live', 'one'])
    const killed = () => types(events.output.stdout).filter((type) => type === 'killed')
    await until(() => killed().length === 2, 'both kills')
    await until(() => watches(events.child.pid) <= 2, 'the watches to be let go')
  })

  test('a task that is taken away is no error', async ({ world }) => {
    const { taskDir } = await world.begin('hangs')
    const events = world.start(['events', '-f'])
    await until(() => events.output.stdout !== '', 'what was there')
    await world.rca(['kill', 'fix'])
    await until(() => types(events.output.stdout).includes('killed'), 'the kill')
    rmSync(taskDir ?? '', { recursive: true })
    await world.begin('hangs', 'next')
    await until(() => events.output.stdout.includes('codex-next'), 'the next task')
    expect(events.output.stderr).toBe('')
    expect(events.child.exitCode).toBeNull()
  })
})

test('where the user has no inotify instance left, the events go by their timer', async ({ world }) => {
  world.config({ monitor: true })
  const line = 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"'
  const rca = [process.execPath, RCA, 'events', '-f']
  const events = world.run(['unshare', '-Ur', '/bin/sh', '-c', line, 'sh', ...rca])
  await world.begin('kills-itself')
  await world.reaches('done')
  await until(() => events.output.stdout.includes('"completed"'), 'the end of the task')
  expect(watches(events.child.pid)).toBe(0)
  events.child.kill('SIGINT')
  expect(await events.done).toMatchObject({ code: 130, stderr: '' })
})
