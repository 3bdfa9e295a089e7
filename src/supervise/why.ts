import type { Exit } from '../agents/driver.ts'
import { firstOfEach, isKillOpen, ofType } from '../task/entries.ts'
import type { Entry, EntryOf } from '../task/schema.ts'
import type { Derived } from '../task/state.ts'
import { failureStreak, type Next } from './next.ts'

/** One attempt that did not end well, or could not be made. */
export interface Death {
  /** Null: no attempt came of it. */
  readonly attempt: number | null
  /** RFC 3339. */
  readonly at: string
  readonly outcome: EntryOf<'attempt-ended'>['outcome'] | 'not-launched'
  readonly exit: Exit | null
  readonly cause: string | null
  readonly reason: string | null
  /** The agent answered or finished a tool; null: an older release did not look. */
  readonly progress: boolean | null
  /** How long the attempt ran, ms. */
  readonly ranMs: number | null
}

/** The tally of deaths over all attempts, the oldest first. Pure. */
export function deathsOf(entries: readonly Entry[]): Death[] {
  const counted = new Set<Entry>(firstOfEach(ofType(entries, 'attempt-ended')))
  return entries.flatMap((one): Death[] => {
    if (one.type === 'recovery-failed') return [notLaunched(one)]
    if (one.type !== 'attempt-ended' || !counted.has(one)) return []
    return one.outcome === 'completed' || one.outcome === 'called-off' ? [] : [death(one, entries)]
  })
}

function death(end: EntryOf<'attempt-ended'>, entries: readonly Entry[]): Death {
  const { attempt, at, outcome, exit, cause, reason, progress = null } = end
  const began = ofType(entries, 'attempt-claimed').find((one) => one.attempt === attempt)
  // An end that nobody saw is dated by the agent's last output, which may lie before the attempt.
  const ranMs = began ? Math.max(0, Date.parse(at) - Date.parse(began.at)) : null
  return { attempt, at, outcome, exit, cause, reason, progress, ranMs }
}

function notLaunched({ at, reason }: EntryOf<'recovery-failed'>): Death {
  const nothing = { attempt: null, exit: null, cause: null, progress: false, ranMs: null }
  return { ...nothing, at, outcome: 'not-launched', reason }
}

/** What becomes of a task by itself. Fields are only ever added. */
export interface NextJson {
  /**
   * `resume`: the next attempt is made at `at`. `end`: its agent is ended. `watch`: it works; should it break off it is
   * resumed. `nothing`: whatever is to happen, a person has to do it.
   */
  readonly what: 'resume' | 'end' | 'watch' | 'nothing'
  readonly why:
    | Extract<Next, { kind: 'again' }>['why']
    /** The turn before it ended well and something was sent. */
    | 'follow-up'
    | 'running'
    | 'stalled'
    | 'finished'
    | 'done'
    | 'killed'
    | 'never'
    | 'deadline'
    | 'gave-up'
    | 'unknown'
  /** When, RFC 3339; null: at once, or when something happens. */
  readonly at: string | null
  /** Nobody stated that time. */
  readonly guess: boolean
  /** How many attempts in a row have brought no progress. */
  readonly failures: number
  /** What has to be there first; null: nothing is in the way. */
  readonly blockedBy: 'no-monitor' | null
}

/** What it rests on. */
export interface Outlook {
  readonly derived: Pick<Derived, 'state' | 'next' | 'deadlineAt' | 'history'>
  /** When an agent that has not exited finished its work, ms since the epoch; null: it has not. */
  readonly finishedMs: number | null
  readonly monitorRuns: boolean
  readonly nowMs: number
}

type Coming = Pick<NextJson, 'what' | 'why'> & Partial<Pick<NextJson, 'at' | 'guess'>>

/** Says what becomes of a task by itself. Pure. */
export function comingOf(outlook: Outlook): NextJson {
  const { history } = outlook.derived
  const coming = foreseen(outlook)
  const blocked = coming.what !== 'nothing' && !outlook.monitorRuns
  return {
    at: null,
    guess: false,
    ...coming,
    failures: history ? failureStreak(history) : 0,
    blockedBy: blocked ? 'no-monitor' : null,
  }
}

function foreseen(outlook: Outlook): Coming {
  const { state, next, history } = outlook.derived
  if (!history || state === 'unknown') return { what: 'nothing', why: 'unknown' }
  const { entries } = history
  if (state !== 'done' && isKillOpen(entries)) return { what: 'end', why: 'killed' }
  if (state === 'done') return { what: 'nothing', why: 'done' }
  if (next && state !== 'starting') return atRest(next, state)
  return underWay(outlook, history)
}

function atRest(next: Next, state: Derived['state']): Coming {
  if (next.kind === 'gave-up') return { what: 'nothing', why: 'gave-up' }
  if (next.kind === 'over') return { what: 'nothing', why: state === 'killed' ? 'killed' : 'never' }
  const { dueMs, guess, followUp } = next
  const why = followUp !== undefined && next.why === 'at-once' ? 'follow-up' : next.why
  return { what: 'resume', why, at: new Date(dueMs).toISOString(), guess }
}

function underWay(outlook: Outlook, { policy }: NonNullable<Derived['history']>): Coming {
  const { derived, finishedMs, nowMs } = outlook
  const { state, deadlineAt } = derived
  if (finishedMs !== null)
    return { what: 'end', why: 'finished', at: new Date(finishedMs + policy.exitGraceMs).toISOString() }
  if (policy.restart === 'never') return { what: 'nothing', why: 'never' }
  const why = state === 'stalled' ? 'stalled' : 'running'
  if (why === 'stalled' && policy.onStall === 'restart') return { what: 'end', why }
  if (deadlineAt !== null && Date.parse(deadlineAt) < nowMs)
    return { what: 'nothing', why: 'deadline', at: deadlineAt }
  return { what: 'watch', why }
}
