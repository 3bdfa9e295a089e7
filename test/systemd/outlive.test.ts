import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TERMINALS } from '../../src/terminal/kinds.ts'
import { fakeCodex } from './fake-codex.ts'
import { missing } from './missing.ts'

const SCRIPT = join(import.meta.dirname, 'outlive.sh')
const RCA = join(import.meta.dirname, '../../bin/rca.js')

const why = missing()
let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rca-sd-'))
  fakeCodex(dir)
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

describe('on a real systemd --user', () => {
  it.skipIf(why !== null).for(TERMINALS)(
    `%s: an agent and its monitor outlive the restart and the stop of the service that started them, plain tmux does not${why ? ` (skipped: ${why})` : ''}`,
    (terminal) => {
      const PATH = `${join(process.execPath, '..')}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/usr/lib/systemd:/lib/systemd`
      const result = spawnSync('unshare', ['-m', 'bash', SCRIPT, process.execPath, RCA, dir, terminal], {
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
        'monitor-after-restart': 'alive',
        'plain-after-restart': 'gone',
        'rca-after-stop': 'alive',
        'monitor-after-stop': 'alive',
        'plain-after-stop': 'gone',
        'rca-after-kill': 'gone',
      })
      expect(JSON.parse(seen.status ?? '')).toMatchObject({ state: 'running', attempts: 1, terminal })
    },
  )
})
