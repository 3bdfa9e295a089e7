import { describe, expect, it } from 'vitest'
import type { AttemptRecord } from './attempt.ts'
import type { Conclusion } from './conclude.ts'
import { killRequested } from './entries.ts'
import type { Entry, Spec } from './schema.ts'
import { CLAIM_GRACE_MS, derive, type Evidence, phaseOf } from './state.ts'

const T0 = Date.parse('2026-01-01T12:00:00.000Z')
const iso = (seconds: number) => new Date(T0 + seconds * 1000).toISOString()
const identity = { pid: 42, start: '1', boot: 'b' }

const spec = {
  session: 'codex-x',
  createdAt: iso(0),
  presetSessionId: null,
  policy: { stallAfterMs: 900_000 },
} as Spec

function evidence(record: Partial<AttemptRecord>, seen: Partial<Evidence> = {}): Evidence {
  const claim = { attempt: 1, claimedAt: iso(1), claimant: identity, host: 'h' } as AttemptRecord['claim']
  return {
    record: {
      number: 1,
      claim,
      begun: 'launched',
      launcher: identity,
      shellPid: null,
      agent: identity,
      exit: null,
      exitAt: null,
      problems: [],
      ...record,
    },
    claimantAlive: false,
    launcherAlive: false,
    agentAlive: false,
    here: true,
    conclusion: null,
    ...seen,
  }
}

const created: Entry = { at: iso(0), type: 'created', session: 'codex-x' }
const claimed = (attempt: number, at = iso(1)): Entry => ({
  at,
  type: 'attempt-claimed',
  attempt,
  how: 'start',
})
const conclusion = (some: Partial<Conclusion> = {}): Conclusion => ({
  attempt: 1,
  outcome: 'completed',
  exit: { code: 0 },
  cause: null,
  reason: null,
  hint: null,
  denials: [],
  usage: null,
  ...some,
})
const ended = (some: Partial<Conclusion> = {}, at = iso(60)): Entry => {
  const { usageIsCumulative = false, denials, ...rest } = conclusion(some)
  return {
    at,
    type: 'attempt-ended',
    lastActivityAt: null,
    usageIsCumulative,
    denials: [...denials],
    ...rest,
  }
}
const killed = (at = iso(70)): Entry => ({ at, type: 'killed', by: 'ann', processes: 2 })
const killAsked = (at = iso(69)): Entry => ({ at, type: 'kill-requested', by: 'ann' })

const stateOf = (entries: Entry[], seen: Evidence | null = null, nowMs = T0 + 100_000, lastOutputMs = T0) =>
  derive({ spec, entries, problems: [], evidence: seen, lastOutputMs, nowMs })

describe('phaseOf', () => {
  const exit = { code: 1, interrupted: false, endedAt: iso(5) }
  it.each<[string, Evidence, number, string]>([
    ['the agent lives', evidence({}, { agentAlive: true }), T0, 'working'],
    ['the agent lives though its launch script is gone', evidence({}, { agentAlive: true }), T0, 'working'],
    ['the launch script is about to write the record', evidence({}, { launcherAlive: true }), T0, 'working'],
    [
      'the launch script has not started the agent',
      evidence({ agent: null }, { launcherAlive: true }),
      T0,
      'launching',
    ],
    ['nothing lives and no record', evidence({}), T0, 'over'],
    ['an exit record counts for more than a live pid', evidence({ exit }, { agentAlive: true }), T0, 'over'],
    ['called off', evidence({ begun: 'called-off' }, { claimantAlive: true }), T0, 'called-off'],
    ['being claimed', evidence({ begun: 'no' }, { claimantAlive: true }), T0 + 9e9, 'preparing'],
    ['its claimant died a moment ago', evidence({ begun: 'no' }), T0 + 2_000, 'preparing'],
    ['its claimant died long ago', evidence({ begun: 'no' }), T0 + 1_001 + CLAIM_GRACE_MS, 'never-began'],
    [
      'its claimant died before the clock was set back',
      evidence({ begun: 'no' }),
      T0 + 999 - CLAIM_GRACE_MS,
      'never-began',
    ],
    ['the claim cannot be read', evidence({ begun: 'no', claim: null }), T0, 'never-began'],
  ])('%s', (_, seen, nowMs, phase) => expect(phaseOf(seen, nowMs)).toBe(phase))
})

describe('derive', () => {
  it('is starting right after it was made, lost when nothing came of it', () => {
    expect(stateOf([created], null, T0 + 1_000).state).toBe('starting')
    expect(stateOf([created], null, T0 + CLAIM_GRACE_MS + 1).state).toBe('lost')
  })
  it('a launch that was cut off showed as starting for as long as the clock had been set back', () => {
    expect(stateOf([created], null, T0 - 3_600_000).state).toBe('lost')
    const seen = evidence({ begun: 'no' })
    expect(stateOf([created, claimed(1)], seen, T0 - 3_600_000).state).toBe('lost')
  })
  it('is running, and stalled after a silence', () => {
    const seen = evidence({}, { agentAlive: true })
    expect(stateOf([created, claimed(1)], seen).state).toBe('running')
    const late = T0 + 901_500
    expect(stateOf([created, claimed(1)], seen, late).state).toBe('stalled')
    expect(stateOf([created, claimed(1)], seen, late, late - 1).state).toBe('running')
  })
  it('does not count silence from before a resume', () => {
    const claim = { ...evidence({}).record.claim, claimedAt: iso(5_000) } as AttemptRecord['claim']
    const seen = evidence({ claim }, { agentAlive: true })
    expect(stateOf([created, claimed(1)], seen, T0 + 5_001_000).state).toBe('running')
  })
  it.each<[Conclusion['outcome'], string]>([
    ['completed', 'done'],
    ['failed', 'failed'],
    ['unfinished', 'failed'],
    ['interrupted', 'killed'],
    ['killed', 'killed'],
    ['lost', 'lost'],
  ])('maps the outcome %s', (outcome, state) => {
    expect(stateOf([created, claimed(1), ended({ outcome })]).state).toBe(state)
    const pending = evidence({}, { conclusion: conclusion({ outcome }) })
    expect(stateOf([created, claimed(1)], pending).state).toBe(state)
  })
  it('takes the first of two records of one end', () => {
    const entries = [
      created,
      claimed(1),
      ended({ outcome: 'completed' }, iso(60)),
      ended({ outcome: 'lost' }, iso(61)),
    ]
    expect(stateOf(entries)).toMatchObject({ state: 'done', endedAt: iso(60) })
  })
  it('a late second record of an earlier attempt’s end outweighed the newest end', () => {
    const late = ended({ outcome: 'failed' }, iso(60))
    const entries = [
      created,
      claimed(1),
      ended({ outcome: 'failed' }),
      claimed(2),
      ended({ attempt: 2 }),
      late,
    ]
    expect(stateOf(entries)).toMatchObject({ state: 'done', exit: { code: 0 } })
  })
  it('is killed by whom, unless it had ended well', () => {
    const entries = [
      created,
      claimed(1),
      killAsked(),
      ended({ outcome: 'killed', exit: { signal: 'SIGTERM' } }),
      killed(),
    ]
    expect(stateOf(entries)).toMatchObject({
      state: 'killed',
      reason: 'killed by ann',
      exit: { signal: 'SIGTERM' },
    })
    expect(stateOf([created, claimed(1), ended(), killAsked(), killed()]).state).toBe('done')
  })
  it('forgets a kill when the task is resumed', () => {
    const entries = [
      created,
      claimed(1),
      killAsked(),
      ended({ outcome: 'killed' }),
      killed(),
      claimed(2, iso(80)),
    ]
    const seen = evidence({ number: 2 }, { agentAlive: true })
    expect(stateOf(entries, seen).state).toBe('running')
    expect(killRequested(entries)).toBe(false)
    expect(killRequested(entries.slice(0, -1))).toBe(true)
  })
  it('knows nothing of another machine’s processes, nor of records that cannot be read', () => {
    expect(stateOf([created, claimed(1)], evidence({}, { here: false })).state).toBe('unknown')
    expect(stateOf([created, claimed(1)], evidence({ problems: ['claim.json cannot be read'] })).state).toBe(
      'unknown',
    )
    const unreadable = derive({
      spec: null,
      entries: [],
      problems: ['spec.json cannot be read'],
      evidence: null,
      lastOutputMs: 0,
      nowMs: T0,
    })
    expect(unreadable).toMatchObject({ state: 'unknown', reason: 'spec.json cannot be read' })
  })
  it('adds tokens over attempts, but not for an agent that counts the whole conversation', () => {
    const usage = (inputTokens: number) => ({
      inputTokens,
      cachedInputTokens: null,
      outputTokens: 1,
      costUsd: null,
    })
    const two = (cumulative: boolean) => [
      created,
      claimed(1),
      ended({ outcome: 'failed', usage: usage(10), usageIsCumulative: cumulative }),
      claimed(2),
      ended({ attempt: 2, usage: usage(30), usageIsCumulative: cumulative }),
    ]
    expect(stateOf(two(false)).usage).toMatchObject({ inputTokens: 40, outputTokens: 2, costUsd: null })
    expect(stateOf(two(true)).usage).toMatchObject({ inputTokens: 30, outputTokens: 1 })
  })
  it('counts attempts that began', () => {
    const entries = [created, claimed(1), ended({ outcome: 'called-off' }), claimed(2)]
    expect(stateOf(entries, evidence({ number: 2 }, { agentAlive: true })).attempts).toBe(1)
  })
  it('knows the newest conversation', () => {
    const session = (id: string): Entry => ({ at: iso(2), type: 'agent-session', attempt: 1, id })
    expect(stateOf([created, session('a'), session('b')]).agentSessionId).toBe('b')
  })
})
