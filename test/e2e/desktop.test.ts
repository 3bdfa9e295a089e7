import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { type FaultWorld, test } from '../faults/world.ts'
import { until } from './harness.ts'

const NEEDED = ['Xvfb', 'dunst', 'dunstctl', 'dbus-daemon', 'notify-send']
const absent = NEEDED.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0)
const needs =
  process.platform === 'linux' ? (absent.length > 0 ? `needs ${absent.join(', ')}` : null) : 'needs Linux'

interface Shown {
  readonly appname: { readonly data: string }
  readonly summary: { readonly data: string }
  readonly body: { readonly data: string }
}

/** A desktop of its own: a session bus, an X server that shows nothing, and a notification daemon. */
class Desktop {
  readonly env: Record<string, string>

  constructor(private readonly world: FaultWorld) {
    const folder = join(world.root, 'run')
    mkdirSync(folder, { mode: 0o700 })
    const bus = `unix:path=${join(folder, 'session')}`
    this.env = { XDG_RUNTIME_DIR: folder, DBUS_SESSION_BUS_ADDRESS: bus }
    world.run(['dbus-daemon', '--session', '--nofork', `--address=${bus}`], { env: this.env })
  }

  async up(): Promise<void> {
    await until(() => existsSync(join(this.world.root, 'run/session')), 'the bus to be there')
    // It takes a free number and says which.
    const server = this.world.run([
      'Xvfb',
      '-displayfd',
      '1',
      '-nolisten',
      'tcp',
      '-screen',
      '0',
      '640x480x24',
    ])
    const display = await until(() => /^(\d+)\n/.exec(server.output.stdout)?.[1], 'the X server to be there')
    this.env.DISPLAY = `:${display}`
    const daemon = this.world.run(['dunst'], { env: this.env })
    await until(() => this.ctl('is-paused') === 'false', `dunst to be there: ${daemon.output.stderr}`)
  }

  private ctl(...args: string[]): string {
    return spawnSync('dunstctl', args, {
      env: { ...this.world.env, ...this.env },
      encoding: 'utf8',
    }).stdout.trim()
  }

  /** All that was shown and closed. */
  get history(): Shown[] {
    this.ctl('close-all')
    return (JSON.parse(this.ctl('history')) as { data: Shown[][] }).data.flat()
  }
}

describe.concurrent(`desktop${needs ? ` (${needs})` : ''}`, () => {
  test.skipIf(needs)(
    'shows the notice through a real bus and daemon, markup and all as it is',
    async ({ world }) => {
      const desktop = new Desktop(world)
      await desktop.up()
      world.program(
        'codex',
        `. '${join(import.meta.dirname, '../fixtures/agents/codex.sh')}'\nbegin\nsay '<b>3</b> tests & more: C:\\\\new $(id)'\ncomplete`,
      )
      await world.json(['start', 'codex', 'fix', '-p', 'do it', '--notify', 'desktop'], { env: desktop.env })
      await until(() => world.journal.some((one) => one.outcome === 'delivered'), 'the delivery')
      const [shown, ...more] = await until(() => {
        const { history } = desktop
        return history.length > 0 ? history : null
      }, 'the notification to be shown')
      expect(more).toEqual([])
      expect(shown?.appname.data).toBe('rca')
      expect(shown?.summary.data).toBe('codex-fix: done')
      // dunst keeps it as it came: text for a daemon that reads markup.
      expect(shown?.body.data).toContain('&lt;b&gt;3&lt;/b&gt; tests &amp; more: C:\\new $(id)')
    },
  )

  test.skipIf(needs)('is said to be out of reach where nobody is logged in', async ({ world }) => {
    const result = await world.rca(['notify', 'test', 'desktop'], { env: { XDG_RUNTIME_DIR: world.home } })
    expect(result).toMatchObject({ code: 1, stdout: expect.stringContaining('there is no session bus') })
  })
})
