import type { Policy } from '../task/policy.ts'
import { isLive, type Phase, type State } from '../task/state.ts'
import type { Next } from './next.ts'

/** Everything that the monitor's decision on one task rests on. Durations in ms. */
export interface TaskFacts {
  readonly state: State
  /** Null: no attempt whose end is not in the journal. */
  readonly phase: Phase | null
  /** What is to become of it where no attempt is under way. */
  readonly next: Next | null
  /** An end that was seen and is not in the journal. */
  readonly unrecorded: boolean
  readonly claimantAlive: boolean
  readonly launcherAlive: boolean
  readonly agentAlive: boolean
  /** Since the claim of the open attempt, or since the task was made. */
  readonly ageMs: number
  /** Somebody asked for its end, and it is not recorded that it was brought about. */
  readonly killAsked: boolean
  /** What is in the journal already. */
  readonly noted: { readonly gaveUp: boolean; readonly until: string | null; readonly stalled: boolean }
  readonly policy: Policy
  /** Of an agent that runs. */
  readonly activity: {
    readonly finished: boolean
    /** Since it did any work. */
    readonly silentMs: number
    readonly doing: string
  } | null
  /** What somebody who wants to hear of progress is to be told of an agent that runs; null: nobody wants to. */
  readonly progress: {
    /** Since it was told last, or since the attempt began, as often at the most; ms. */
    readonly sinceMs: number
    readonly everyMs: number
    /** Null: it has done nothing since. */
    readonly news: string | null
  } | null
  /** How long this observer has seen the agent gone and its launch script still there. */
  readonly lingeringMs: number
  /** How long this observer has waited since it first saw the newest end: the wall clock may have been set back. */
  readonly waitedMs: number
  readonly nowMs: number
}

/** What is to be done about a task now. */
export type Action =
  | { readonly kind: 'nothing' }
  /** Write down how the attempt ended. */
  | { readonly kind: 'settle' }
  /** Make the next attempt. */
  | { readonly kind: 'recover' }
  /** Note for when the next attempt is due. */
  | { readonly kind: 'note-wait'; readonly next: Extract<Next, { kind: 'again' }> }
  | { readonly kind: 'note-gave-up'; readonly next: Extract<Next, { kind: 'gave-up' }> }
  | { readonly kind: 'note-stall'; readonly evidence: string }
  | { readonly kind: 'note-active' }
  | { readonly kind: 'note-progress'; readonly text: string }
  /** End an agent that has finished and stays, or has stalled. */
  | { readonly kind: 'end'; readonly why: 'finished' | 'stalled'; readonly evidence: string }
  /** End the helpers that keep a launch script from writing down its agent's end. */
  | { readonly kind: 'free-launcher' }
  /** Bring about the end that somebody asked for and did not live to see. */
  | { readonly kind: 'finish-kill' }

export interface Decision {
  readonly action: Action
  /** Look again after this long (once the action is done), even if nothing wakes the monitor; null: not before something does. */
  readonly lookInMs: number | null
}

/** As often as this where the only sign of the next event is that a process is gone. */
const CLOSELY_MS = 100
/** A task that was made and not launched is its maker's for this long. */
const MAKER_MS = 3_000
/** So long may a launch script take to write down its agent's end. */
const LINGER_MS = 10_000
/** What cannot be read may be readable later. */
const UNKNOWN_MS = 60_000
/** An agent that was reported as stalled may have gone on. */
const STALLED_MS = 60_000
/** Waits shorter than this are not worth a line in the journal. */
const WORTH_NOTING_MS = 2_000

const act = (action: Action, lookInMs: number | null = 0): Decision => ({ action, lookInMs })
const look = (lookInMs: number | null): Decision => act({ kind: 'nothing' }, lookInMs)

/** Decides what to do about one task. Pure: no clock, no I/O. It never asks for an attempt while an agent may be alive. */
export function decide(facts: TaskFacts): Decision {
  if (facts.state === 'unknown') return look(UNKNOWN_MS)
  if (facts.killAsked) return act({ kind: 'finish-kill' })
  switch (facts.phase) {
    case 'preparing':
      // Whoever claimed it has died: under the lock it is called off, and made again.
      return facts.claimantAlive ? look(1_000) : whenSupervised(facts, act({ kind: 'recover' }))
    case 'launching':
      return look(CLOSELY_MS)
    case 'working':
      return facts.agentAlive ? telling(facts, working(facts)) : ending(facts)
    default:
      return atRest(facts)
  }
}

function whenSupervised(facts: TaskFacts, decision: Decision): Decision {
  return facts.policy.restart === 'never' ? look(UNKNOWN_MS) : decision
}

/** The agent is gone and its launch script is about to say so. */
function ending(facts: TaskFacts): Decision {
  return facts.lingeringMs > LINGER_MS ? act({ kind: 'free-launcher' }, 1_000) : look(CLOSELY_MS)
}

function working(facts: TaskFacts): Decision {
  const { activity, policy } = facts
  // Without its launch script nobody says when it ends.
  const closely = facts.launcherAlive ? null : CLOSELY_MS
  if (!activity) return look(closely)
  if (activity.finished) return finishing(facts, activity.silentMs, closely)
  const { stallAfterMs } = policy
  if (stallAfterMs === null) return look(closely)
  const left = stallAfterMs - activity.silentMs
  if (left > 0) return facts.noted.stalled ? act({ kind: 'note-active' }) : look(closely ?? left)
  const evidence = `no work for ${describe(activity.silentMs)}: ${activity.doing}`
  if (!facts.noted.stalled) return act({ kind: 'note-stall', evidence })
  if (policy.onStall === 'restart' && policy.restart !== 'never')
    return act({ kind: 'end', why: 'stalled', evidence })
  // It may go on without a pause that would be worth a look.
  return look(closely ?? STALLED_MS)
}

/** Progress is told when there is nothing else to do. */
function telling({ progress }: TaskFacts, decision: Decision): Decision {
  if (!progress || decision.action.kind !== 'nothing') return decision
  const left = progress.everyMs - progress.sinceMs
  if (left <= 0 && progress.news !== null) return act({ kind: 'note-progress', text: progress.news })
  const laterMs = left > 0 ? left : progress.everyMs
  return look(Math.min(laterMs, decision.lookInMs ?? laterMs))
}

function finishing({ policy }: TaskFacts, silentMs: number, closely: number | null): Decision {
  const left = policy.exitGraceMs - silentMs
  if (left > 0) return look(closely ?? left)
  const evidence = `it finished ${describe(silentMs)} ago and has not exited`
  return act({ kind: 'end', why: 'finished', evidence })
}

/** No attempt is under way. */
function atRest(facts: TaskFacts): Decision {
  const { next, unrecorded } = facts
  if (next?.kind === 'again') return again(facts, next)
  if (unrecorded) return act({ kind: 'settle' })
  if (next?.kind === 'gave-up' && !facts.noted.gaveUp) return act({ kind: 'note-gave-up', next })
  return look(isLive(facts.state) ? UNKNOWN_MS : null)
}

function again(facts: TaskFacts, next: Extract<Next, { kind: 'again' }>): Decision {
  const left = remaining(facts, next)
  // What was made in the future was made before the clock was set back.
  if (facts.phase === null && facts.state === 'starting' && Math.abs(facts.ageMs) < MAKER_MS)
    return look(MAKER_MS - facts.ageMs)
  if (left <= 0) return act({ kind: 'recover' })
  if (facts.unrecorded) return act({ kind: 'settle' })
  const until = new Date(next.dueMs).toISOString()
  if (left > WORTH_NOTING_MS && facts.noted.until !== until) return act({ kind: 'note-wait', next })
  return look(left)
}

/** By the wall clock or by the time that this observer has waited, whichever comes first: clocks are set back. */
function remaining(
  { nowMs, waitedMs }: TaskFacts,
  { dueMs, delayMs }: Extract<Next, { kind: 'again' }>,
): number {
  return Math.min(dueMs - nowMs, delayMs - waitedMs)
}

function describe(ms: number): string {
  return ms < 60_000 ? `${Math.round(ms / 1_000)} seconds` : `${Math.floor(ms / 60_000)} minutes`
}

/** An action as the monitor's log tells it. Pure. */
export function inWords(action: Action): string {
  if (action.kind === 'recover') return 'made the next attempt'
  if (action.kind === 'end') return `ended its agent: ${action.evidence}`
  if (action.kind === 'note-stall') return `stalled: ${action.evidence}`
  if (action.kind === 'note-wait') return `waits: ${action.next.reason}`
  if (action.kind === 'note-gave-up') return `given up: ${action.next.reason}`
  return action.kind
}
