import { spawnSync } from 'node:child_process'
import { accessSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const SCRIPT = join(import.meta.dirname, 'outlive.sh')
const RCA = join(import.meta.dirname, '../../bin/rca.js')

/** Why it cannot run here; the reason is part of the test's name. */
function missing(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux'
  if (spawnSync('systemd-run', ['--version']).status !== 0) return 'needs systemd'
  if (!exists('/usr/lib/systemd/systemd') && !exists('/lib/systemd/systemd')) return 'needs systemd'
  return spawnSync('unshare', ['-m', 'true']).status === 0 ? null : 'needs unshare -m'
}

function exists(path: string): boolean {
  try {
    accessSync(path)
    return true
  } catch {
    return false
  }
}

/** Says who it is and stays, as an agent at work does. */
const FAKE_CODEX = `#!/bin/sh
echo $$ > "$(dirname "$(dirname "$0")")/agent.pid"
echo '{"type":"thread.started","thread_id":"01a1fb42-a672-7a13-a407-b43717574990"}'
exec sleep 600
`

const why = missing()
let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rca-sd-'))
  mkdirSync(join(dir, 'bin'))
  writeFileSync(join(dir, 'bin', 'codex'), FAKE_CODEX, { mode: 0o755 })
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

describe('on a real systemd --user', () => {
  it.skipIf(why !== null)(
    `an agent outlives the restart and the stop of the service that started it, plain tmux does not${why ? ` (skipped: ${why})` : ''}`,
    () => {
      const PATH = `${join(process.execPath, '..')}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/usr/lib/systemd:/lib/systemd`
      const result = spawnSync('unshare', ['-m', 'bash', SCRIPT, process.execPath, RCA, dir], {
        encoding: 'utf8',
        env: { PATH },
        timeout: 90_000,
      })
      const seen = Object.fromEntries(
        result.stdout.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
      )
      expect(seen, result.stdout + result.stderr).toMatchObject({
        'rca-started': 'alive',
        'plain-started': 'alive',
        'rca-after-restart': 'alive',
        'plain-after-restart': 'gone',
        'rca-after-stop': 'alive',
        'plain-after-stop': 'gone',
        'rca-after-kill': 'gone',
      })
      expect(JSON.parse(seen.status ?? '')).toMatchObject({ state: 'running', attempts: 1 })
    },
  )
})
