import type { StatusJson } from '../commands/status.ts'
import { formatDuration, formatWait } from '../duration.ts'
import type { Death } from '../supervise/why.ts'
import type { Policy } from '../task/policy.ts'

/** What `rca status` says in words of deaths, of the policy and of what is to come. All pure. */

const ABOUT_IT = '(rca monitor, or rca service install)'
const ABSENT = `as soon as a monitor runs: none does ${ABOUT_IT}`

/** What becomes of the task by itself, in one line. */
export function nextSentence(
  task: Pick<StatusJson, 'name' | 'next' | 'deadlineAt' | 'cause'>,
  nowMs: number,
): string {
  const { next } = task
  switch (next.what) {
    case 'resume':
      return resumes(next, nowMs)
    case 'end':
      return ends(next, nowMs)
    case 'watch':
      return watched(task, nowMs)
    case 'nothing':
      return nothing(task, nowMs)
  }
}

function resumes(next: StatusJson['next'], nowMs: number): string {
  if (next.why === 'follow-up')
    return next.blockedBy ? `the follow-up begins ${ABSENT}` : 'the follow-up begins at once'
  const dueMs = next.at === null ? nowMs : Date.parse(next.at)
  const why = whyThen(next)
  if (next.blockedBy && dueMs <= nowMs) return `resumes ${ABSENT}`
  if (next.blockedBy) return `due at ${moment(dueMs, nowMs)}${why}; but no monitor runs ${ABOUT_IT}`
  return dueMs <= nowMs ? 'resumes at once' : `resumes at ${moment(dueMs, nowMs)}${why}`
}

function whyThen({ why, guess, failures }: StatusJson['next']): string {
  if (why === 'backoff') return `, backoff after ${failures} failures in a row`
  if (why !== 'limit') return ''
  return guess
    ? ', when the usage limit may have ended (a guess: the agent did not say when)'
    : ', when the usage limit ends (stated by the agent)'
}

const ENDS: Record<string, string> = {
  killed: 'is killed, as somebody asked for',
  finished: 'has finished its work; should it not exit by itself, it is ended',
  stalled: 'the stalled agent is ended and its conversation resumed',
}

function ends({ why, at, blockedBy }: StatusJson['next'], nowMs: number): string {
  const what = ENDS[why] ?? 'its agent is ended'
  if (blockedBy) return `${what} ${ABSENT}`
  return at === null || Date.parse(at) <= nowMs ? what : `${what} at ${moment(Date.parse(at), nowMs)}`
}

function watched({ next, deadlineAt }: Pick<StatusJson, 'next' | 'deadlineAt'>, nowMs: number): string {
  const stalled = next.why === 'stalled' ? 'left alone (--on-stall restart would end and resume it); ' : ''
  const until = deadlineAt === null ? '' : ` until ${shortClock(Date.parse(deadlineAt), nowMs)} (deadline)`
  return `${stalled}if it breaks off it is resumed${next.blockedBy ? ` ${ABSENT}` : until}`
}

function nothing(task: Pick<StatusJson, 'name' | 'next' | 'cause'>, nowMs: number): string {
  const { next, name, cause } = task
  const byHand = `rca resume ${name} goes on`
  switch (next.why) {
    case 'done':
      return 'nothing: it has ended well'
    case 'killed':
      return `nothing: it was ended on purpose; ${byHand}`
    case 'never':
      return `nothing: restart is never; ${byHand}`
    case 'gave-up':
      return `nothing: given up (${cause ?? 'no cause'}); ${byHand}`
    case 'deadline': {
      const at = next.at === null ? '' : ` at ${shortClock(Date.parse(next.at), nowMs)}`
      return `nothing, should it break off: its deadline was${at}; then ${byHand}`
    }
    default:
      return 'nothing, as long as its records cannot be read'
  }
}

/** `3 deaths: 2 SIGKILL, 1 api-error`. */
export function deathsHeading(deaths: readonly Death[]): string {
  const tally = new Map<string, number>()
  for (const one of deaths) tally.set(manner(one), (tally.get(manner(one)) ?? 0) + 1)
  const parts = [...tally].sort(([, a], [, b]) => b - a).map(([how, count]) => `${count} ${how}`)
  return `${deaths.length} ${deaths.length === 1 ? 'death' : 'deaths'}: ${parts.join(', ')}`
}

/** One line a death. */
export function deathLine(one: Death, nowMs: number): string {
  const who = one.attempt === null ? 'no attempt' : `attempt ${one.attempt}`
  const ran = one.ranMs === null ? '' : ` after ${formatWait(one.ranMs)}`
  const progress =
    one.attempt === null || one.progress === null ? '' : one.progress ? ', with progress' : ', no progress'
  const ago = formatDuration(nowMs - Date.parse(one.at))
  const why = one.reason === null ? '' : `: ${one.reason}`
  return `${who}  ${manner(one)}${ran}${progress}, ${ago} ago (${one.at})${why}`
}

/** How it died, in a word or two: the signal, the cause where one is known, else the exit code. */
function manner({ outcome, exit, cause }: Death): string {
  if (outcome === 'not-launched') return 'not launched'
  if (outcome === 'killed' || outcome === 'interrupted') return outcome
  if (exit && 'signal' in exit) return exit.signal
  if (cause !== null && cause !== 'crashed') return cause
  if (exit && exit.code !== 0) return `exit code ${exit.code}`
  return outcome
}

/** The policy on one line. */
export function policyLine(policy: Policy): string {
  const { stallAfterMs, onStall } = policy
  const stall = stallAfterMs === null ? [] : [`stalled after ${span(stallAfterMs)}: ${onStall}`]
  if (policy.restart === 'never') return ['restart never', ...stall].join(', ')
  return [
    `restart ${policy.restart}`,
    `backoff ${span(policy.backoffMs)}`,
    `deadline ${policy.deadlineMs === null ? 'none' : span(policy.deadlineMs)}`,
    `retries ${policy.maxRetries ?? 'without limit'}`,
    ...stall,
  ].join(', ')
}

const span = (ms: number) => (ms < 1_000 ? `${ms}ms` : formatWait(ms))

/** `15:04:05 (in 2m 10s)`, by the reader's clock. */
function moment(ms: number, nowMs: number): string {
  return `${day(ms, nowMs)}${clock(ms)} (in ${formatWait(ms - nowMs)})`
}

const clock = (ms: number) => new Date(ms).toTimeString().slice(0, 8)
const shortClock = (ms: number, nowMs: number) => `${day(ms, nowMs)}${clock(ms).slice(0, 5)}`

/** The date, where it is not today's. */
function day(ms: number, nowMs: number): string {
  const date = new Date(ms)
  if (date.toDateString() === new Date(nowMs).toDateString()) return ''
  const two = (value: number) => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} `
}
