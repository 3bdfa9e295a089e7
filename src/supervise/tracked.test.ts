import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { ownIdentity } from '../system/identity.ts'
import type { Observed } from '../task/observe.ts'
import { isDying, release, remember, track } from './tracked.ts'

/** A task whose launch script and agent are alive, as far as anybody can see. */
function working(dir: string): Observed {
  const me = ownIdentity()
  const record = { number: 1, begun: 'launched', launcher: me, agent: me, exit: null }
  const evidence = { record, launcherAlive: true, agentAlive: true, claimantAlive: true }
  return { dir, spec: null, evidence, derived: { next: null, attempts: 1 } } as unknown as Observed
}

it('a launch script that was killed was seen up to ten seconds later when it closed its FIFO before it was gone', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'rca-tracked-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const fifo = join(dir, 'attempts/1/alive')
  mkdirSync(join(dir, 'attempts/1'), { recursive: true })
  writeFileSync(join(dir, 'journal.jsonl'), '')
  spawnSync('mkfifo', [fifo])
  const held = openSync(fifo, 'r+')
  const tracked = track(dir)
  let woken = 0
  const look = () => remember(tracked, working(dir), Date.now(), () => woken++)
  look()
  expect(isDying(tracked)).toBe(false)
  closeSync(held)
  while (woken === 0) await sleep(5)
  // It is not in the process table's past yet: the look that was woken still finds it.
  look()
  expect(isDying(tracked)).toBe(true)
  release(tracked)
})
