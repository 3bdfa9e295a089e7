import { describe, expect } from 'vitest'
import { until } from '../e2e/harness.ts'
import { holdAt, killAgent, killMonitor, monitorOf, releaseAt } from './inject.ts'
import { supervised, test } from './world.ts'

/** Where a monitor comes along on the way from an agent's death to the next one's life. */
const ON_THE_WAY = [
  'monitor-recover',
  'monitor-locked',
  'before-attempt-ended',
  'monitor-before-recover',
  'ground-cleared',
  'claim-entered',
  'claim-filled',
  'claimed',
  'handing-over',
  'typed',
  'begun',
]

describe.concurrent('a monitor that is killed', () => {
  test.for(ON_THE_WAY)('at %s: the next one goes on from there', async (point, { world }) => {
    const task = await world.atWork()
    const first = await world.watched()
    holdAt(world, point)
    await killAgent('SIGKILL')(world, task)
    expect(await world.comesTo(point)).toBe(first)
    await world.killAt(point)
    const second = world.start(['monitor'])
    world.go()
    await world.ends(2)
    // The launch script's end may have started one just before.
    expect([0, 5]).toContain((await second.done).code)
  })

  test.for(ON_THE_WAY)('at %s, and nobody starts another: who waits does', async (point, { world }) => {
    const task = await world.atWork()
    await world.watched()
    holdAt(world, point)
    await killAgent('SIGKILL')(world, task)
    await world.killAt(point)
    world.go()
    await world.ends(2)
  })

  test.for(['monitor-announced', 'lock-entering'])('at %s, while it starts', async (point, { world }) => {
    holdAt(world, point)
    const first = world.start(['monitor'])
    await world.killAt(point)
    await first.done
    const task = await world.atWork()
    await world.watched()
    await killAgent('SIGKILL')(world, task)
    world.go()
    await world.ends(2)
  })

  test.for(['monitor-end', 'monitor-before-end'])(
    'at %s, about to end an agent that has finished',
    async (point, { world }) => {
      world.config(supervised({ exitGrace: '300ms' }))
      world.write('stay')
      await world.atWork()
      await world.watched()
      holdAt(world, point)
      world.go()
      await world.killAt(point)
      world.start(['monitor'])
      await world.ends(1)
    },
  )

  test.for(['monitor-note-stall', 'monitor-end', 'monitor-before-end'])(
    'at %s, about to end an agent that has stalled',
    async (point, { world }) => {
      holdAt(world, point)
      await world.atWork('--stall-after', '1s', '--on-stall', 'restart')
      await world.killAt(point)
      world.start(['monitor'])
      await until(() => world.runs.length === 2, 'the second run')
      world.go()
      await world.ends(null)
    },
  )

  test('while it waits for the next attempt: the wait is not begun anew', async ({ world }) => {
    world.config(supervised({ backoff: '20s' }))
    world.write('orders', 'exit 1')
    world.write('hold', '1')
    await world.rca(['start', 'codex', 'fix', '-p', 'do it'])
    const { nextAttemptAt } = await until(async () => {
      const now = await world.status()
      return now.state === 'waiting' && now.attempts === 2 ? now : null
    }, 'the second failure')
    await killMonitor(world, { taskDir: null, name: '' })
    world.start(['monitor'])
    await world.watched()
    expect((await world.status()).nextAttemptAt).toBe(nextAttemptAt)
    world.go()
    await world.ends(3)
  })
})

describe.concurrent('two monitors', () => {
  test('the second one is told that one runs; --replace takes its place', async ({ world }) => {
    const task = await world.atWork()
    const first = await world.watched()
    expect(await world.rca(['monitor'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining(`pid ${first}`),
    })
    const other = world.start(['monitor', '--replace'])
    await until(() => monitorOf(world) === other.child.pid, 'the other one to take over')
    await killAgent('SIGKILL')(world, task)
    world.go()
    await world.ends(2)
    expect((await other.done).code).toBe(0)
  })

  test('--once beside one that is in the middle of making the next attempt', async ({ world }) => {
    const task = await world.atWork()
    await world.watched()
    holdAt(world, 'claimed')
    await killAgent('SIGKILL')(world, task)
    await world.comesTo('claimed')
    const once = world.start(['monitor', '--once'])
    releaseAt(world, 'claimed')
    expect((await once.done).code).toBe(0)
    world.go()
    await world.ends(2)
  })

  test('--once at the moment at which the other one has decided the same', async ({ world }) => {
    const task = await world.atWork()
    await world.watched()
    holdAt(world, 'monitor-recover')
    await killAgent('SIGKILL')(world, task)
    const first = await world.comesTo('monitor-recover')
    const once = world.start(['monitor', '--once'])
    await until(() => world.waitingAt('monitor-recover').length === 2, 'the other one to come there too')
    releaseAt(world, 'monitor-recover')
    expect((await once.done).code).toBe(0)
    world.go()
    await world.ends(2)
    expect(monitorOf(world)).not.toBe(first)
  })

  test('--once alone, as cron runs it, brings the task to its end', async ({ world }) => {
    const task = await world.atWork('--no-monitor')
    await killAgent('SIGKILL')(world, task)
    await world.reaches('waiting')
    await world.lookOnce()
    expect(world.runs).toHaveLength(2)
    world.go()
    await world.ends(2)
  })

  test('one that stands still for a while, and goes on', async ({ world }) => {
    const task = await world.atWork()
    const monitor = await world.watched()
    process.kill(monitor, 'SIGSTOP')
    await killAgent('SIGKILL')(world, task)
    await world.reaches('waiting')
    process.kill(monitor, 'SIGCONT')
    world.go()
    await world.ends(2)
  })
})
