import { ofType } from '../task/entries.ts'
import { type FollowUp, followUpDue } from '../task/follow-ups.ts'
import type { Policy } from '../task/policy.ts'
import type { Entry, EntryOf } from '../task/schema.ts'
import { asked, type Epoch, epoch, wasKilled } from './epoch.ts'

/** What is to become of a task of which no attempt is under way. */
export type Next =
  /** Nothing: it ended well, was killed, or nobody promised to supervise it. */
  | { readonly kind: 'over' }
  | {
      readonly kind: 'gave-up'
      readonly cause: string
      readonly reason: string
      readonly hint: string | null
    }
  | {
      readonly kind: 'again'
      readonly why: 'at-once' | 'backoff' | 'limit'
      /** When, ms since the epoch. */
      readonly dueMs: number
      /** How long after the end before it that is, ms. */
      readonly delayMs: number
      readonly reason: string
      /** Nobody stated that time. */
      readonly guess: boolean
      /** The follow-up that it delivers, by its id; absent: the turn that broke off goes on. */
      readonly followUp?: number
    }

/** What decides it: the journal, with the newest end in it, and what was promised. No clock. */
export interface History {
  readonly taskId: string
  readonly session: string
  readonly createdMs: number
  readonly policy: Policy
  readonly entries: readonly Entry[]
}

/** Causes that no further attempt can heal. */
const HOPELESS = new Set([
  'not-logged-in',
  'bad-arguments',
  'no-such-session',
  'wrong-session',
  'permission',
  'bad-prompt',
])
/** The causes of rca's own giving up: `wait` ends with 125. */
export const GAVE_UP: ReadonlySet<string> = new Set(['retries', 'deadline', 'brake'])

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** A limit's stated end may be rounded; a moment later is better than a moment too early, ms. */
const LIMIT_MARGIN_MS = MINUTE / 2
/** Where no end was stated: so long after the first, the second, the third and any further refusal. */
const LIMIT_GUESSES_MS = [15 * MINUTE, 30 * MINUTE, HOUR]
/** More refusals in a row than this, without any progress, count as failures like any other. */
const MOST_LIMITS = 10

/** One thing that went wrong since a person last started or resumed the task. */
interface Failure {
  readonly atMs: number
  readonly outcome: EntryOf<'attempt-ended'>['outcome'] | 'not-launched'
  readonly cause: string | null
  readonly progress: boolean
  readonly resetsMs: number | null
  readonly reason: string
  readonly hint: string | null
}

/** Decides what is to become of a task of which no attempt is under way. Pure, and the same whoever asks and when. */
export function nextStep(history: History): Next {
  const due = followUpDue(history.entries)
  if (due) return followUp(history, due)
  const since = epoch(history)
  const given = givenUp(since)
  if (given) return given
  const failures = failuresOf(since.entries)
  const last = failures.at(-1)
  if (isOver(history, since.entries, last)) return { kind: 'over' }
  if (!last) return neverLaunched(history)
  if (last.cause !== null && HOPELESS.has(last.cause)) {
    return { kind: 'gave-up', cause: last.cause, reason: last.reason, hint: last.hint }
  }
  const limits = limitsInARow(failures)
  if (limits > 0 && limits <= MOST_LIMITS) return afterLimit(history, since, last, limits)
  return afterFailures(history, since, last, failuresInARow(failures))
}

function givenUp(since: Epoch): Next | null {
  const entry = ofType(since.entries, 'gave-up')[0]
  return entry ? { kind: 'gave-up', cause: entry.cause, reason: entry.reason, hint: entry.hint } : null
}

/**
 * A turn has ended well and the next one is in the queue: that begins at once, whatever the policy says of failures. Only
 * where it could not be launched does it wait as after any failure.
 */
function followUp(history: History, due: FollowUp): Next {
  if (wasKilled(asked(history).entries)) return { kind: 'over' }
  const since = epoch(history)
  const given = givenUp(since)
  if (given) return given
  const failures = failuresOf(since.entries)
  const last = failures.at(-1)
  if (!last) {
    const reason = `follow-up ${due.id} is next`
    const dueMs = since.startMs
    return { kind: 'again', why: 'at-once', dueMs, delayMs: 0, reason, guess: false, followUp: due.id }
  }
  if (history.policy.restart === 'never') {
    const { session } = history
    return gaveUp('retries', `follow-up ${due.id} could not be started: ${last.reason}`, hintOf(session))
  }
  const next = afterFailures(history, since, last, failures.length)
  return next.kind === 'again' ? { ...next, followUp: due.id } : next
}

/** When supervision ends, ms since the epoch; null: never. `next`: what an attempt at rest waits for. Pure. */
export function deadlineMs(history: History, next: Next | null): number | null {
  const deadline = deadlineOf(history, epoch(history))
  const parks = next?.kind === 'again' && next.why === 'limit' && !next.guess
  return deadline === null ? null : deadline + (parks ? next.delayMs : 0)
}

/** How many attempts in a row have brought no progress, since a person last asked for one. Pure. */
export function failureStreak(history: History): number {
  return failuresInARow(failuresOf(epoch(history).entries))
}

function isOver({ policy }: History, entries: readonly Entry[], last: Failure | undefined): boolean {
  if (policy.restart === 'never' || wasKilled(entries)) return true
  return last !== undefined && ['completed', 'interrupted', 'killed'].includes(last.outcome)
}

/** Whoever made the task died before it launched anything. */
function neverLaunched({ createdMs }: History): Next {
  const reason = 'the launch was cut off before the agent began'
  return { kind: 'again', why: 'at-once', dueMs: createdMs, delayMs: 0, reason, guess: false }
}

function failuresOf(entries: readonly Entry[]): Failure[] {
  const claimed = new Map(ofType(entries, 'attempt-claimed').map((one) => [one.attempt, Date.parse(one.at)]))
  return entries.flatMap((one): Failure[] => {
    if (one.type === 'recovery-failed') return [notLaunched(one)]
    if (one.type !== 'attempt-ended' || one.outcome === 'called-off') return []
    return [ended(one, claimed.get(one.attempt) ?? 0)]
  })
}

/** An end that nobody saw is dated by the agent's last output, which may lie before the attempt: never that early. */
function ended(one: EntryOf<'attempt-ended'>, claimedMs: number): Failure {
  return {
    atMs: Math.max(Date.parse(one.at), claimedMs),
    outcome: one.outcome,
    cause: one.cause,
    progress: one.progress ?? false,
    resetsMs: one.resetsAt ? Date.parse(one.resetsAt) : null,
    reason: one.reason ?? one.outcome,
    hint: one.hint,
  }
}

function notLaunched(one: EntryOf<'recovery-failed'>): Failure {
  const { reason, hint } = one
  const nothing = { cause: null, progress: false, resetsMs: null }
  return { ...nothing, atMs: Date.parse(one.at), outcome: 'not-launched', reason, hint }
}

const isLimit = (one: Failure) => one.cause === 'usage-limit'

/** How many refusals for a usage limit came last, the last of them not counted as a failure. */
function limitsInARow(failures: readonly Failure[]): number {
  let count = 0
  for (const one of failures.toReversed()) {
    if (!isLimit(one)) break
    count++
    if (one.progress) break
  }
  return count
}

/** How many failures came last, back to the one whose attempt made progress. */
function failuresInARow(failures: readonly Failure[]): number {
  const lastProgress = failures.findLastIndex((one) => one.progress)
  const last = failures.slice(Math.max(0, lastProgress))
  const limits = last.filter(isLimit).length
  return last.length - limits + Math.max(0, limits - MOST_LIMITS)
}

function afterLimit(history: History, since: Epoch, last: Failure, limits: number): Next {
  const guess = last.resetsMs === null
  const wait = LIMIT_GUESSES_MS[Math.min(limits, LIMIT_GUESSES_MS.length) - 1] ?? HOUR
  // A reset that was stated and did not come is asked for again a while later.
  const base =
    last.resetsMs === null ? last.atMs + wait : Math.max(last.resetsMs, last.atMs + (limits - 1) * MINUTE)
  const dueMs = Math.round(base + LIMIT_MARGIN_MS + jitterOf(history, limits) * MINUTE)
  // The time until a stated end does not count towards the deadline.
  const stop = stopped(history, since, last, { dueMs, countedMs: guess ? dueMs : last.atMs })
  if (stop) return stop
  const reason = guess
    ? `${last.reason} (no reset time was stated: the next attempt is a guess)`
    : last.reason
  return { kind: 'again', why: 'limit', dueMs, delayMs: dueMs - last.atMs, reason, guess }
}

function afterFailures(history: History, since: Epoch, last: Failure, count: number): Next {
  const { policy, session } = history
  const { maxRetries } = policy
  if (maxRetries !== null && count > maxRetries) {
    const tries =
      maxRetries === 0 ? 'no resume is allowed' : `${maxRetries} resumes in a row brought no progress`
    return gaveUp('retries', `gave up, ${tries}: ${last.reason}`, last.hint ?? hintOf(session))
  }
  const delayMs = backoff(policy.backoffMs, count, policy.jitter * jitterOf(history, count))
  const dueMs = last.atMs + delayMs
  const stop = stopped(history, since, last, { dueMs, countedMs: dueMs })
  if (stop) return stop
  const why = delayMs === 0 ? 'at-once' : 'backoff'
  return { kind: 'again', why, dueMs, delayMs, reason: last.reason, guess: false }
}

/** 0, b, 2b, 4b, … for the first, second, third, fourth failure in a row, ms. */
function backoff(baseMs: number, count: number, jitter: number): number {
  return count <= 1 ? 0 : Math.round(baseMs * 2 ** Math.min(count - 2, 30) * (1 + jitter))
}

/** The brake and the deadline; null: the attempt may be made. `countedMs`: when it is due as far as the deadline counts. */
function stopped(
  history: History,
  since: Epoch,
  last: Failure,
  { dueMs, countedMs }: { readonly dueMs: number; readonly countedMs: number },
): Next | null {
  const { session } = history
  const { maxResumesPerHour: most } = history.policy
  if (resumesWithinAnHour(since.entries, dueMs) >= most) {
    return gaveUp('brake', `gave up, ${most} resumes within an hour: ${last.reason}`, hintOf(session))
  }
  const deadline = deadlineOf(history, since)
  if (deadline === null || countedMs <= deadline) return null
  return gaveUp('deadline', `gave up, the deadline of supervision has come: ${last.reason}`, hintOf(session))
}

const hintOf = (session: string) => `rca resume ${session} goes on and begins supervision anew`

function gaveUp(cause: string, reason: string, hint: string | null): Next {
  return { kind: 'gave-up', cause, reason, hint }
}

function resumesWithinAnHour(entries: readonly Entry[], dueMs: number): number {
  const resumes = ofType(entries, 'attempt-claimed').filter(
    (one) =>
      one.by === 'monitor' &&
      one.followUp === undefined &&
      Date.parse(one.at) > dueMs - HOUR &&
      !wasCalledOff(entries, one.attempt),
  )
  // A claim that came to nothing (a full disk) is made again with the same number.
  return new Set(resumes.map((one) => one.attempt)).size
}

function wasCalledOff(entries: readonly Entry[], attempt: number): boolean {
  return ofType(entries, 'attempt-ended').some(
    (one) => one.attempt === attempt && one.outcome === 'called-off',
  )
}

/**
 * Time during which the machine slept or its clock was set does not count, and neither does the time that a stated limit
 * kept the task waiting.
 */
function deadlineOf({ policy }: History, since: Epoch): number | null {
  if (policy.deadlineMs === null) return null
  const jumps = ofType(since.entries, 'clock-jumped').reduce((sum, one) => sum + one.byMs, 0)
  return since.startMs + policy.deadlineMs + jumps + parkedMs(since.entries)
}

/** From the end that stated a limit to the next claim, less the jumps between them: those count whether it waits or not. */
function parkedMs(entries: readonly Entry[]): number {
  let parked = 0
  let claimedMs = 0
  let sinceMs: number | null = null
  for (const one of entries) {
    const atMs = Date.parse(one.at)
    if (one.type === 'clock-jumped' && sinceMs !== null) sinceMs += one.byMs
    if (one.type === 'attempt-ended')
      sinceMs = one.cause === 'usage-limit' && one.resetsAt ? Math.max(atMs, claimedMs) : null
    if (one.type !== 'attempt-claimed') continue
    parked += sinceMs === null ? 0 : Math.max(0, atMs - sinceMs)
    claimedMs = atMs
    sinceMs = null
  }
  return parked
}

/** Between 0 and 1, from the task and the count: whoever asks gets the same. (FNV-1a) */
function jitterOf({ taskId }: History, count: number): number {
  let hash = 0x811c9dc5
  for (const char of `${taskId}:${count}`) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193)
  return (hash >>> 0) / 2 ** 32
}
