import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import type { ServiceChange, ServiceJson, ServicePlan } from '../../src/commands/service.ts'
import { jsonError, test, type World } from './harness.ts'

const MINE = '# mine\nMAILTO=x\n0 5 * * * true # 100%\n'

/** Nothing on PATH but what the test puts there: no systemd answers. */
const bare = (world: World) => ({ env: { PATH: world.bin, XDG_RUNTIME_DIR: world.root } })

/** A `crontab` that keeps the table in HOME and notes every write; fails as Debian's does where there is none. */
function fakeCrontab(world: World): void {
  world.program(
    'crontab',
    `case $1 in
-l) [ -f "$HOME/table" ] || { echo "no crontab for x" >&2; exit 1; }; exec /bin/cat "$HOME/table" ;;
-) /bin/cat > "$HOME/table"; echo >> "$HOME/writes" ;;
esac`,
  )
}

describe.concurrent('rca service with a crontab and nothing else', () => {
  test('is one line, put there once and taken away again; other lines stay', async ({ world }) => {
    fakeCrontab(world)
    world.write('table', MINE)
    const service = <T>(...args: string[]) => world.json<T>(['service', ...args], bare(world))
    const plan = await service<ServicePlan>('install', '--dry-run')
    expect(plan).toMatchObject({ kind: 'cron', done: 'installed', steps: [{ argv: ['crontab', '-'] }] })
    expect(world.read('table')).toBe(MINE)

    expect(await service<ServiceChange>('install')).toMatchObject({ done: 'installed', installed: true })
    expect(world.read('table')).toMatch(
      /^# mine\n.*\n.*\n@reboot \/usr\/bin\/env .* monitor --replace # rca-monitor\n$/,
    )
    expect(await service<ServiceChange>('install')).toMatchObject({ done: 'unchanged' })
    expect(world.read('writes')).toBe('\n')

    expect(await service<ServiceChange>('uninstall')).toMatchObject({ done: 'removed', installed: false })
    expect(world.read('table')).toBe(MINE)
    expect(await service<ServiceChange>('uninstall')).toMatchObject({ done: 'absent' })
    expect(world.read('writes')).toBe('\n\n')
  })

  test('begins a crontab where there was none', async ({ world }) => {
    fakeCrontab(world)
    await world.json(['service', 'install'], bare(world))
    expect(world.read('table')).toMatch(/^@reboot .*\n$/)
  })

  test('has exit code 1 for status while no monitor runs', async ({ world }) => {
    fakeCrontab(world)
    const absent = await world.rca(['service', 'status', '--json'], bare(world))
    expect(absent.code).toBe(1)
    expect(JSON.parse(absent.stdout)).toMatchObject({ kind: 'cron', installed: false, active: false })
    await world.json(['service', 'install'], bare(world))
    const stopped = await world.rca(['service', 'status', '--json'], bare(world))
    expect(stopped.code).toBe(1)
    expect(JSON.parse(stopped.stdout)).toMatchObject({ installed: true, enabled: true, active: false })
  })

  test('writes over nothing that it could not read', async ({ world }) => {
    fakeCrontab(world)
    world.write('table', MINE)
    world.program('crontab', 'echo "You (x) are not allowed to use this program (crontab)" >&2; exit 1')
    const result = await world.rca(['service', 'install', '--json'], bare(world))
    expect(result.code).toBe(1)
    expect(jsonError(result)).toMatchObject({ code: 'failed', message: expect.stringMatching(/not allowed/) })
    expect(world.read('writes')).toBe('')
  })
})

describe.concurrent('rca service where nothing can run it', () => {
  test('says what to do', async ({ world }) => {
    const result = await world.rca(['service', 'install', '--json'], bare(world))
    expect(jsonError(result)).toMatchObject({ code: 'unavailable', exitCode: 69 })
    expect(jsonError(result).hint).toMatch(/cron/)
    expect(result.code).toBe(69)
  })
  test('has nothing to remove', async ({ world }) => {
    const result = await world.json<ServiceChange>(['service', 'uninstall'], bare(world))
    expect(result).toMatchObject({ kind: null, done: 'absent' })
    const status = await world.rca(['service', 'status', '--json'], bare(world))
    expect([status.code, JSON.parse(status.stdout).installed]).toEqual([1, false])
  })
})

describe.concurrent('rca service whose systemd does not answer from here', () => {
  const installed = (world: World) => {
    const folder = join(world.home, '.config/systemd/user')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'rca-monitor.service'), '# Written by `rca service install`\n')
    world.program('systemctl', 'echo "Failed to connect to bus: No medium found" >&2; exit 1')
    fakeCrontab(world)
    return folder
  }
  test('is shown, and not installed a second time with cron', async ({ world }) => {
    installed(world)
    const status = await world.rca(['service', 'status', '--json'], bare(world))
    const seen: ServiceJson = JSON.parse(status.stdout)
    expect(seen).toMatchObject({ kind: 'systemd-user', installed: true, active: null, enabled: null })
    expect(seen.notes.join()).toMatch(/does not answer from here/)
    expect(status.code).toBe(1)
    const install = await world.rca(['service', 'install', '--json'], bare(world))
    expect([install.code, jsonError(install).message]).toEqual([1, expect.stringMatching(/connect to bus/)])
    expect(world.read('table')).toBe('')
  })
  test('is not taken away behind its back', async ({ world }) => {
    const folder = installed(world)
    const result = await world.rca(['service', 'uninstall', '--json'], bare(world))
    expect([result.code, jsonError(result).message]).toEqual([1, expect.stringMatching(/connect to bus/)])
    expect(readdirSync(folder)).toEqual(['rca-monitor.service'])
  })
})

describe.concurrent('rca service: usage', () => {
  test.for([['start'], ['status', '--dry-run']])('rca service %s', async (args, { world }) => {
    const result = await world.rca(['service', ...args, '--json'], bare(world))
    expect([result.code, jsonError(result).hint]).toEqual([2, expect.stringMatching(/install, uninstall/)])
  })
})
