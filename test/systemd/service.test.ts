import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fakeCodex } from './fake-codex.ts'
import { missing } from './missing.ts'
import { LESS_NASTY, linkNode, NASTY, type Started, standIn } from './stand-in.ts'

const SCRIPT = join(import.meta.dirname, 'service.sh')
const why = missing()

let dir: string
let nodes: string[]
let rca: string

beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'rca-sd-')))
  nodes = [NASTY, LESS_NASTY].map((folder) => linkNode(join(dir, folder, 'bin')))
  rca = standIn(dir, join(dir, NASTY, 'bin'))
  fakeCodex(dir)
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

function script(): Record<string, string> {
  const PATH = `${join(process.execPath, '..')}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/usr/lib/systemd:/lib/systemd`
  const { stdout, stderr } = spawnSync('unshare', ['-m', 'bash', SCRIPT, ...nodes, rca, dir], {
    encoding: 'utf8',
    env: { PATH, RCA_TMUX_SOCKET: join(dir, NASTY, 'tmux'), SECRET_TOKEN: 'x' },
    timeout: 90_000,
  })
  const seen = stdout.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string])
  return { ...Object.fromEntries(seen), stderr }
}

describe('rca service on a real systemd --user', () => {
  it.skipIf(why !== null)(
    `is installed, comes back after a crash, stays stopped when stopped, takes nothing with it, goes${why ? ` (skipped: ${why})` : ''}`,
    { timeout: 120_000 },
    () => {
      const seen = script()
      const json = (key: string) => JSON.parse(seen[key] ?? 'null')
      const all = JSON.stringify(seen, null, 2)
      expect(seen, all).toMatchObject({
        ...{ 'before-code': '1', 'plan-code': '0', 'after-plan': '', 'install-code': '0', verify: 'ok' },
        ...{ mode: '644', enabled: 'enabled', 'status-code': '0', 'again-code': '0' },
        ...{ 'after-kill': 'restarted', 'child-after-restart': 'alive', 'after-stop': 'inactive' },
        ...{ 'stopped-code': '1', 'updated-path': '1', 'uninstall-code': '0' },
        ...{ left: 'inactive not-found', 'child-after-uninstall': 'alive', 'nothing-code': '0' },
        ...{ 'by-verb-code': '0', born: 'elsewhere' },
        ...{ 'agent-after-restart': 'alive', 'server-after-restart': 'alive' },
        ...{ 'agent-after-uninstall': 'alive', 'server-after-uninstall': 'alive' },
        ...{ 'foreign-code': '5', 'foreign-uninstall-code': '5' },
      })
      const path = join(dir, 'home/.config/systemd/user/rca-monitor.service')
      expect(json('before')).toMatchObject({ kind: 'systemd-user', installed: false, active: false })
      expect(json('plan')).toMatchObject({ kind: 'systemd-user', path, done: 'installed' })
      expect(json('install')).toMatchObject({ done: 'installed', installed: true, enabled: true, path })
      const up = { installed: true, enabled: true, active: true, lingering: expect.any(Boolean) }
      expect(json('status')).toMatchObject({ ...up, pid: expect.any(Number) })
      expect(json('again')).toMatchObject({ ...up, done: 'unchanged' })
      expect(json('stopped')).toMatchObject({ installed: true, enabled: true, active: false, pid: null })
      expect(json('started')).toMatchObject({ ...up, done: 'started' })
      expect(json('updated')).toMatchObject({ ...up, done: 'updated' })
      expect(json('uninstall')).toMatchObject({ done: 'removed', installed: false, active: false })
      expect(json('nothing')).toMatchObject({ done: 'absent' })
      expect(json('foreign').error).toMatchObject({ code: 'conflict' })
      const started = (file: string) => JSON.parse(readFileSync(join(dir, file), 'utf8'))
      expectAsInstalled(started('first.json'), nodes[0])
      expectAsInstalled(started('seen.json'), nodes[1])
    },
  )
})

/** The monitor was started by the very paths, with the installer's environment. */
function expectAsInstalled(seen: Started, node?: string): void {
  expect(seen.argv).toEqual([node, rca, 'monitor', '--replace'])
  expect(seen.env).toMatchObject({
    HOME: join(dir, 'home'),
    RCA_HOME: join(dir, 'state'),
    RCA_TMUX_SOCKET: join(dir, NASTY, 'tmux'),
  })
}
