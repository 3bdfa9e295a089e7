import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { until } from '../e2e/harness.ts'
import { holdAt, killAgent, killLaunchScriptAndAgent, releaseAt } from './inject.ts'
import { type FaultWorld, START, test } from './world.ts'

/** Where whoever launches comes along when tmux would not have it and screen is next. */
const ON_THE_WAY = ['called-off', 'terminal-changed', 'typed', 'begun']

/** From here on tmux refuses everything. */
const refuse = (world: FaultWorld) => world.program('tmux', 'echo "no, thank you" >&2; exit 1')
const relent = (world: FaultWorld) => rmSync(join(world.bin, 'tmux'))

/** In what it may be left behind: a session in each. */
const BOTH = /^tmux |^SCREEN |^\/bin\/sh -i$/

describe.concurrent('tmux refuses', () => {
  test.for(ON_THE_WAY)(
    'a start that is killed at %s: the monitor brings the task to its end, in screen',
    async (point, { world }) => {
      world.expected = BOTH
      refuse(world)
      holdAt(world, point)
      const start = world.start(START)
      await world.killAt(point)
      await start.done
      const monitor = world.start(['monitor'])
      expect(await world.ends(1)).toMatchObject({ terminal: 'screen' })
      expect([0, 5]).toContain((await monitor.done).code)
    },
  )

  test.for(ON_THE_WAY)(
    'a monitor that goes on with a task is killed at %s: the next one goes on, in screen',
    async (point, { world }) => {
      world.expected = BOTH
      const task = await world.atWork()
      await world.watched()
      refuse(world)
      holdAt(world, point)
      await killLaunchScriptAndAgent(world, task)
      await world.killAt(point)
      world.start(['monitor'])
      await until(() => world.runs.length === 2, 'the second run')
      relent(world)
      world.go()
      expect(await world.ends(2)).toMatchObject({ terminal: 'screen' })
    },
  )

  test('while its launch script waits to be told what is next: it goes on where it is', async ({ world }) => {
    const task = await world.atWork()
    await world.watched()
    refuse(world)
    await killAgent('SIGKILL')(world, task)
    await until(() => world.runs.length === 2, 'the second run')
    relent(world)
    world.go()
    expect(await world.ends(2)).toMatchObject({ terminal: 'tmux' })
  })

  test('and two go on with the task at once: one agent', async ({ world }) => {
    world.expected = BOTH
    const task = await world.atWork('--no-monitor')
    refuse(world)
    await killLaunchScriptAndAgent(world, task)
    holdAt(world, 'called-off')
    const first = world.start(['resume', 'fix'])
    await world.comesTo('called-off')
    const second = world.start(['resume', 'fix'])
    releaseAt(world, 'called-off')
    expect((await first.done).code).toBe(0)
    expect((await second.done).code).toBe(0)
    relent(world)
    world.go()
    await world.ends(2)
  })

  test('and then does late what it was asked for: the agent is run once', async ({ world }) => {
    world.expected = BOTH
    const real = `PATH=/usr/local/bin:/usr/bin:/bin exec tmux "$@"`
    const late = `until [ -e "$HOME/late" ]; do sleep 0.05; done; ${real}`
    // New sessions fail, and are made all the same when nobody expects them any more.
    world.program('tmux', `case "$*" in *new-session*) (${late}) > /dev/null 2>&1 & exit 1 ;; esac; ${real}`)
    await world.atWork()
    expect(await world.status()).toMatchObject({ terminal: 'screen' })
    world.write('late')
    await until(() => world.hasSession(), 'tmux to make the session')
    await until(() => world.pane('=codex-fix:').includes('nothing is run'), 'the launch script to be refused')
    expect(world.runs).toHaveLength(1)
    relent(world)
    world.go()
    expect(await world.ends(1)).toMatchObject({ terminal: 'screen' })
  })
})
