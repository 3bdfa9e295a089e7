import { describe, expect, it } from 'vitest'
import type { Verdict } from '../agents/driver.ts'
import { EMPTY_SUMMARY } from '../agents/summary.ts'
import { conclude, type Ended, exitOf } from './conclude.ts'

const record = (code: number, interrupted = false) => ({ code, interrupted, endedAt: '2026-01-01T00:00:00Z' })
const completed: Verdict = { outcome: 'completed' }
const failed: Verdict = { outcome: 'failed', cause: 'api-error', reason: '500', hint: 'wait' }

function outcome(verdict: Verdict, some: Partial<Ended> = {}) {
  const ended: Ended = {
    attempt: 1,
    exit: record(1),
    summary: EMPTY_SUMMARY,
    stderrTail: '',
    expectedSession: null,
    killRequested: false,
    ...some,
  }
  return conclude(ended, { judge: () => verdict })
}

describe('exitOf', () => {
  it.each([
    [0, { code: 0 }],
    [3, { code: 3 }],
    [128, { code: 128 }],
    [130, { signal: 'SIGINT' }],
    [137, { signal: 'SIGKILL' }],
    [143, { signal: 'SIGTERM' }],
    [255, { code: 255 }],
  ])('%i', (code, exit) => expect(exitOf(code)).toEqual(exit))
})

describe('conclude', () => {
  it('believes the driver, whatever the exit', () => {
    expect(outcome(completed, { exit: record(1) })).toMatchObject({ outcome: 'completed', exit: { code: 1 } })
    expect(outcome(failed, { exit: record(0) })).toMatchObject({
      outcome: 'failed',
      reason: '500',
      hint: 'wait',
    })
  })
  it('takes a task for killed only where somebody asked for it', () => {
    expect(outcome(failed, { killRequested: true, exit: record(143) })).toMatchObject({ outcome: 'killed' })
    expect(outcome(failed, { exit: record(143) })).toMatchObject({
      outcome: 'failed',
      exit: { signal: 'SIGTERM' },
    })
    expect(outcome(completed, { killRequested: true })).toMatchObject({ outcome: 'completed' })
  })
  it('takes Ctrl-C at the pane for an interruption on purpose', () => {
    const expected = { outcome: 'interrupted', reason: 'interrupted at the pane (Ctrl-C)' }
    expect(outcome(failed, { exit: record(130, true) })).toMatchObject(expected)
    expect(outcome(completed, { exit: record(0, true) })).toMatchObject({ outcome: 'completed' })
  })
  it('is lost without an exit record, unless the events say it was done', () => {
    expect(outcome(failed, { exit: null })).toMatchObject({ outcome: 'lost', exit: null, reason: '500' })
    expect(outcome(completed, { exit: null })).toMatchObject({ outcome: 'completed', exit: null })
  })
  it('fails when another conversation was opened, even if that one was completed', () => {
    const summary = { ...EMPTY_SUMMARY, sessionId: 'new' }
    expect(outcome(completed, { summary, expectedSession: 'mine' })).toMatchObject({
      outcome: 'failed',
      cause: 'wrong-session',
    })
    expect(outcome(completed, { summary, expectedSession: 'new' })).toMatchObject({ outcome: 'completed' })
    expect(outcome(completed, { summary })).toMatchObject({ outcome: 'completed' })
  })
})
