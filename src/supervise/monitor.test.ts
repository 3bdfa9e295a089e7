import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import type { Context } from '../context.ts'
import { files } from '../task/paths.ts'
import { DEFAULT_POLICY } from '../task/policy.ts'
import { createTask } from '../task/store.ts'
import { Supervisor } from './monitor.ts'

const state = mkdtempSync(join(tmpdir(), 'rca-clock-'))
afterEach(() => {
  vi.useRealTimers()
  rmSync(state, { recursive: true, force: true })
})

const HOUR = 3_600_000

test('a clock that is set, or a machine that slept, is written into the journal of every live task', async () => {
  const { dir } = await createTask(state, NEW_TASK, async () => null)
  vi.useFakeTimers({ toFake: ['setInterval', 'Date'], now: Date.now() })
  const log: string[] = []
  const supervisor = new Supervisor({ state, env: {} } as Context, { log: (line) => log.push(line) })
  supervisor.start()
  vi.advanceTimersByTime(10_000)
  expect(jumps(dir)).toEqual([])
  vi.setSystemTime(Date.now() + HOUR)
  vi.advanceTimersByTime(10_000)
  expect(jumps(dir)).toEqual([expect.closeTo(HOUR, -5)])
  vi.setSystemTime(Date.now() - 2 * HOUR)
  vi.advanceTimersByTime(10_000)
  expect(jumps(dir)).toEqual([expect.closeTo(HOUR, -5), expect.closeTo(-2 * HOUR, -5)])
  await supervisor.stop()
  expect(log.filter((line) => line.startsWith('the clock jumped'))).toHaveLength(2)
})

function jumps(dir: string): number[] {
  const lines = readFileSync(files.journal(dir), 'utf8').trim().split('\n')
  const entries: { type: string; byMs: number }[] = lines.map((line) => JSON.parse(line))
  return entries.filter((one) => one.type === 'clock-jumped').map((one) => one.byMs)
}

const NEW_TASK = {
  agent: 'codex',
  task: 'fix',
  cwd: '/',
  access: 'write',
  agentArgs: [],
  env: {},
  prompt: Buffer.from('do it'),
  policy: { ...DEFAULT_POLICY, restart: 'never' },
  monitor: true,
  socket: '/nowhere',
} as const
