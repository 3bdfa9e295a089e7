import { readdirSync, readlinkSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import type { TaskJson } from '../../src/task/json.ts'
import { jsonError, test, until } from './harness.ts'

describe.concurrent('wait', () => {
  test('returns when the task ends, not before', async ({ world }) => {
    await world.begin('waits')
    const wait = world.start(['wait', 'fix'])
    // What it prints comes at the end alone: that it waits is seen from another one that runs out of time meanwhile.
    expect(await world.rca(['wait', 'fix', '--timeout', '300ms'])).toMatchObject({ code: 124 })
    expect(wait.child.exitCode).toBeNull()
    world.write('go')
    expect(await wait.done).toMatchObject({ code: 0, stdout: 'codex-fix done\n', stderr: '' })
  })

  test('for a task whose directory was removed hung for ever', async ({ world }) => {
    const { taskDir } = await world.begin('waits')
    const wait = world.start(['wait', 'fix'])
    await until(() => watches(wait.child.pid), 'wait to wait')
    renameSync(taskDir ?? '', join(world.root, 'removed'))
    const { code, stderr } = await wait.done
    expect(code).toBe(3)
    expect(stderr).toContain('was removed')
  })

  test('for several: all of them, in the order asked, the worst counts', async ({ world }) => {
    await world.begin('done', 'good')
    world.agent('fails-at-once')
    await world.rca(['start', 'codex', 'bad', '-p', 'x'])
    const result = await world.rca(['wait', 'good', 'bad', 'codex-good', '--json'])
    expect(result.code).toBe(1)
    expect(JSON.parse(result.stdout).map((task: TaskJson) => [task.task, task.state])).toEqual([
      ['good', 'done'],
      ['bad', 'failed'],
    ])
  })

  test('--any: the first that ends', async ({ world }) => {
    await world.begin('hangs', 'long')
    await world.begin('waits', 'short')
    const wait = world.start(['wait', '--any', 'long', 'short', '--json'])
    world.write('go')
    const { code, stdout } = await wait.done
    expect(code).toBe(0)
    expect(JSON.parse(stdout).map((task: TaskJson) => task.task)).toEqual(['short'])
    expect((await world.status('long')).state).toBe('running')
  })

  test('--timeout: 124, what has ended is told', async ({ world }) => {
    await world.begin('hangs', 'long')
    await world.begin('done', 'short')
    await world.reaches('done', 'short')
    const result = await world.rca(['wait', 'long', 'short', '--timeout', '0.2'])
    expect(result).toMatchObject({
      code: 124,
      stdout: 'codex-short done\n',
      stderr: expect.stringContaining('not over after'),
    })
    const json = await world.rca(['wait', 'long', '--timeout', '0.2', '--json'])
    expect(json.code).toBe(124)
    expect(jsonError(json)).toMatchObject({ code: 'timeout', exitCode: 124 })
    expect((await world.rca(['wait', 'short', 'none'])).code).toBe(3)
  })

  test('--for: until it is in that state', async ({ world }) => {
    await world.begin('waits')
    expect(await world.rca(['wait', 'fix', '--for', 'running'])).toMatchObject({
      code: 0,
      stdout: 'codex-fix running\n',
    })
    const wait = world.start(['wait', 'fix', '--for', 'waiting,done', '--for', 'failed', '--json'])
    world.write('go')
    const { code, stdout } = await wait.done
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject([{ state: 'done' }])
  })

  test('--for: a task that starts, stalls and waits for its next attempt', async ({ world }) => {
    world.config({ policy: { stallAfter: '1s', backoff: '1h' } })
    world.agent('hangs-again')
    const starts = world.start(['start', 'codex', 'fix', '-p', 'x'])
    await starts.done
    expect((await world.rca(['wait', 'fix', '--for', 'stalled'])).code).toBe(0)
    const wait = world.start(['wait', 'fix', '--for', 'waiting', '--timeout', '60s'])
    const { pid } = await world.status()
    process.kill(pid ?? 0, 'SIGKILL')
    await until(() => world.runs.length === 2, 'the second attempt')
    await until(async () => (await world.status()).pid !== null, 'its agent')
    process.kill((await world.status()).pid ?? 0, 'SIGKILL')
    expect((await wait.done).code).toBe(0)
    await world.rca(['monitor', 'stop'])
  })

  test('--for: what can no longer be is not waited for', async ({ world }) => {
    await world.begin('done', 'good')
    await world.reaches('done', 'good')
    expect(await world.rca(['wait', 'good', '--for', 'running'])).toMatchObject({
      code: 1,
      stdout: 'codex-good done\n',
    })
    await world.begin('hangs', 'long')
    const both = await world.rca(['wait', 'good', 'long', '--for', 'running', '--any', '--json'])
    expect(both.code).toBe(0)
    expect(JSON.parse(both.stdout).map((task: TaskJson) => task.task)).toEqual(['long'])
    expect((await world.rca(['wait', 'good', 'long', '--for', 'running'])).code).toBe(1)
    const late = await world.rca(['wait', 'long', '--for', 'failed', '--timeout', '0.2'])
    expect(late).toMatchObject({ code: 124, stderr: expect.stringContaining('not failed after 0.2 s') })
    expect((await world.rca(['wait', 'long', '--for', 'sleeping'])).code).toBe(2)
    expect((await world.rca(['wait', 'long', '--for', 'done', '--exit-status'])).code).toBe(2)
  })

  test("--exit-status is the agent's own", async ({ world }) => {
    world.agent('bad-flag')
    await world.rca(['start', 'codex', 'bad', '-p', 'x'])
    expect((await world.rca(['wait', 'bad', '--exit-status'])).code).toBe(2)
    world.agent('kills-itself')
    await world.rca(['start', 'codex', 'shot', '-p', 'x'])
    expect((await world.rca(['wait', 'shot', '--exit-status'])).code).toBe(137)
    world.agent('no-final-event')
    await world.rca(['start', 'codex', 'half', '-p', 'x'])
    expect((await world.rca(['wait', 'half', '--exit-status'])).code).toBe(1)
  })

  test.for([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s: %i, and the task goes on', async ([signal, code], { world }) => {
    await world.begin('hangs')
    const wait = world.start(['wait', 'fix'])
    await until(() => watches(wait.child.pid), 'the wait to wait')
    wait.child.kill(signal)
    expect(await wait.done).toMatchObject({ code, stdout: '' })
    expect((await world.status()).state).toBe('running')
  })

  test('sees the end of a task that is killed', async ({ world }) => {
    await world.begin('hangs')
    const wait = world.rca(['wait', 'fix'])
    await world.rca(['kill', 'fix'])
    expect(await wait).toMatchObject({ code: 1, stdout: expect.stringMatching(/^codex-fix killed/) })
  })

  test('start --wait follows on stderr and ends with the code of wait', async ({ world }) => {
    world.agent('waits')
    const start = world.start(['start', 'codex', 'fix', '-p', 'x', '--wait'])
    await until(() => start.output.stderr.includes('early'), 'the progress')
    world.write('go')
    expect(await start.done).toMatchObject({
      code: 0,
      stdout: 'codex-fix done\n',
      stderr: expect.stringContaining('late'),
    })
  })

  test('start --wait that is interrupted leaves the task running and says so', async ({ world }) => {
    world.agent('waits')
    const start = world.start(['start', 'codex', 'fix', '-p', 'x', '--wait'])
    await until(() => start.output.stderr.includes('early'), 'the progress')
    start.child.kill('SIGINT')
    expect(await start.done).toMatchObject({
      code: 130,
      stderr: expect.stringContaining('codex-fix goes on'),
    })
    expect((await world.status()).state).toBe('running')
    world.write('go')
    expect((await world.rca(['wait', 'fix'])).code).toBe(0)
  })

  test('start --wait --json gives the same shape as wait --json', async ({ world }) => {
    world.agent('done')
    const started = await world.rca(['start', 'codex', 'fix', '-p', 'x', '--wait', '--json'])
    expect(started.code).toBe(0)
    const task = JSON.parse(started.stdout)
    const [waited] = await world.json<TaskJson[]>(['wait', 'fix'])
    expect(Array.isArray(task) ? task[0] : task).toEqual(waited)
  })
})

/** Whether a process has an inotify instance open: it waits for files to change. */
function watches(pid = 0): boolean {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).some((fd) => readlinkSync(`${folder}/${fd}`).includes('inotify'))
  } catch {
    return false
  }
}
