import { describe, expect, it } from 'vitest'
import { deathLine, deathsHeading, nextSentence, policyLine } from '../../src/render/why.ts'
import type { Death, NextJson } from '../../src/supervise/why.ts'
import { DEFAULT_POLICY } from '../../src/task/policy.ts'

/** By the clock of whoever runs the tests, as the sentences are. */
const at = (hour: number, minute = 0, second = 0, day = 2) =>
  new Date(2026, 0, day, hour, minute, second).toISOString()
const NOW = Date.parse(at(15, 1, 55))
const ABSENT = 'as soon as a monitor runs: none does (rca monitor, or rca service install)'

type Case = Partial<NextJson> & Pick<NextJson, 'what' | 'why'>

function sentence(next: Case, deadlineAt: string | null = null): string {
  const rest = { at: null, guess: false, failures: 0, blockedBy: null }
  return nextSentence({ name: 'codex-x', cause: 'deadline', deadlineAt, next: { ...rest, ...next } }, NOW)
}

describe('what happens next, in one line', () => {
  const blockedBy = 'no-monitor' as const
  const resume = { what: 'resume', at: at(15, 4, 5) } as const
  it.each<[Case, string]>([
    [
      { ...resume, why: 'backoff', failures: 2 },
      'resumes at 15:04:05 (in 2m 10s), backoff after 2 failures in a row',
    ],
    [
      { ...resume, why: 'backoff', failures: 2, blockedBy },
      'due at 15:04:05 (in 2m 10s), backoff after 2 failures in a row; but no monitor runs (rca monitor, or rca service install)',
    ],
    [
      { ...resume, why: 'limit' },
      'resumes at 15:04:05 (in 2m 10s), when the usage limit ends (stated by the agent)',
    ],
    [
      { ...resume, why: 'limit', guess: true },
      'resumes at 15:04:05 (in 2m 10s), when the usage limit may have ended (a guess: the agent did not say when)',
    ],
    [
      { ...resume, why: 'limit', at: at(9, 0, 0, 5) },
      'resumes at 2026-01-05 09:00:00 (in 2d), when the usage limit ends (stated by the agent)',
    ],
    [{ ...resume, why: 'at-once', at: at(15, 1) }, 'resumes at once'],
    [{ ...resume, why: 'at-once', at: at(15, 1), blockedBy }, `resumes ${ABSENT}`],
    [{ what: 'end', why: 'stalled' }, 'the stalled agent is ended and its conversation resumed'],
    [
      { what: 'end', why: 'finished', at: at(15, 2) },
      'has finished its work; should it not exit by itself, it is ended at 15:02:00 (in 5s)',
    ],
    [{ what: 'end', why: 'killed', blockedBy }, `is killed, as somebody asked for ${ABSENT}`],
    [{ what: 'watch', why: 'running' }, 'if it breaks off it is resumed'],
    [{ what: 'watch', why: 'running', blockedBy }, `if it breaks off it is resumed ${ABSENT}`],
    [{ what: 'nothing', why: 'done' }, 'nothing: it has ended well'],
    [{ what: 'nothing', why: 'never' }, 'nothing: restart is never; rca resume codex-x goes on'],
    [{ what: 'nothing', why: 'killed' }, 'nothing: it was ended on purpose; rca resume codex-x goes on'],
    [{ what: 'nothing', why: 'gave-up' }, 'nothing: given up (deadline); rca resume codex-x goes on'],
    [
      { what: 'nothing', why: 'deadline', at: at(14, 30) },
      'nothing, should it break off: its deadline was at 14:30; then rca resume codex-x goes on',
    ],
    [{ what: 'nothing', why: 'unknown' }, 'nothing, as long as its records cannot be read'],
  ])('%j', (next, text) => expect(sentence(next)).toBe(text))

  it('says until when it would be resumed', () => {
    expect(sentence({ what: 'watch', why: 'running' }, at(20, 13))).toBe(
      'if it breaks off it is resumed until 20:13 (deadline)',
    )
    expect(sentence({ what: 'watch', why: 'stalled' }, at(1, 0, 0, 3))).toBe(
      'left alone (--on-stall restart would end and resume it); if it breaks off it is resumed until 2026-01-03 01:00 (deadline)',
    )
  })
})

describe('the tally of deaths', () => {
  const death = (over: Partial<Death>): Death => ({
    ...{ attempt: 1, at: at(15), outcome: 'failed', exit: null, cause: 'crashed', reason: null },
    ...{ progress: null, ranMs: null },
    ...over,
  })
  const shot = death({ exit: { signal: 'SIGKILL' } })

  it('counts by manner, the commonest first', () => {
    const refused = death({ exit: { code: 1 }, cause: 'api-error' })
    expect(deathsHeading([refused, shot, shot])).toBe('3 deaths: 2 SIGKILL, 1 api-error')
    expect(deathsHeading([shot])).toBe('1 death: 1 SIGKILL')
  })

  it.each<[Partial<Death>, string]>([
    [{ exit: { code: 3 } }, 'exit code 3'],
    [{ outcome: 'lost' }, 'lost'],
    [{ outcome: 'killed', exit: { signal: 'SIGTERM' } }, 'killed'],
    [{ outcome: 'interrupted', exit: { code: 1 }, cause: 'interrupted' }, 'interrupted'],
    [{ outcome: 'unfinished', exit: { code: 0 }, cause: 'unfinished' }, 'unfinished'],
    [{ outcome: 'not-launched', attempt: null }, 'not launched'],
  ])('%j', (over, manner) => expect(deathsHeading([death(over)])).toBe(`1 death: 1 ${manner}`))

  it('is a line each', () => {
    const full = { ...shot, attempt: 2, progress: true, ranMs: 130_000, reason: 'ended by SIGKILL' }
    expect(deathLine(full, NOW)).toBe(
      `attempt 2  SIGKILL after 2m 10s, with progress, 1m ago (${at(15)}): ended by SIGKILL`,
    )
    expect(deathLine(death({ attempt: null, outcome: 'not-launched', progress: false }), NOW)).toBe(
      `no attempt  not launched, 1m ago (${at(15)})`,
    )
  })
})

describe('the policy on one line', () => {
  it('says what may be', () => {
    expect(policyLine(DEFAULT_POLICY)).toBe(
      'restart on-failure, backoff 3m, deadline 5h, retries without limit, stalled after 15m: report',
    )
    const strict = { ...DEFAULT_POLICY, backoffMs: 200, deadlineMs: null, maxRetries: 3, stallAfterMs: null }
    expect(policyLine(strict)).toBe('restart on-failure, backoff 200ms, deadline none, retries 3')
    expect(policyLine({ ...strict, restart: 'never' })).toBe('restart never')
  })
})
