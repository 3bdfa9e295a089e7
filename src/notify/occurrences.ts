import { GAVE_UP, nextStep } from '../supervise/next.ts'
import { ofType, withoutSecondEnds } from '../task/entries.ts'
import { followUpDue } from '../task/follow-ups.ts'
import { policyOf } from '../task/policy.ts'
import type { Entry, EntryOf, Spec } from '../task/schema.ts'
import type { NoticeEvent } from './events.ts'

/** Something that happened to a task and that somebody may want to hear of. */
export interface Occurrence {
  /** `<task id>.<attempt>.<event>`, for what can happen again in one attempt `.<count>`: whoever reads the journal gets the same. */
  readonly id: string
  readonly event: NoticeEvent
  /** RFC 3339. */
  readonly at: string
  readonly attempt: number
  /** Why, in words: the agent's, the provider's or rca's. */
  readonly reason: string | null
  readonly hint: string | null
  readonly cause: string | null
  /** Of `waiting`: until when, RFC 3339. */
  readonly until: string | null
}

type About = Partial<Pick<Occurrence, 'reason' | 'hint' | 'cause' | 'until'>>

/** What one entry tells of. Of two with the same key the second says nothing new. */
interface Draft {
  readonly event: NoticeEvent | 'begun'
  readonly attempt: number
  readonly key: string
  readonly at: string
  readonly about: About
}

/** These can happen again in the same attempt. */
const REPEATABLE: ReadonlySet<string> = new Set(['waiting', 'stalled', 'progress'])

/**
 * Reads from a task's journal what has happened to it. The entry that tells of a change of state is the record of its
 * notice: there is no moment at which one is on disk and the other is not. Pure, and the same whoever asks and when.
 */
export function occurrencesOf(spec: Spec, journal: readonly Entry[]): Occurrence[] {
  const entries = withoutSecondEnds(journal)
  const drafts = entries.flatMap((entry, index) => draftsOf(spec, entries, entry, index))
  const keys = new Set<string>()
  return numbered(
    spec.id,
    drafts.filter(({ key }) => !keys.has(key) && keys.add(key)),
  )
}

function numbered(taskId: string, drafts: readonly Draft[]): Occurrence[] {
  const counts = new Map<string, number>()
  return drafts.map(({ event: drafted, attempt, at, about }) => {
    const first = drafts.find((one) => one.event === 'begun')?.attempt === attempt
    const event = drafted === 'begun' ? (first ? 'started' : 'resumed') : drafted
    const place = `${taskId}.${attempt}.${event}`
    const count = (counts.get(place) ?? 0) + 1
    counts.set(place, count)
    const id = REPEATABLE.has(event) ? `${place}.${count}` : place
    const nothing = { reason: null, hint: null, cause: null, until: null }
    return { id, event, at, attempt, ...nothing, ...about }
  })
}

function draftsOf(spec: Spec, entries: readonly Entry[], entry: Entry, index: number): Draft[] {
  const { at } = entry
  const attempt = attemptOf(entries, entry, index)
  const draft = (event: Draft['event'], about: About = {}, key = event as string): Draft[] => [
    { event, attempt, key: `${attempt} ${key}`, at, about },
  ]
  switch (entry.type) {
    case 'attempt-started':
    case 'agent-session':
      return draft('begun')
    case 'attempt-ended': {
      if (entry.outcome === 'called-off') return []
      const next = sequel(spec, entries, index)
      const { event, ...about } = endOf(entry, next)
      // Of a limit that is waited for the wait is told.
      const isLimit = event === 'crashed' && entry.cause === 'usage-limit'
      // A turn behind which a follow-up waits is not the end, whatever becomes of that.
      const isTurn = event === 'done' && followUpDue(entries.slice(0, index + 1)) !== null
      // Whoever was to write down that it has begun may have been killed before.
      return [...draft('begun'), ...(isLimit || isTurn ? [] : draft(event, about))]
    }
    case 'recovery-failed':
    case 'gave-up': {
      const next = entry.type === 'gave-up' ? entry : sequel(spec, entries, index)
      return 'cause' in next ? draft(eventOfGivingUp(next), aboutGivingUp(next)) : []
    }
    case 'waiting':
      // Two observers may both have written down the same wait.
      return draft('waiting', { until: entry.until, reason: entry.reason }, `waiting ${entry.until}`)
    case 'stalled':
      return draft('stalled', { reason: entry.evidence }, `stalled ${index}`)
    case 'progress':
      return draft('progress', { reason: entry.text }, `progress ${index}`)
    case 'follow-up-withdrawn':
      return lastTurn(entries.slice(0, index + 1)).map(({ attempt: turn, reason, hint }) => {
        return { event: 'done', attempt: turn, key: `${turn} done`, at, about: { reason, hint } }
      })
    case 'killed':
      return hasDone(entries, index) ? [] : draft('killed', { reason: `killed by ${entry.by}` })
    default:
      return []
  }
}

/** The attempt that an entry names, or the newest one before it. */
function attemptOf(entries: readonly Entry[], entry: Entry, index: number): number {
  if ('attempt' in entry && typeof entry.attempt === 'number') return entry.attempt
  return ofType(entries.slice(0, index), 'attempt-claimed').at(-1)?.attempt ?? 0
}

/** A kill that found the task's work done changes nothing about that; where a follow-up was still to come it was not. */
function hasDone(entries: readonly Entry[], index: number): boolean {
  const known = entries.slice(0, index)
  return ofType(known, 'attempt-ended').at(-1)?.outcome === 'completed' && followUpDue(known) === null
}

/** The turn that has turned out to be the last one, for what was to follow was taken back; empty: it is not. */
function lastTurn(known: readonly Entry[]): EntryOf<'attempt-ended'>[] {
  const ends = ofType(known, 'attempt-ended').filter((one) => one.outcome !== 'called-off')
  return followUpDue(known) === null ? ends.slice(-1).filter((one) => one.outcome === 'completed') : []
}

type GivingUp = Pick<EntryOf<'gave-up'>, 'cause' | 'reason' | 'hint'>
/** What is to become of a task after one of its entries. */
type Sequel =
  | { readonly kind: 'again' | 'over' }
  | { readonly kind: 'killed'; readonly by: string }
  | GivingUp

function sequel(spec: Spec, entries: readonly Entry[], index: number): Sequel {
  const known = entries.slice(0, index + 1)
  const kill = known.findLast((one) => one.type === 'attempt-claimed' || one.type === 'kill-requested')
  if (kill?.type === 'kill-requested') return { kind: 'killed', by: kill.by }
  const next = entries.slice(index + 1).find((one) => one.type === 'attempt-claimed')
  const entry = entries[index]
  const isDone = entry?.type === 'attempt-ended' && entry.outcome === 'completed'
  // The monitor goes on with nothing that has failed for good: no need to reckon that again.
  if (!isDone && next?.type === 'attempt-claimed' && next.by === 'monitor') return { kind: 'again' }
  const { id: taskId, session, createdAt } = spec
  const createdMs = Date.parse(createdAt)
  const step = nextStep({ taskId, session, createdMs, policy: policyOf(spec), entries: known })
  return step.kind === 'gave-up' ? step : { kind: step.kind }
}

function endOf(end: EntryOf<'attempt-ended'>, next: Sequel): About & { event: NoticeEvent } {
  const { reason, hint, cause, outcome } = end
  if (outcome === 'completed') return { event: 'done', reason, hint }
  if ('kind' in next && next.kind === 'killed') return { event: 'killed', reason: `killed by ${next.by}` }
  if (outcome === 'interrupted' || outcome === 'killed') return { event: 'killed', reason }
  if ('cause' in next) return { event: eventOfGivingUp(next), ...aboutGivingUp(next) }
  return { event: next.kind === 'again' ? 'crashed' : 'failed', reason, hint, cause }
}

/** rca's own giving up is told from a cause that no further attempt can heal. */
const eventOfGivingUp = ({ cause }: GivingUp): NoticeEvent => (GAVE_UP.has(cause) ? 'gave-up' : 'failed')

const aboutGivingUp = ({ cause, reason, hint }: GivingUp): About => ({ cause, reason, hint })
