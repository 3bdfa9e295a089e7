import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import type { TaskJson } from '../../src/task/json.ts'
import { test, until, type World } from './harness.ts'

const START = ['start', 'codex', 'fix', '-p', 'do it']

describe.concurrent('one at a time', () => {
  test.for([2, 5])('of %i starts at once exactly one launches', async (count, { world }) => {
    world.agent('hangs')
    const results = await Promise.all(Array.from({ length: count }, () => world.rca(START)))
    expect(results.map((one) => one.code).sort()).toEqual([0, ...Array(count - 1).fill(5)])
    for (const one of results.filter((result) => result.code === 5)) {
      expect(one.stderr).toMatch(/codex-fix is (running|starting) already/)
    }
    expect(world.runs).toHaveLength(1)
    expect(world.taskDirs).toHaveLength(1)
  })

  test('a second start while the first runs is a conflict', async ({ world }) => {
    await world.begin('hangs')
    const result = await world.rca(START)
    expect(result).toMatchObject({ code: 5, stderr: expect.stringContaining('codex-fix is running already') })
    expect(world.taskDirs).toHaveLength(1)
  })

  test('two resumes at once make one attempt', async ({ world }) => {
    world.agent('kills-itself')
    await world.rca(START)
    await world.reaches('failed')
    world.agent('hangs-again')
    const results = await Promise.all([world.rca(['resume', 'fix']), world.rca(['resume', 'fix'])])
    expect(results.map((one) => one.code)).toEqual([0, 0])
    expect(world.runs).toHaveLength(2)
    expect(await world.status()).toMatchObject({ state: 'running', attempts: 2 })
  })

  test('a resume beside a kill: never an agent after the kill', async ({ world }) => {
    world.agent('kills-itself')
    await world.rca(START)
    await world.reaches('failed')
    world.agent('hangs-again')
    await Promise.all([world.rca(['resume', 'fix']), world.rca(['kill', 'fix'])])
    const { state } = await world.status()
    expect(world.agents().length > 0).toBe(state === 'running')
  })

  test('--if-exists reuse gives back the same task, asked for the same', async ({ world }) => {
    const first = await world.begin('hangs')
    const again = await world.json([...START, '--if-exists', 'reuse'])
    expect(again).toMatchObject({ taskDir: first.taskDir, pid: first.pid })
    const other = await world.rca(['start', 'codex', 'fix', '-p', 'other', '--if-exists', 'reuse'])
    expect(other).toMatchObject({ code: 5, stderr: expect.stringContaining('another prompt or folder') })
    const elsewhere = await world.rca([...START, '-C', '/', '--if-exists', 'reuse'])
    expect(elsewhere.code).toBe(5)
    const bolder = await world.rca([...START, '--access', 'full', '--if-exists', 'reuse'])
    expect(bolder).toMatchObject({ code: 5, stderr: expect.stringContaining('another access') })
    expect(world.runs).toHaveLength(1)
  })

  test('--if-exists reuse starts where there is nothing, and gives back what is done', async ({ world }) => {
    world.agent('done')
    const first = await world.json([...START, '--if-exists', 'reuse'])
    await world.reaches('done')
    expect(await world.json([...START, '--if-exists', 'reuse'])).toMatchObject({
      state: 'done',
      taskDir: first.taskDir,
    })
    expect(world.runs).toHaveLength(1)
  })

  test('--if-exists reuse six times at once: one agent', async ({ world }) => {
    world.agent('hangs')
    const results = await Promise.all(
      Array.from({ length: 6 }, () => world.json([...START, '--if-exists', 'reuse'])),
    )
    expect(new Set(results.map((one) => one.taskDir)).size).toBe(1)
    expect(world.runs).toHaveLength(1)
  })

  test('--if-exists replace kills the first and starts anew', async ({ world }) => {
    const first = await world.begin('hangs')
    const second = await world.json([...START, '--if-exists', 'replace'])
    expect(second.taskDir).not.toBe(first.taskDir)
    expect(second.state).toBe('running')
    expect(new Set(world.agents().map((one) => one.env.TASK_TMPDIR))).toEqual(new Set([second.taskDir]))
    expect(world.runs).toHaveLength(2)
  })
})

describe.concurrent('--if-exists, two at once or after the end', () => {
  test('replace twice at once: one agent, and both say which', async ({ world }) => {
    await world.begin('hangs')
    const replaced = await Promise.all([1, 2].map(() => world.json([...START, '--if-exists', 'replace'])))
    const { taskDir, state } = await world.status()
    expect(state).toBe('running')
    expect(replaced.map((one) => one.taskDir)).toContain(taskDir)
    expect(new Set(world.agents().map((one) => one.env.TASK_TMPDIR))).toEqual(new Set([taskDir]))
    expect(world.runs).toHaveLength(3)
  })

  test('a start and a reuse at once: one agent', async ({ world }) => {
    world.agent('hangs')
    const [first, second] = await Promise.all([
      world.rca(START),
      world.json([...START, '--if-exists', 'reuse']),
    ])
    // Whichever came first: the other is a conflict, or the same task.
    expect([0, 5]).toContain(first.code)
    expect(second).toMatchObject({ state: 'running' })
    expect(world.taskDirs).toHaveLength(1)
    expect(world.runs).toHaveLength(1)
  })

  test('reuse gives back what was killed, as often as it is asked', async ({ world }) => {
    const { taskDir } = await world.begin('hangs')
    await world.rca(['kill', 'fix'])
    for (let time = 0; time < 2; time++)
      expect(await world.json([...START, '--if-exists', 'reuse'])).toMatchObject({ taskDir, state: 'killed' })
    expect(world.runs).toHaveLength(1)
  })

  test.for(['fail', 'replace'])(
    '%s takes the name of what has ended, and leaves its records',
    async (what, { world }) => {
      const { taskDir } = await world.begin('done')
      await world.reaches('done')
      const next = await world.json([...START, '--if-exists', what])
      expect(next.taskDir).not.toBe(taskDir)
      expect(existsSync(join(taskDir ?? '', 'done'))).toBe(true)
    },
  )

  test('reuse is not given a task to which something was sent meanwhile as another one', async ({
    world,
  }) => {
    const { taskDir } = await world.begin('hangs')
    await world.rca(['send', 'fix', 'more'])
    expect(await world.json([...START, '--if-exists', 'reuse'])).toMatchObject({
      taskDir,
      queuedFollowUps: 1,
    })
  })
})

describe.concurrent('the gate of an attempt', () => {
  test('running the launch script a second time starts nothing', async ({ world }) => {
    const { taskDir } = await world.begin('hangs')
    const again = runLaunch(world, taskDir ?? '')
    expect(again).toMatchObject({ status: 125, stderr: expect.stringContaining('has begun already') })
    await world.rca(['kill', 'fix'])
    runLaunch(world, taskDir ?? '')
    expect(world.runs).toHaveLength(1)
    expect(world.agents()).toEqual([])
    expect((await world.status()).state).toBe('killed')
  })

  test('an attempt that was called off never begins', async ({ world }) => {
    const dir = await claimedOnly(world)
    expect(await world.status()).toMatchObject({ state: 'starting', attempts: 0 })
    expect(await world.json(['kill', 'fix'])).toMatchObject([{ state: 'killed', attempts: 0 }])
    runLaunch(world, dir)
    expect(world.runs).toEqual([])
    expect((await world.status()).state).toBe('killed')
  })

  test('a resume calls off an attempt that never began, and makes the next', async ({ world }) => {
    const dir = await claimedOnly(world)
    expect(await world.reaches('lost')).toMatchObject({ hint: 'rca resume launches it' })
    expect(await world.json(['resume', 'fix'])).toMatchObject({ state: 'running', attempts: 1 })
    runLaunch(world, dir)
    expect(world.runs).toHaveLength(1)
  })
})

/** Runs the launch script of attempt 1 by hand. */
function runLaunch(world: World, dir: string) {
  const options = { env: world.env, encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL' } as const
  return spawnSync('sh', [join(dir, 'attempts/1/launch')], options)
}

/** A task whose start was killed between the claim of its attempt and the line that the shell was to run. */
async function claimedOnly(world: World): Promise<string> {
  world.agent('hangs')
  world.program('tmux', 'echo x > "$HOME/tmux-was-called"; exec sleep 1000')
  const start = world.start(START)
  await until(() => world.read('tmux-was-called'), 'the call of tmux')
  start.child.kill('SIGKILL')
  await start.done
  rmSync(join(world.bin, 'tmux'))
  const [dir = ''] = world.taskDirs
  return dir
}

describe.concurrent('a start that is killed on its way', () => {
  const moments: [string, (world: World) => boolean][] = [
    ['the lock is there', (world) => existsSync(join(world.state, 'locks', 'codex-fix'))],
    ['the task directory appears', (world) => world.taskDirs.length > 0],
    ['the record is whole', (world) => world.taskDirs.some((dir) => existsSync(join(dir, 'spec.json')))],
    ['the attempt is claimed', (world) => world.taskDirs.some((dir) => existsSync(join(dir, 'attempts/1')))],
    ['the session appears', (world) => world.server() !== null],
    [
      'the gate is passed',
      (world) => world.taskDirs.some((dir) => existsSync(join(dir, 'attempts/1/begun'))),
    ],
    ['the agent runs', (world) => world.runs.length > 0],
  ]
  test.for(moments)(
    'when %s: the truth is told, and resume brings it to its end',
    async ([, reached], { world }) => {
      world.agent('steps')
      const start = world.start(START)
      await busyUntil(() => reached(world))
      start.child.kill('SIGKILL')
      await start.done
      for (const step of [1, 2, 3]) world.write(`go-${step}`)
      const [task] = await world.json<TaskJson[]>(['list', '--all'])
      // Killed before there was a task: nothing must be left in the way of the next start.
      if (!task) await world.json(START)
      const settled = await until(async () => {
        const now = await world.status()
        return now.state === 'starting' || now.state === 'running' ? null : now
      }, 'the task to have a verdict')
      if (settled.state !== 'done') {
        expect(settled).toMatchObject({ state: 'lost', hint: expect.stringContaining('rca resume') })
        expect(await world.rca(['resume', 'fix'])).toMatchObject({ code: 0 })
      }
      await world.rca(['wait', 'fix'])
      expect(await world.status()).toMatchObject({ state: 'done' })
      expect(world.runs).toHaveLength(1)
      expect(world.read('ledger')).toBe('start 1\nend 1\nstart 2\nend 2\nstart 3\nend 3\n')
    },
  )
})

/** Looks as often as it can: what is waited for lasts a few milliseconds. */
async function busyUntil(check: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!check()) {
    if (Date.now() > deadline) throw new Error('the moment never came')
    await new Promise(setImmediate)
  }
}
