import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import type { PruneResult, Removed } from '../../src/commands/remove.ts'
import { end, holdAt, releaseAt } from '../faults/inject.ts'
import { isRunning, jsonError, test, until, type World } from './harness.ts'

const tasksIn = (world: World) => readdirSync(join(world.state, 'tasks'))

describe.concurrent('rm', () => {
  test('removes the records of a task that has ended, and its session', async ({ world }) => {
    const { taskDir } = await world.begin('done')
    await world.reaches('done')
    expect(await world.rca(['rm', 'fix'])).toMatchObject({ code: 0, stdout: 'codex-fix removed: done\n' })
    expect(existsSync(taskDir ?? '')).toBe(false)
    expect(tasksIn(world)).toEqual([])
    expect(world.server()).toBeNull()
    expect((await world.rca(['status', 'fix'])).code).toBe(3)
    expect((await world.rca(['rm', 'fix'])).code).toBe(3)
    expect((await world.begin('done')).taskDir).not.toBe(taskDir)
  })

  test('refuses one that lives, unless it is to be killed', async ({ world }) => {
    const task = await world.begin('hangs')
    const refused = await world.rca(['rm', 'fix', '--json'])
    expect(refused.code).toBe(5)
    expect(jsonError(refused)).toMatchObject({ code: 'conflict', hint: expect.stringContaining('--force') })
    expect(await world.status()).toMatchObject({ state: 'running', pid: task.pid })
    expect(await world.json<Removed[]>(['rm', 'fix', '--force'])).toMatchObject([
      { name: 'codex-fix', state: 'killed', taskDir: task.taskDir, queuedFollowUps: 0 },
    ])
    expect(isRunning(task.pid ?? 0)).toBe(false)
    expect(tasksIn(world)).toEqual([])
  })

  test('removes all that had the name, and several names at once', async ({ world }) => {
    await world.begin('done')
    await world.reaches('done')
    await world.begin('done')
    await world.begin('hangs', 'other')
    await world.reaches('done')
    const result = await world.rca(['rm', 'fix', 'other'])
    expect(result).toMatchObject({
      code: 5,
      stdout: 'codex-fix removed: done\ncodex-fix removed: done\n',
      stderr: expect.stringContaining('codex-other is running'),
    })
    expect(tasksIn(world)).toHaveLength(1)
  })

  test('of a task that had gone on in another terminal left its session there', async ({ world }) => {
    world.agent('done')
    world.program('tmux', 'echo "no, thank you" >&2; exit 1')
    expect((await world.rca(['start', 'codex', 'fix', '-p', 'do it'])).stderr).toContain('runs in screen')
    await world.reaches('done')
    expect(world.screenOf()).not.toBeNull()
    expect(await world.rca(['rm', 'fix'])).toMatchObject({ code: 0, stderr: '' })
    expect(world.screenOf()).toBeNull()
    expect(tasksIn(world)).toEqual([])
  })

  test('of a task whose terminal is not installed any more could not be removed', async ({ world }) => {
    await world.begin('done')
    await world.reaches('done')
    const env = { PATH: world.pathWithout('tmux') }
    expect(await world.rca(['rm', 'fix'], { env })).toMatchObject({ code: 0, stderr: '' })
    expect(tasksIn(world)).toEqual([])
  })

  test('leaves what cannot be read, and a session that is not of rca', async ({ world }) => {
    const { taskDir } = await world.begin('done')
    await world.reaches('done')
    writeFileSync(join(taskDir ?? '', 'spec.json'), 'rubbish')
    expect((await world.rca(['rm', 'fix', '--force'])).code).toBe(4)
    expect(existsSync(taskDir ?? '')).toBe(true)
    world.session('codex-mine', 'sleep 1000')
    expect((await world.rca(['rm', 'mine', '--force'])).code).toBe(3)
    expect(world.tmux('list-sessions', '-F', '#{session_name}')).toContain('codex-mine')
  })

  test('that is killed half-way has removed the task; the next one deletes the rest', async ({ world }) => {
    const pause = { RCA_TEST_PAUSE: join(world.root, 'pause') }
    const place = { socket: world.socket, env: { ...world.env, ...pause } }
    await world.begin('done')
    await world.reaches('done')
    await world.begin('done', 'other')
    await world.reaches('done', 'other')
    holdAt(place, 'removed-aside')
    const rm = world.start(['rm', 'fix'], { env: pause })
    await until(
      () => readdirSync(pause.RCA_TEST_PAUSE).some((name) => name.includes('.at.')),
      'rm to be there',
    )
    await end(rm.child.pid ?? 0, 'SIGKILL')
    releaseAt(place, 'removed-aside')
    expect((await world.rca(['status', 'fix'])).code).toBe(3)
    expect(await world.json(['list', '--all'])).toMatchObject([{ name: 'codex-other' }])
    expect(tasksIn(world)).toHaveLength(2)
    expect((await world.rca(['rm', 'other'])).code).toBe(0)
    expect(tasksIn(world)).toEqual([])
  })
})

describe.concurrent('prune', () => {
  test('removes what ended so long ago, and nothing that lives or cannot be read', async ({ world }) => {
    await world.begin('done', 'well')
    await world.reaches('done', 'well')
    const broken = await world.begin('done', 'broken')
    await world.reaches('done', 'broken')
    writeFileSync(join(broken.taskDir ?? '', 'spec.json'), 'rubbish')
    world.agent('fails-at-once')
    await world.rca(['start', 'codex', 'bad', '-p', 'x'])
    await world.begin('hangs', 'long')
    expect(await world.json<PruneResult>(['prune', '--older-than', '1h'])).toMatchObject({ removed: [] })
    const dry = await world.json<PruneResult>(['prune', '--older-than', '0s', '--dry-run'])
    expect(dry.dryRun).toBe(true)
    expect(dry.removed.map((one) => one.name).sort()).toEqual(['codex-bad', 'codex-well'])
    expect(dry.left).toMatchObject([
      { taskDir: broken.taskDir, reason: expect.stringContaining('cannot be read') },
    ])
    expect(tasksIn(world)).toHaveLength(4)
    expect(await world.rca(['prune', '--older-than', '0s', '--state', 'failed'])).toMatchObject({
      code: 0,
      stdout: 'codex-bad removed: failed\n',
      stderr: expect.stringContaining(`left ${broken.taskDir}`),
    })
    expect((await world.json<PruneResult>(['prune', '--older-than', '0s'])).removed).toMatchObject([
      { name: 'codex-well', state: 'done' },
    ])
    expect(await world.status('long')).toMatchObject({ state: 'running' })
    expect(tasksIn(world)).toHaveLength(2)
  })

  test.for([
    [[], /needs --older-than/],
    [['--older-than', 'soon'], /is not a duration/],
    [['--older-than', '1d', '--state', 'running'], /done, failed, killed, lost/],
  ] as const)('%j is a mistake', async ([args, words], { world }) => {
    const result = await world.rca(['prune', ...args])
    expect(result).toMatchObject({ code: 2, stderr: expect.stringMatching(words) })
  })
})
