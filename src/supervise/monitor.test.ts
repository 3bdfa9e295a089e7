import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { NEW_TASK } from '../../test/fixtures/new-task.ts'
import type { Context } from '../context.ts'
import { files, tasksDirectory, wakeDirectory } from '../task/paths.ts'
import { DEFAULT_POLICY } from '../task/policy.ts'
import { createTask } from '../task/store.ts'
import { Supervisor } from './monitor.ts'

let state = ''
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'rca-supervisor-'))
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(state, { recursive: true, force: true })
})

const HOUR = 3_600_000

function supervisorOf(log: string[]): Supervisor {
  return new Supervisor({ state, env: {} } as Context, { log: (line) => log.push(line) })
}

test('a clock that is set, or a machine that slept, is written into the journal of every live task', async () => {
  const { dir } = await createTask(state, UNSUPERVISED, async () => null)
  vi.useFakeTimers({ toFake: ['setInterval', 'Date'], now: Date.now() })
  const log: string[] = []
  const supervisor = supervisorOf(log)
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

test('one folder that cannot be looked at ended the monitor, at every start of it', async () => {
  const { dir } = await createTask(state, UNSUPERVISED, async () => null)
  const damaged = await createTask(state, { ...UNSUPERVISED, task: 'other' }, async () => null)
  writeFileSync(join(tasksDirectory(state), 'codex-fix.tgz'), '')
  mkdirSync(join(wakeDirectory(state), 'codex-fix.abcdef'), { recursive: true })
  rmSync(files.journal(damaged.dir))
  symlinkSync('journal.jsonl', files.journal(damaged.dir))
  const log: string[] = []
  const supervisor = supervisorOf(log)
  supervisor.start()
  await supervisor.stop()
  expect(log.map((line) => line.split(':')[0])).toEqual([damaged.dir])
  expect(supervisor.live).toBe(2)
  expect(dir).not.toBe(damaged.dir)
})

test('a monitor that was told to stop with more tasks than it works on at a time never ended', async () => {
  for (let i = 0; i < 20; i++) await createTask(state, { ...UNSUPERVISED, task: `t${i}` }, async () => null)
  const supervisor = supervisorOf([])
  supervisor.start()
  const ended = await Promise.race([supervisor.stop().then(() => true), sleep(2_000, false)])
  expect(ended).toBe(true)
})

test('a task that was still being made when it was first seen was never looked at again', async () => {
  const supervisor = supervisorOf([])
  const made = await createTask(state, UNSUPERVISED, async (dir) => {
    supervisor.start()
    while (supervisor.live > 0) await sleep(5)
    expect(dir).toContain('codex-fix')
    return null
  })
  supervisor.scan()
  expect(made.spec.session).toBe('codex-fix')
  expect(supervisor.live).toBe(1)
  await supervisor.stop()
})

function jumps(dir: string): number[] {
  const lines = readFileSync(files.journal(dir), 'utf8').trim().split('\n')
  const entries: { type: string; byMs: number }[] = lines.map((line) => JSON.parse(line))
  return entries.filter((one) => one.type === 'clock-jumped').map((one) => one.byMs)
}

const UNSUPERVISED = { ...NEW_TASK, policy: { ...DEFAULT_POLICY, restart: 'never' } } as const
