import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { isRunning, TERMINAL, until } from '../e2e/harness.ts'
import {
  agentEndsOf,
  closeSession,
  deleteSocket,
  end,
  killAgent,
  newest,
  pressCtrlC,
  screenOf,
  serverOf,
  signalAgent,
} from './inject.ts'
import { type FaultWorld, START, supervised, test, turnFailed } from './world.ts'

/** The process that has the task's socket. */
const holder = (world: FaultWorld) =>
  TERMINAL === 'tmux' ? serverOf(world) : screenOf(world, { name: 'codex-fix' })

/** The session that it runs in. */
const sessionOf = (world: FaultWorld) =>
  TERMINAL === 'tmux'
    ? world.tmux('display-message', '-p', '-t', '=codex-fix:', '#{session_id}')
    : String(world.screenOf())

/** tmux's socket serves all, and the monitor mends it; screen's is mended by whoever next wants the session. */
async function mended(world: FaultWorld): Promise<number> {
  const found = async () => {
    if (TERMINAL === 'tmux') return world.server()
    await world.status()
    return world.screenOf()
  }
  return until(found, 'the socket to be there again')
}

const NO_SOCKET = 'plain: there is no socket'

describe.concurrent('the socket of the terminal is deleted while all lives on', () => {
  test('it is made again, nobody is started twice, and a dead agent goes on in its session', async ({
    world,
    skip,
  }) => {
    if (TERMINAL === 'plain') skip(NO_SOCKET)
    const task = await world.atWork()
    await world.watched()
    const server = holder(world)
    const session = sessionOf(world)
    await deleteSocket(world, task)
    expect(await mended(world)).toBe(server)
    expect(world.hasSession()).toBe(true)
    expect(world.runs).toHaveLength(1)
    expect(isRunning(task.pid ?? 0)).toBe(true)
    await killAgent('SIGKILL')(world, task)
    await until(() => world.runs.length === 2, 'the second run')
    expect(sessionOf(world)).toBe(session)
    world.go()
    await world.ends(2)
  })

  test('and the agent dies before anybody has noticed', async ({ world, skip }) => {
    if (TERMINAL === 'plain') skip(NO_SOCKET)
    const task = await world.atWork()
    await world.watched()
    const server = holder(world)
    await deleteSocket(world, task)
    await killAgent('SIGKILL')(world, task)
    expect(await mended(world)).toBe(server)
    world.go()
    await world.ends(2)
  })
})

describe.concurrent('a person at the pane', () => {
  test('who presses Ctrl-C has killed it: it is not revived, resume goes on', async ({ world, skip }) => {
    if (TERMINAL === 'plain') skip('plain: there is nowhere to press it')
    const task = await world.atWork()
    await world.watched()
    await pressCtrlC(world, task)
    expect(await world.rca(['wait', 'fix'])).toMatchObject({ code: 1 })
    expect(await world.status()).toMatchObject({ state: 'killed', cause: 'interrupted' })
    await world.lookOnce()
    expect(world.runs).toHaveLength(1)
    world.go()
    await world.rca(['resume', 'fix'])
    await world.ends(2)
  })
})

describe.concurrent('an agent that does not go on', () => {
  test('stands still: it is reported, with evidence, and left alone; then it goes on', async ({ world }) => {
    const task = await world.atWork('--stall-after', '4s')
    await signalAgent('SIGSTOP')(world, task)
    // Whoever looks before the monitor has, sees the silence alone.
    await world.entered('stalled')
    const stalled = await world.reaches('stalled')
    expect(stalled.reason).toMatch(/^no work for \d+ seconds: it runs shell: step 2$/)
    world.go()
    await signalAgent('SIGCONT')(world, task)
    await world.ends(1)
  })

  test('is silent: with --on-stall restart it is ended and its conversation goes on', async ({ world }) => {
    await world.atWork('--stall-after', '4s', '--on-stall', 'restart')
    await world.entered('ending')
    world.go()
    await world.ends(2)
    expect(world.journal.find((one) => one.type === 'ending')).toMatchObject({ why: 'stalled', attempt: 1 })
  })

  test('stands still: with --on-stall restart it is killed and its conversation goes on', async ({
    world,
  }) => {
    const task = await world.atWork('--stall-after', '5s', '--on-stall', 'restart')
    await signalAgent('SIGSTOP')(world, task)
    await world.entered('ending')
    world.go()
    await world.ends(2)
  })

  test('has finished and does not exit: it is ended, and the task is done', async ({ world }) => {
    world.config(supervised({ exitGrace: '500ms' }))
    world.write('stay')
    const task = await world.atWork()
    world.go()
    await world.ends(1)
    expect(isRunning(task.pid ?? 0)).toBe(false)
    expect(world.journal.find((one) => one.type === 'ending')).toMatchObject({ why: 'finished' })
  })
})

describe.concurrent('a usage limit', () => {
  test('with a stated reset is waited for, and counts as no failure', async ({ world }) => {
    world.config(supervised({ maxRetries: 0 }))
    await world.atWork()
    const reset = new Date(Date.now() + 2_000).toISOString()
    world.order(turnFailed(`You have hit your usage limit. It resets at ${reset}.`))
    const waiting = await world.reaches('waiting')
    expect(waiting.cause).toBe('usage-limit')
    expect(Date.parse(waiting.nextAttemptAt ?? '')).toBeGreaterThan(Date.parse(reset))
    expect(Date.parse(waiting.nextAttemptAt ?? '')).toBeLessThan(Date.parse(reset) + 95_000)
    expect(world.runs).toHaveLength(1)
    world.go()
    await world.ends(2)
  })

  test('without a stated reset is waited for by a guess, and says so', async ({ world }) => {
    await world.atWork()
    world.order(turnFailed('You have hit your usage limit.'))
    const waiting = await world.reaches('waiting')
    expect(waiting).toMatchObject({ cause: 'usage-limit', reason: expect.stringContaining('is a guess') })
    expect(Date.parse(waiting.nextAttemptAt ?? '') - Date.now()).toBeGreaterThan(14 * 60_000)
    await world.entered('waiting')
    expect(world.journal.at(-1)).toMatchObject({ type: 'waiting', why: 'limit', guess: true })
    world.go()
    await world.rca(['resume', 'fix'])
    await world.ends(2)
  })
})

const HOPELESS: [string, string, string, RegExp][] = [
  ['no login', turnFailed('unexpected status 401 Unauthorized: no such key'), 'not-logged-in', /codex login/],
  [
    'a flag that it does not know',
    'echo "error: unexpected argument \'-x\'" >&2; exit 2',
    'bad-arguments',
    /--help/,
  ],
  [
    'a prompt that is too long',
    turnFailed('ran out of room in the model context').replace('model', "model'\\''s"),
    'bad-prompt',
    /new task/,
  ],
]

describe.concurrent('what cannot heal ends supervision at once', () => {
  test.for(HOPELESS)('%s', async ([, script, cause, hint], { world }) => {
    const task = await world.atWork()
    await world.watched()
    await agentEndsOf(task, () => world.order(script))
    expect(await world.rca(['wait', 'fix'])).toMatchObject({ code: 1 })
    expect(await world.status()).toMatchObject({ state: 'failed', cause, hint: expect.stringMatching(hint) })
    await world.lookOnce()
    expect(world.runs).toHaveLength(1)
  })

  test('the record of the conversation is gone', async ({ world }) => {
    const task = await world.atWork()
    await world.watched()
    rmSync(join(world.home, '.codex'), { recursive: true })
    await killAgent('SIGKILL')(world, task)
    expect(await world.rca(['wait', 'fix'])).toMatchObject({ code: 1 })
    expect(await world.status()).toMatchObject({ state: 'failed', cause: 'no-such-session' })
    expect(world.runs).toHaveLength(1)
  })

  test('the project folder is gone; it can be put back', async ({ world }) => {
    const task = await world.atWork()
    await world.watched()
    rmSync(world.project, { recursive: true })
    await killAgent('SIGKILL')(world, task)
    expect(await world.rca(['wait', 'fix'], { cwd: world.root })).toMatchObject({ code: 1 })
    mkdirSync(world.project)
    expect(await world.status()).toMatchObject({ state: 'failed', hint: 'Put it back, then resume.' })
    world.go()
    expect(await world.rca(['resume', 'fix'])).toMatchObject({ code: 0 })
    await world.ends(2)
  })

  test('the agent was uninstalled; it can be installed again', async ({ world }) => {
    const task = await world.atWork()
    await world.watched()
    rmSync(join(world.bin, 'codex'))
    await killAgent('SIGKILL')(world, task)
    expect(await world.rca(['wait', 'fix'])).toMatchObject({ code: 1 })
    expect(await world.status()).toMatchObject({
      state: 'failed',
      cause: 'not-installed',
      hint: expect.stringContaining('npm install'),
    })
    world.agent('ledger')
    world.go()
    expect(await world.rca(['resume', 'fix'])).toMatchObject({ code: 0 })
    await world.ends(2)
  })
})

describe.concurrent('supervision gives up', () => {
  test('after so many resumes in a row without progress: 125', async ({ world }) => {
    world.write('hold', '1')
    world.write('orders', 'kill -9 $$')
    await world.rca([...START, '--max-retries', '2'])
    expect(await world.rca(['wait', 'fix'])).toMatchObject({ code: 125 })
    expect(await world.status()).toMatchObject({ state: 'failed', cause: 'retries', attempts: 3 })
    await world.lookOnce()
    expect(world.runs).toHaveLength(3)
  })

  test('at the deadline: 125', async ({ world }) => {
    world.config(supervised({ backoff: '2s' }))
    world.write('hold', '1')
    world.write('orders', 'kill -9 $$')
    await world.rca([...START, '--deadline', '4s'])
    expect(await world.rca(['wait', 'fix'])).toMatchObject({ code: 125 })
    expect(await world.status()).toMatchObject({ state: 'failed', cause: 'deadline' })
    expect(world.runs.length).toBeLessThan(5)
  })

  test('by the brake, although each run gets a little further: 125', async ({ world }) => {
    world.config(supervised({ maxResumesPerHour: 3 }))
    world.write('steps', '100')
    world.write('orders', '')
    world.write('hold', '2')
    const task = await world.atWork()
    await agentEndsOf(task, () => world.write('orders', "say 'a little'; kill -9 $$"))
    expect(await world.rca(['wait', 'fix'])).toMatchObject({ code: 125 })
    expect(await world.status()).toMatchObject({ state: 'failed', cause: 'brake' })
    expect(world.runs).toHaveLength(4)
  })

  test('and goes on when a person says so', async ({ world }) => {
    const task = await world.atWork('--max-retries', '0')
    await closeSession(world, task)
    await end(newest(task).agent?.pid ?? 0, 'SIGKILL').catch(() => {})
    expect(await world.rca(['wait', 'fix'])).toMatchObject({ code: 125 })
    world.go()
    await world.rca(['resume', 'fix'])
    await world.ends(2)
  })
})
