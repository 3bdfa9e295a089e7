import { describe, expect, it } from 'vitest'
import { DEFAULT_POLICY, type Policy } from '../task/policy.ts'
import type { Entry, EntryOf } from '../task/schema.ts'
import type { History, Next } from './next.ts'
import { comingOf, deathsOf, type NextJson, type Outlook } from './why.ts'

const T0 = Date.parse('2026-01-01T12:00:00.000Z')
const iso = (seconds: number) => new Date(T0 + seconds * 1_000).toISOString()

const claimed = (attempt: number, at: string, by: 'person' | 'monitor' = 'monitor'): Entry => ({
  ...{ type: 'attempt-claimed', how: 'resume', attempt, at, by },
})
const ended = (attempt: number, at: string, over: Partial<EntryOf<'attempt-ended'>> = {}): Entry => ({
  ...{ type: 'attempt-ended', attempt, at, outcome: 'failed', exit: { signal: 'SIGKILL' } },
  ...{ cause: 'crashed', reason: 'shot', hint: null, denials: [], usage: null, lastActivityAt: null },
  ...over,
})

describe('deathsOf', () => {
  it('gives one for every attempt that did not end well, and for each that could not be made', () => {
    const entries: Entry[] = [
      claimed(1, iso(0), 'person'),
      ended(1, iso(90), { progress: true }),
      ended(1, iso(91)),
      { type: 'recovery-failed', at: iso(92), reason: 'no shell', hint: null },
      claimed(2, iso(93)),
      ended(2, iso(93), { outcome: 'called-off', exit: null }),
      claimed(3, iso(100)),
      ended(3, iso(80), { outcome: 'lost', exit: null, cause: null, progress: false }),
      claimed(4, iso(200)),
      ended(4, iso(300), { outcome: 'completed', exit: { code: 0 }, cause: null }),
    ]
    const shot = { exit: { signal: 'SIGKILL' }, cause: 'crashed', reason: 'shot' }
    expect(deathsOf(entries)).toEqual([
      { attempt: 1, at: iso(90), outcome: 'failed', ...shot, progress: true, ranMs: 90_000 },
      {
        ...{ attempt: null, at: iso(92), outcome: 'not-launched', exit: null, cause: null },
        ...{ reason: 'no shell', progress: false, ranMs: null },
      },
      {
        ...{ attempt: 3, at: iso(80), outcome: 'lost', ...shot, exit: null, cause: null },
        ...{ progress: false, ranMs: 0 },
      },
    ])
  })

  it('does not guess what an older release did not write', () => {
    expect(deathsOf([ended(1, iso(1))])).toMatchObject([{ progress: null, ranMs: null }])
  })
})

interface Given extends Partial<Omit<Outlook, 'derived'>>, Partial<Outlook['derived']> {
  readonly policy?: Partial<Policy>
  readonly entries?: readonly Entry[]
}

function coming(given: Given): NextJson {
  const { policy = {}, entries = [], state = 'running', next = null, deadlineAt = null } = given
  const made: History = {
    ...{ taskId: 'id', session: 'codex-x', createdMs: T0, entries },
    policy: { ...DEFAULT_POLICY, ...policy },
  }
  const history = given.history === undefined ? made : given.history
  const { finishedMs = null, monitorRuns = true } = given
  return comingOf({ derived: { state, next, deadlineAt, history }, finishedMs, monitorRuns, nowMs: T0 })
}

describe('comingOf', () => {
  const again = {
    kind: 'again',
    why: 'limit',
    dueMs: T0 + 5_000,
    delayMs: 1,
    reason: '',
    guess: true,
  } as const
  const gaveUp = { kind: 'gave-up', cause: 'deadline', reason: '', hint: null } as const
  const over: Next = { kind: 'over' }
  const kill: Entry = { type: 'kill-requested', at: iso(1), by: 'ann' }
  it.each<[string, Given, Partial<NextJson>]>([
    ['it runs', {}, { what: 'watch', why: 'running', blockedBy: null }],
    ['it runs and nobody supervises', { monitorRuns: false }, { what: 'watch', blockedBy: 'no-monitor' }],
    ['it runs for the one time', { policy: { restart: 'never' } }, { what: 'nothing', why: 'never' }],
    ['its deadline has come', { deadlineAt: iso(-1) }, { what: 'nothing', why: 'deadline', at: iso(-1) }],
    ['it starts', { state: 'starting', next: again }, { what: 'watch', why: 'running' }],
    ['it has stalled', { state: 'stalled' }, { what: 'watch', why: 'stalled' }],
    [
      'it has stalled and is not to',
      { state: 'stalled', policy: { onStall: 'restart' } },
      { what: 'end', why: 'stalled' },
    ],
    [
      'it has finished',
      { finishedMs: T0 - 1_000, policy: { restart: 'never' } },
      { what: 'end', why: 'finished', at: iso(59) },
    ],
    ['a kill was cut off', { entries: [kill] }, { what: 'end', why: 'killed' }],
    [
      'it waits',
      { state: 'waiting', next: again },
      { what: 'resume', why: 'limit', at: iso(5), guess: true },
    ],
    ['it is done', { state: 'done', next: over }, { what: 'nothing', why: 'done', blockedBy: null }],
    ['it was killed', { state: 'killed', next: over }, { what: 'nothing', why: 'killed' }],
    ['it failed once', { state: 'failed', next: over }, { what: 'nothing', why: 'never' }],
    [
      'it was given up',
      { state: 'failed', next: gaveUp, monitorRuns: false },
      { what: 'nothing', why: 'gave-up', blockedBy: null },
    ],
    ['nothing can be read', { state: 'unknown', history: null }, { what: 'nothing', why: 'unknown' }],
  ])('%s', (_, given, wanted) => expect(coming(given)).toMatchObject(wanted))

  it('counts the failures in a row since a person asked', () => {
    const entries = [
      ...[claimed(1, iso(0)), ended(1, iso(1)), claimed(2, iso(2), 'person'), ended(2, iso(3))],
      ...[claimed(3, iso(4)), ended(3, iso(5))],
    ]
    expect(coming({ entries, state: 'waiting', next: again }).failures).toBe(2)
  })
})
