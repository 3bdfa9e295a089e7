import type { Exit } from '../agents/driver.ts'
import type { Usage } from '../agents/event.ts'
import type { AttemptRecord } from './attempt.ts'
import type { Conclusion } from './conclude.ts'
import type { Entry, EntryOf, Outcome, Spec } from './schema.ts'

export const STATES = [
  'starting',
  'running',
  'stalled',
  'waiting',
  'done',
  'failed',
  'killed',
  'lost',
  'unknown',
] as const
export type State = (typeof STATES)[number]

/** States in which an agent works or is about to. */
export const isLive = (state: State) => ['starting', 'running', 'stalled', 'waiting'].includes(state)

/** What was seen of the newest attempt besides its records. */
export interface Evidence {
  readonly record: AttemptRecord
  readonly claimantAlive: boolean
  readonly launcherAlive: boolean
  readonly agentAlive: boolean
  /** The records were made on this machine: its processes can be seen. */
  readonly here: boolean
  /** The verdict on an attempt that is over and not yet in the journal. */
  readonly conclusion: Conclusion | null
}

export interface Facts {
  readonly spec: Spec | null
  readonly entries: readonly Entry[]
  readonly problems: readonly string[]
  /** Null: every claimed attempt's end is in the journal, or none was claimed. */
  readonly evidence: Evidence | null
  /** Whether the process that made the task (and has claimed no attempt yet) still runs. */
  readonly lastOutputMs: number
  readonly nowMs: number
}

/** A task's state, derived from its records. */
export interface Derived {
  readonly state: State
  readonly reason: string | null
  readonly hint: string | null
  readonly attempts: number
  readonly exit: Exit | null
  readonly endedAt: string | null
  readonly updatedAt: string | null
  readonly agentSessionId: string | null
  readonly denials: readonly string[]
  readonly usage: Usage | null
}

type Judged = Pick<Derived, 'state' | 'reason' | 'hint' | 'exit' | 'endedAt'>

/** A claim whose claimant died may still be carried out by the pane's shell for this long, ms. */
export const CLAIM_GRACE_MS = 10_000

/** How an attempt's phase is seen from its records and processes. Pure. */
export type Phase = 'preparing' | 'launching' | 'working' | 'over' | 'called-off' | 'never-began'

export function phaseOf(evidence: Evidence, nowMs: number): Phase {
  const { record } = evidence
  if (record.begun === 'called-off') return 'called-off'
  if (record.exit) return 'over'
  if (record.begun === 'no') {
    const age = nowMs - Date.parse(record.claim?.claimedAt ?? '')
    return evidence.claimantAlive || age < CLAIM_GRACE_MS ? 'preparing' : 'never-began'
  }
  if (evidence.agentAlive) return 'working'
  // The agent has ended (or not begun) but its launch script is there: it is about to write the record.
  if (evidence.launcherAlive) return record.agent ? 'working' : 'launching'
  return 'over'
}

/** Folds the journal over the spec and adds what can be seen now. Pure. */
export function derive(facts: Facts): Derived {
  const { entries, evidence } = facts
  const ends = ofType(entries, 'attempt-ended')
  const concluded = evidence?.conclusion ? [...firstOfEach(ends), evidence.conclusion] : firstOfEach(ends)
  return {
    ...judge(facts),
    attempts: countAttempts(entries, evidence),
    updatedAt: entries.at(-1)?.at ?? facts.spec?.createdAt ?? null,
    agentSessionId: ofType(entries, 'agent-session').at(-1)?.id ?? facts.spec?.presetSessionId ?? null,
    denials: concluded.flatMap((one) => one.denials),
    usage: totalUsage(concluded),
  }
}

function judge(facts: Facts): Judged {
  const { spec, entries, evidence } = facts
  if (!spec) return unknown(facts.problems[0] ?? 'spec.json cannot be read')
  const killed = killedAfterLastClaim(entries)
  if (evidence) return seen(facts, evidence, killed)
  const last = ofType(entries, 'attempt-ended').at(-1)
  const claimed = ofType(entries, 'attempt-claimed').at(-1)
  if (!last || !claimed) return killed ? wasKilled(killed, null) : neverLaunched(facts)
  const first = ofType(entries, 'attempt-ended').find((one) => one.attempt === last.attempt) ?? last
  return outcome(first, first.at, killed)
}

function seen(facts: Facts, evidence: Evidence, killed: EntryOf<'killed'> | null): Judged {
  if (!evidence.here)
    return unknown(`its last attempt was made on ${evidence.record.claim?.host ?? 'another machine'}`)
  if (evidence.record.problems[0] && !evidence.conclusion) return unknown(evidence.record.problems[0])
  switch (phaseOf(evidence, facts.nowMs)) {
    case 'preparing':
    case 'launching':
      return live('starting', null)
    case 'working':
      return working(facts)
    case 'called-off':
    case 'never-began':
      return killed ? wasKilled(killed, null) : neverLaunched(facts)
    case 'over':
      return evidence.conclusion
        ? outcome(evidence.conclusion, evidence.record.exitAt, killed)
        : unknown('the end of its last attempt cannot be judged')
  }
}

function working(facts: Facts): Judged {
  const stallAfter = facts.spec?.policy.stallAfterMs ?? null
  const started = Date.parse(facts.evidence?.record.claim?.claimedAt ?? '') || 0
  const silent = facts.nowMs - Math.max(facts.lastOutputMs, started)
  if (stallAfter === null || silent < stallAfter) return live('running', null)
  return live('stalled', `no output for ${Math.floor(silent / 60_000)} minutes`)
}

const live = (state: State, reason: string | null): Judged => ({
  state,
  reason,
  hint: null,
  exit: null,
  endedAt: null,
})
const unknown = (reason: string): Judged => live('unknown', reason)

function neverLaunched(facts: Facts): Judged {
  const created = Date.parse(facts.spec?.createdAt ?? '')
  if (!facts.evidence && facts.nowMs - created < CLAIM_GRACE_MS) return live('starting', null)
  const reason = 'the launch was cut off before the agent began'
  return {
    ...live('lost', reason),
    hint: 'rca resume launches it',
    endedAt: facts.entries.at(-1)?.at ?? null,
  }
}

function wasKilled(killed: EntryOf<'killed'>, exit: Exit | null): Judged {
  return { state: 'killed', reason: `killed by ${killed.by}`, hint: null, exit, endedAt: killed.at }
}

const STATE_OF: Record<Outcome, State> = {
  completed: 'done',
  failed: 'failed',
  unfinished: 'failed',
  interrupted: 'killed',
  killed: 'killed',
  'called-off': 'lost',
  lost: 'lost',
}

function outcome(end: Conclusion, at: string | null, killed: EntryOf<'killed'> | null): Judged {
  if (killed && end.outcome !== 'completed')
    return { ...wasKilled(killed, end.exit), endedAt: at ?? killed.at }
  return { state: STATE_OF[end.outcome], reason: end.reason, hint: end.hint, exit: end.exit, endedAt: at }
}

/** The `killed` entry, unless an attempt was claimed after it. */
function killedAfterLastClaim(entries: readonly Entry[]): EntryOf<'killed'> | null {
  const claim = entries.findLastIndex((one) => one.type === 'attempt-claimed')
  const index = entries.findLastIndex((one) => one.type === 'killed')
  const entry = entries[index]
  return entry?.type === 'killed' && index > claim ? entry : null
}

/** Whether a kill was asked for after the newest claim. Pure. */
export function killRequested(entries: readonly Entry[]): boolean {
  const claim = entries.findLastIndex((one) => one.type === 'attempt-claimed')
  return entries.findLastIndex((one) => one.type === 'kill-requested') > claim
}

function countAttempts(entries: readonly Entry[], evidence: Evidence | null): number {
  const numbers = new Set(ofType(entries, 'attempt-started').map((one) => one.attempt))
  for (const end of ofType(entries, 'attempt-ended'))
    if (end.outcome !== 'called-off') numbers.add(end.attempt)
  if (evidence?.record.begun === 'launched') numbers.add(evidence.record.number)
  return numbers.size
}

/** Two observers may record the same end: the first counts. */
function firstOfEach(ends: readonly EntryOf<'attempt-ended'>[]): EntryOf<'attempt-ended'>[] {
  const seenBefore = new Set<number>()
  return ends.filter((one) => !seenBefore.has(one.attempt) && seenBefore.add(one.attempt))
}

export function ofType<T extends Entry['type']>(entries: readonly Entry[], type: T): EntryOf<T>[] {
  return entries.filter((one): one is EntryOf<T> => one.type === type)
}

/** All attempts together; an agent that counts the whole conversation anew each time has said it all last. */
function totalUsage(ends: readonly Conclusion[]): Usage | null {
  const known = ends.filter((one) => one.usage !== null)
  const last = known.at(-1)
  if (!last) return null
  if (last.usageIsCumulative) return last.usage
  const sum = (key: keyof Usage) => {
    const values = known.map((one) => one.usage?.[key] ?? null).filter((value) => value !== null)
    return values.length === 0 ? null : values.reduce((a, b) => a + b, 0)
  }
  return {
    inputTokens: sum('inputTokens'),
    cachedInputTokens: sum('cachedInputTokens'),
    outputTokens: sum('outputTokens'),
    costUsd: sum('costUsd'),
  }
}
