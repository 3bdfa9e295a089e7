import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { Context } from '../context.ts'
import { runningMonitor } from '../supervise/presence.ts'
import { acquireLock } from '../task/lock.ts'
import { runMonitor } from './monitor.ts'

test('a monitor that was started while the last one was ending gave way to it, and then there was none', async () => {
  const state = mkdtempSync(join(tmpdir(), 'rca-monitor-'))
  onTestFinished(() => rmSync(state, { recursive: true }))
  const ending = await acquireLock(state, 'monitor', 'rca monitor', 0)
  const stop = new AbortController()
  const options = { byVerb: true, replace: false, log: () => {} }
  const run = runMonitor(options, { state, env: {} } as Context, stop.signal)
  await sleep(2_000)
  ending.release()
  await Promise.race([run, sleep(1_500)])
  expect(runningMonitor(state)?.pid).toBe(process.pid)
  stop.abort()
  await run
})
