import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { which } from '../../src/system/which.ts'
import { linkNode, NASTY, type Started, standIn } from './stand-in.ts'

const SCRIPT = join(import.meta.dirname, 'cron.sh')
const PATH = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'
const crontab = which('crontab', PATH, '/')
const why = missing()

function missing(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux'
  if (!crontab || !which('cron', PATH, '/')) return "needs Debian's cron"
  return spawnSync('unshare', ['-m', 'true']).status === 0 ? null : 'needs unshare -m'
}

let dir: string
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'rca-cron-')))
  mkdirSync(join(dir, 'bin'))
  if (crontab) symlinkSync(crontab, join(dir, 'bin/crontab'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

describe('rca service with a real cron', () => {
  it.skipIf(why !== null)(
    `is one line of the crontab, which cron runs at boot as it was meant${why ? ` (skipped: ${why})` : ''}`,
    () => {
      const bin = join(dir, NASTY, 'bin')
      const [node, rca] = [linkNode(bin), standIn(dir, bin)]
      const { stdout, stderr } = spawnSync('unshare', ['-m', 'bash', SCRIPT, node, rca, dir], {
        encoding: 'utf8',
        env: { PATH: `${PATH}:${join(process.execPath, '..')}`, RCA_TMUX_SOCKET: join(dir, NASTY, 'tmux') },
        timeout: 50_000,
      })
      const seen = Object.fromEntries(
        stdout.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
      )
      const json = (key: string) => JSON.parse(seen[key] ?? 'null')
      expect(seen, stdout + stderr).toMatchObject({
        ...{ lines: '3 marked=1', 'status-before-boot': '1', 'status-after-boot': '0', others: 'untouched' },
        empty: '0',
      })
      expect(json('install')).toMatchObject({ kind: 'cron', done: 'installed', enabled: true, active: false })
      expect(json('again')).toMatchObject({ done: 'unchanged' })
      expect(json('uninstall')).toMatchObject({ done: 'removed', installed: false })
      expect(json('nothing')).toMatchObject({ done: 'absent' })
      expect(json('alone-uninstall')).toMatchObject({ done: 'removed' })
      const started: Started = JSON.parse(readFileSync(join(dir, 'seen.json'), 'utf8'))
      expect(started.argv).toEqual([node, rca, 'monitor', '--replace'])
      expect(started.env).toMatchObject({
        RCA_HOME: join(dir, 'state'),
        RCA_TMUX_SOCKET: join(dir, NASTY, 'tmux'),
        PATH: join(dir, 'bin'),
      })
      expect(json('status')).toMatchObject({ active: true, pid: started.pid })
    },
  )
})
