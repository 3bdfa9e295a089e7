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

describe('derive under supervision', () => {
  const HOUR_S = 3_600
  const watched = {
    ...spec,
    id: 'a-task',
    policy: { restart: 'on-failure', stallAfterMs: 900_000, jitter: 0, deadlineMs: 5 * HOUR_S * 1000 },
  } as Spec
  const by = (who: 'person' | 'monitor', attempt: number, at: string): Entry => ({
    ...(claimed(attempt, at) as Extract<Entry, { type: 'attempt-claimed' }>),
    by: who,
  })
  const first = [created, by('person', 1, iso(1))]
  const crash = (attempt: number, at: string, some: Partial<Conclusion> = {}) =>
    ended(
      { attempt, outcome: 'failed', exit: { code: 1 }, cause: 'crashed', reason: 'it crashed', ...some },
      at,
    )
  const twice = [...first, crash(1, iso(60)), by('monitor', 2, iso(61)), crash(2, iso(120))]
  const derived = (entries: Entry[], seen: Evidence | null = null, nowS = 130, lastOutputMs = T0) =>
    derive({
      spec: watched,
      entries,
      problems: [],
      evidence: seen,
      lastOutputMs,
      nowMs: T0 + nowS * 1000,
    })

  it('waits, and says why, for what and until when', () => {
    expect(derived(twice)).toMatchObject({
      state: 'waiting',
      reason: 'it crashed',
      cause: 'crashed',
      exit: { code: 1 },
      hint: null,
      endedAt: null,
      nextAttemptAt: iso(300),
      deadlineAt: iso(1 + 5 * HOUR_S),
      attempts: 2,
      next: { kind: 'again', why: 'backoff' },
    })
  })

  it('waits for an end that nobody has written down yet as for one that is in the journal', () => {
    const { conclusion: _, ...rest } = evidence({
      exit: { code: 1, interrupted: false, endedAt: iso(60) },
      exitAt: iso(60),
    })
    const bad = conclusion({ outcome: 'failed', cause: 'crashed', reason: 'it crashed', exit: { code: 1 } })
    const pending = derived(first, { ...rest, conclusion: bad })
    expect(pending).toMatchObject({ state: 'waiting', nextAttemptAt: iso(60), next: { why: 'at-once' } })
    expect(pending.next).toEqual(derived([...first, crash(1, iso(60))]).next)
  })

  it('dates an end without a record by the last output, else by now', () => {
    const lost = evidence({}, { conclusion: conclusion({ outcome: 'lost', exit: null }) })
    expect(derived(first, lost, 130, T0 + 50_000).nextAttemptAt).toBe(iso(50))
    expect(derived(first, lost, 130, 0).nextAttemptAt).toBe(iso(130))
  })

  it('has given up with the reason, the hint and the cause of that, and has no deadline any more', () => {
    const why = { cause: 'brake', reason: 'gave up, 30 resumes within an hour', hint: 'look' }
    const noted: Entry = { at: iso(121), type: 'gave-up', ...why }
    const expected = { state: 'failed', ...why, endedAt: iso(120), exit: { code: 1 } }
    const unsaid = { nextAttemptAt: null, deadlineAt: null, next: { kind: 'gave-up', ...why } }
    expect(derived([...twice, noted])).toMatchObject({ ...expected, ...unsaid })
  })

  it('has given up whether that is noted or not', () => {
    const hopeless = crash(1, iso(60), { cause: 'not-logged-in', reason: 'no login', hint: 'log in' })
    const expected = { state: 'failed', cause: 'not-logged-in', reason: 'no login', hint: 'log in' }
    expect(derived([...first, hopeless])).toMatchObject(expected)
    expect(derived([...first, crash(1, iso(60), { outcome: 'lost' })], null, 1e9).state).toBe('waiting')
    expect(derived([...first, crash(1, iso(6 * HOUR_S), { outcome: 'lost' })])).toMatchObject({
      state: 'lost',
      cause: 'deadline',
    })
  })

  it('is over after a good end, an interrupt and a kill', () => {
    for (const [outcome, state] of [
      ['completed', 'done'],
      ['interrupted', 'killed'],
    ] as const) {
      const seen = derived([...first, crash(1, iso(60), { outcome })])
      expect(seen).toMatchObject({ state, next: { kind: 'over' }, nextAttemptAt: null, deadlineAt: null })
    }
    const whileItWaited = [...twice, killAsked(iso(121)), killed(iso(122))]
    expect(derived(whileItWaited)).toMatchObject({
      state: 'killed',
      reason: 'killed by ann',
      nextAttemptAt: null,
    })
  })

  it('says nothing of a next attempt while one is under way', () => {
    const runs = derived(
      [...twice, by('monitor', 3, iso(300))],
      evidence({ number: 3 }, { agentAlive: true }),
      310,
    )
    expect(runs).toMatchObject({ state: 'running', next: null, nextAttemptAt: null, cause: null })
    expect(runs.deadlineAt).toBe(iso(1 + 5 * HOUR_S))
  })

  it('begins the deadline anew when a person resumes it', () => {
    const resumed = [...twice, by('person', 3, iso(HOUR_S))]
    const seen = derived(resumed, evidence({ number: 3 }, { agentAlive: true }), HOUR_S + 1)
    expect(seen.deadlineAt).toBe(iso(6 * HOUR_S))
  })

  it('has no deadline where nobody set one or nobody supervises', () => {
    const running = evidence({}, { agentAlive: true })
    const facts = { entries: first, problems: [], evidence: running, lastOutputMs: T0, nowMs: T0 }
    const under = (policy: object) =>
      derive({ ...facts, spec: { ...watched, policy: { ...watched.policy, ...policy } } as Spec }).deadlineAt
    expect(under({})).toBe(iso(1 + 5 * HOUR_S))
    expect(under({ deadlineMs: null })).toBeNull()
    expect(under({ restart: 'never' })).toBeNull()
  })

  it('keeps the end of an attempt though a later one was called off', () => {
    const later = [
      ...twice,
      by('monitor', 3, iso(300)),
      ended({ attempt: 3, outcome: 'called-off' }, iso(301)),
    ]
    expect(derived(later)).toMatchObject({ state: 'waiting', reason: 'it crashed', nextAttemptAt: iso(300) })
    const well = [...first, ended({}, iso(60)), ended({ attempt: 2, outcome: 'called-off' }, iso(301))]
    expect(derived(well)).toMatchObject({ state: 'done', endedAt: iso(60) })
  })

  it('waits for the launch that its maker did not live to make', () => {
    expect(derived([created], null, 1).state).toBe('starting')
    const reason = 'the launch was cut off before the agent began'
    expect(derived([created], null, 11)).toMatchObject({ state: 'waiting', reason, nextAttemptAt: iso(0) })
    const cut = evidence({ begun: 'no' })
    expect(derived(first, cut, 5).state).toBe('starting')
    expect(derived(first, cut, 12)).toMatchObject({ state: 'waiting', reason })
    expect(derived([...first, killed(iso(2))], cut, 12)).toMatchObject({ state: 'killed' })
  })

  it('is lost where nothing was launched and that was given up', () => {
    const noted: Entry = {
      at: iso(5),
      type: 'gave-up',
      cause: 'superseded',
      reason: 'used again',
      hint: null,
    }
    expect(derived([...first, noted], evidence({ begun: 'called-off' }), 12)).toMatchObject({
      state: 'lost',
      reason: 'used again',
      hint: 'rca resume launches it',
      endedAt: iso(5),
    })
  })

  describe('stalled', () => {
    const stalled = (attempt: number, at: number): Entry => ({
      at: iso(at),
      type: 'stalled',
      attempt,
      since: iso(at),
      evidence: 'no work for 15 minutes: it keeps trying',
      eventsBytes: 1,
    })
    const active = (at: number): Entry => ({ at: iso(at), type: 'active', attempt: 1 })
    const running = evidence({}, { agentAlive: true })
    /** An agent that printed a moment ago. */
    const printing = (entries: Entry[], seen = running) =>
      derived([...first, ...entries], seen, 2_000, T0 + 1_999_000)

    it('takes the monitor’s word over what is printed', () => {
      expect(printing([])).toMatchObject({ state: 'running' })
      const reason = 'no work for 15 minutes: it keeps trying'
      expect(printing([stalled(1, 1_000)])).toMatchObject({ state: 'stalled', reason })
    })

    it('is taken back when it goes on, and may come again', () => {
      expect(printing([stalled(1, 1_000), active(1_500)]).state).toBe('running')
      expect(printing([stalled(1, 1_000), active(1_500), stalled(1, 1_900)]).state).toBe('stalled')
    })

    it('is over with the attempt', () => {
      const seen = evidence({ number: 2 }, { agentAlive: true })
      expect(printing([stalled(1, 1_000), by('monitor', 2, iso(1_500))], seen).state).toBe('running')
      expect(printing([stalled(1, 1_000), ended({}, iso(1_500))], null as never).state).toBe('done')
    })

    it('is seen from the silence alone where no monitor is there', () => {
      expect(derived(first, running, 1_000, T0 + 50_000)).toMatchObject({
        state: 'stalled',
        reason: 'no output for 15m',
      })
    })

    it('is not what the machine slept through', () => {
      const jump: Entry = { at: iso(9_000), type: 'clock-jumped', byMs: 8_000_000 }
      expect(derived([...first, jump], running, 9_100, T0 + 50_000).state).toBe('running')
      expect(derived([...first, jump], running, 9_901, T0 + 50_000).state).toBe('stalled')
    })
  })
})
