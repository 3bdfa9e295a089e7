import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { type FaultWorld, test } from '../faults/world.ts'
import { until } from './harness.ts'

const START = ['start', 'codex', 'fix', '-p', 'do it', '--notify', 'bell']

/** Calls of another tmux server, whose panes are terminals of people. */
const outerTmux =
  (world: FaultWorld) =>
  (...args: string[]) =>
    spawnSync('tmux', ['-S', join(world.root, 'outer'), ...args], {
      env: world.env,
      encoding: 'utf8',
    }).stdout.trim()

describe.concurrent('bell', () => {
  test('rings in the terminal of whoever is attached, in whatever session, and touches no pane', async ({
    world,
  }) => {
    // A terminal that hears bells: a pane of another tmux server.
    const outer = outerTmux(world)
    world.holdLaunchScripts()
    outer('new-session', '-d', '-x', '120', '-y', '30', '/bin/sh')
    outer(
      'new-window',
      '-d',
      '-n',
      'person',
      `TMUX= exec tmux -S '${world.socket}' attach -t =somebody-elses`,
    )
    await until(() => world.tmux('list-clients', '-F', '#{client_tty}') !== '', 'the person to be attached')
    expect(outer('display-message', '-p', '-t', ':person', '#{window_bell_flag}')).toBe('0')
    world.agent('waits')
    await world.json(START)
    world.write('go')
    await until(
      () => outer('capture-pane', '-p', '-t', ':person').includes('codex-fix: done'),
      'the line to be shown',
    )
    await until(
      () => outer('display-message', '-p', '-t', ':person', '#{window_bell_flag}') === '1',
      'the bell to ring',
    )
    await until(() => world.journal.some((one) => one.outcome === 'delivered'), 'the delivery to be recorded')
    expect(world.pane('=somebody-elses:')).not.toContain('codex-fix')
    await until(() => world.pane('=codex-fix:').includes('__TASK_DONE__'), 'the end to be shown')
    expect(world.pane('=codex-fix:')).not.toContain('codex-fix: done')
    outer('kill-server')
  })

  test('waits for somebody to hear it', async ({ world }) => {
    world.agent('done')
    await world.json(START)
    await until(() => world.journal.some((one) => one.outcome === 'failed'), 'nobody to hear it')
    const { notices } = await world.status()
    expect(notices[0]).toMatchObject({ state: 'pending', error: 'nobody is attached to the tmux server' })
  })

  test('takes no format, and no command in one, from a notice', async ({ world }) => {
    const outer = outerTmux(world)
    world.holdLaunchScripts()
    const attach = `TMUX= exec tmux -S '${world.socket}' attach -t =somebody-elses`
    outer('new-session', '-d', '-x', '160', '-y', '30', attach)
    await until(() => world.tmux('list-clients', '-F', '#{client_tty}') !== '', 'the person to be attached')
    world.program(
      'codex',
      `. '${join(import.meta.dirname, '../fixtures/agents/codex.sh')}'\nbegin\nsay '#(touch $HOME/pwned) #{pid} 100%H;'\ncomplete`,
    )
    await world.json(START)
    const text = '#(touch $HOME/pwned) #{pid} 100%H;'
    await until(() => outer('capture-pane', '-p').includes(text), 'the text to be shown as it is')
    expect(existsSync(join(world.home, 'pwned'))).toBe(false)
    outer('kill-server')
  })
})
