import type { Exit } from '../agents/driver.ts'
import type { Usage } from '../agents/event.ts'
import { formatDuration } from '../duration.ts'
import { deadlineMs, type History, type Next, nextStep } from '../supervise/next.ts'
import type { AttemptRecord } from './attempt.ts'
import type { Conclusion } from './conclude.ts'
import { firstOfEach, killedAfterLastClaim, ofType, stallNoted } from './entries.ts'
import { type FollowUp, followUpDue, followUpsOf } from './follow-ups.ts'
import { policyOf } from './policy.ts'
import type { Entry, EntryOf, Outcome, Spec } from './schema.ts'
import { isLive, type State } from './states.ts'
import { totalUsage } from './usage.ts'

export { isLive, STATES, type State } from './states.ts'

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
  /** When the agent last printed anything, ms since the epoch; 0: never. */
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
  /** Why it did not end well, in a word that programs can act on: a driver's cause, or `retries`, `deadline`, `brake`. */
  readonly cause: string | null
  /** When the next attempt is due, RFC 3339. */
  readonly nextAttemptAt: string | null
  /** When supervision ends, RFC 3339. */
  readonly deadlineAt: string | null
  /** What is to become of it now that no attempt is under way; null: one is, or it cannot be known. */
  readonly next: Next | null
  /** What that rests on: the journal, with the newest end in it; null: the spec cannot be read. */
  readonly history: History | null
  /** What was sent to it, the first sent first. */
  readonly followUps: readonly FollowUp[]
}

type Judged = Pick<Derived, 'state' | 'reason' | 'hint' | 'exit' | 'endedAt'> &
  Partial<Pick<Derived, 'cause' | 'next'>>

/** A claim whose claimant died may still be carried out by the pane's shell for this long, ms. */
export const CLAIM_GRACE_MS = 10_000

/** How an attempt's phase is seen from its records and processes. Pure. */
export const PHASES = ['preparing', 'launching', 'working', 'over', 'called-off', 'never-began'] as const
export type Phase = (typeof PHASES)[number]

export function phaseOf(evidence: Evidence, nowMs: number): Phase {
  const { record } = evidence
  if (record.begun === 'called-off') return 'called-off'
  if (record.exit) return 'over'
  if (record.begun === 'no') {
    const isNew = isRecent(Date.parse(record.claim?.claimedAt ?? ''), nowMs)
    return evidence.claimantAlive || isNew ? 'preparing' : 'never-began'
  }
  if (evidence.agentAlive) return 'working'
  // The agent has ended (or not begun) but its launch script is there: it is about to write the record.
  if (evidence.launcherAlive) return record.agent ? 'working' : 'launching'
  return 'over'
}

/** What seems to lie further ahead was dated by a clock that has been set back since: that may be any time ago. */
const isRecent = (atMs: number, nowMs: number) => Math.abs(nowMs - atMs) < CLAIM_GRACE_MS

/** Folds the journal over the spec and adds what can be seen now. Pure. */
export function derive(facts: Facts): Derived {
  const { entries, evidence } = facts
  const ends = firstOfEach(ofType(entries, 'attempt-ended'))
  const concluded = evidence?.conclusion ? [...ends, evidence.conclusion] : ends
  const history = historyOf(facts)
  const judged = judge(facts, history)
  const next = judged.next ?? null
  const live = isLive(judged.state)
  const deadline = live && history && history.policy.restart !== 'never' ? deadlineMs(history, next) : null
  return {
    ...judged,
    cause: judged.cause ?? null,
    next,
    history,
    nextAttemptAt: next?.kind === 'again' ? new Date(next.dueMs).toISOString() : null,
    deadlineAt: deadline === null ? null : new Date(deadline).toISOString(),
    attempts: countAttempts(entries, evidence),
    // That somebody was told of it is no news of the task.
    updatedAt: entries.findLast((one) => one.type !== 'notified')?.at ?? facts.spec?.createdAt ?? null,
    agentSessionId: ofType(entries, 'agent-session').at(-1)?.id ?? facts.spec?.presetSessionId ?? null,
    denials: concluded.flatMap((one) => one.denials),
    usage: totalUsage(concluded, entries),
    followUps: followUpsOf(history?.entries ?? entries, openAttempt(evidence)),
  }
}

/** The attempt that is under way, as far as one has begun. */
function openAttempt(evidence: Evidence | null): number | null {
  return evidence?.record.begun === 'launched' ? evidence.record.number : null
}

/** The journal with the end that is not in it yet. */
function historyOf({ spec, entries, evidence, lastOutputMs, nowMs }: Facts): History | null {
  if (!spec) return null
  const { id: taskId, session, createdAt } = spec
  const conclusion = evidence?.conclusion
  const at = evidence?.record.exitAt ?? new Date(lastOutputMs || nowMs).toISOString()
  const end: Entry[] = conclusion
    ? [
        {
          ...conclusion,
          type: 'attempt-ended',
          at,
          denials: [...conclusion.denials],
          lastActivityAt: null,
        },
      ]
    : []
  const createdMs = Date.parse(createdAt)
  return { taskId, session, createdMs, policy: policyOf(spec), entries: [...entries, ...end] }
}

function judge(facts: Facts, history: History | null): Judged {
  const { spec, entries, evidence } = facts
  if (!spec || !history) return unknown(facts.problems[0] ?? 'spec.json cannot be read')
  const killed = killedAfterLastClaim(entries)
  if (evidence) return seen(facts, history, evidence, killed)
  const ends = firstOfEach(ofType(entries, 'attempt-ended'))
  // An attempt that was called off says nothing where an earlier one has ended.
  const last = ends.findLast((one) => one.outcome !== 'called-off') ?? ends.at(-1)
  const claimed = ofType(entries, 'attempt-claimed').at(-1)
  if (!last || !claimed) return killed ? wasKilled(killed, null) : neverLaunched(facts, history)
  return outcome(last, last.at, killed, history)
}

function seen(facts: Facts, history: History, evidence: Evidence, killed: EntryOf<'killed'> | null): Judged {
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
      return killed ? wasKilled(killed, null) : neverLaunched(facts, history)
    case 'over':
      return evidence.conclusion
        ? outcome(evidence.conclusion, evidence.record.exitAt, killed, history)
        : unknown('the end of its last attempt cannot be judged')
  }
}

function working(facts: Facts): Judged {
  // The monitor knows better: an agent that only says again and again that it retries prints, too.
  const noted = stallNoted(facts.entries, facts.evidence?.record.number ?? 0)
  if (noted) return live('stalled', noted.evidence)
  const stallAfter = facts.spec?.policy.stallAfterMs ?? null
  const silent = facts.nowMs - silentSince(facts)
  if (stallAfter === null || silent < stallAfter) return live('running', null)
  return live('stalled', `no output for ${formatDuration(silent)}`)
}

/** Time that the machine slept through is nobody's silence. */
export function silentSince({ evidence, entries, lastOutputMs }: Facts): number {
  const claimed = Date.parse(evidence?.record.claim?.claimedAt ?? '') || 0
  const jumped = Date.parse(ofType(entries, 'clock-jumped').at(-1)?.at ?? '') || 0
  return Math.max(lastOutputMs, claimed, jumped)
}

const live = (state: State, reason: string | null): Judged => ({
  state,
  reason,
  hint: null,
  exit: null,
  endedAt: null,
})
const unknown = (reason: string): Judged => live('unknown', reason)

function neverLaunched(facts: Facts, history: History): Judged {
  const created = Date.parse(facts.spec?.createdAt ?? '')
  const next = nextStep(history)
  if (!facts.evidence && isRecent(created, facts.nowMs)) return { ...live('starting', null), next }
  if (next.kind === 'again') return { ...live('waiting', next.reason), next }
  const reason = next.kind === 'gave-up' ? next.reason : 'the launch was cut off before the agent began'
  return {
    ...live('lost', reason),
    hint: 'rca resume launches it',
    endedAt: facts.entries.at(-1)?.at ?? null,
    next,
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

/** What an end means under the policy: the last word, or the reason of a wait. */
function outcome(
  end: Conclusion,
  at: string | null,
  killed: EntryOf<'killed'> | null,
  history: History,
): Judged {
  const { exit, cause } = end
  const next = nextStep(history)
  const due = followUpDue(history.entries)
  if (killed && (end.outcome !== 'completed' || due))
    return { ...wasKilled(killed, exit), endedAt: at ?? killed.at, next }
  const base = { exit, cause, next, endedAt: at }
  if (next.kind === 'again')
    return { ...base, state: 'waiting', reason: next.reason, hint: null, endedAt: null }
  // The turn before it ended well; what was to follow did not come about.
  const state = due && next.kind === 'gave-up' ? 'failed' : STATE_OF[end.outcome]
  // Asked for, and not brought about yet.
  if (due && next.kind === 'over') return { ...base, state: 'killed', reason: 'killed', hint: null }
  if (next.kind === 'over') return { ...base, state, reason: end.reason, hint: end.hint }
  return { ...base, state, cause: next.cause, reason: next.reason, hint: next.hint }
}

function countAttempts(entries: readonly Entry[], evidence: Evidence | null): number {
  const numbers = new Set(ofType(entries, 'attempt-started').map((one) => one.attempt))
  for (const end of ofType(entries, 'attempt-ended'))
    if (end.outcome !== 'called-off') numbers.add(end.attempt)
  if (evidence?.record.begun === 'launched') numbers.add(evidence.record.number)
  return numbers.size
}
