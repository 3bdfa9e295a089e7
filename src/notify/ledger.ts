import { ofType } from '../task/entries.ts'
import type { ChannelRecord, Entry, EntryOf, Spec } from '../task/schema.ts'
import { type Occurrence, occurrencesOf } from './occurrences.ts'

/** What has become of one notice on one channel. */
export interface Delivery {
  readonly notice: Occurrence
  readonly channel: ChannelRecord
  readonly state: 'pending' | 'delivered' | 'gave-up'
  /** How often it was tried. */
  readonly tries: number
  /** When it was tried last, RFC 3339; of one that was delivered: when. */
  readonly triedAt: string | null
  /** Why the last try came to nothing. */
  readonly error: string | null
  /** Of one that is pending: when it is to be tried next, ms since the epoch. */
  readonly dueMs: number | null
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
/** The waits after the first, the second, … failed try; the last one from then on, ms. */
const DELAYS_MS = [SECOND, 5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR]
/** So long after its first failed try a notice is given up, ms, but not before so many: the machine may have slept meanwhile. */
const PATIENCE_MS = 24 * HOUR
const LEAST_TRIES = 10

type Try = EntryOf<'notified'>

/**
 * Every notice that somebody wants, by channel and in the order in which things happened, with what the journal says of its
 * delivery. Pure.
 */
export function ledgerOf(spec: Spec | null, entries: readonly Entry[]): Delivery[] {
  if (!spec?.notify || spec.notify.channels.length === 0) return []
  const occurrences = occurrencesOf(spec, entries)
  const tries = ofType(entries, 'notified')
  return spec.notify.channels.flatMap((channel) => {
    const mine = tries.filter((one) => one.channel === channel.name)
    return occurrences
      .filter((notice) => channel.on.includes(notice.event))
      .map((notice) => deliveryOf(notice, channel, mine))
      .filter((one) => !isStale(one, occurrences))
  })
}

export const isPending = ({ state }: Delivery) => state === 'pending'

/** Whether anything is left to deliver. Pure. */
export function hasPending(spec: Spec | null, entries: readonly Entry[]): boolean {
  return ledgerOf(spec, entries).some(isPending)
}

function deliveryOf(notice: Occurrence, channel: ChannelRecord, tries: readonly Try[]): Delivery {
  const own = tries.filter((one) => one.notice === notice.id)
  const last = own.at(-1)
  const settled = own.find((one) => one.outcome !== 'failed')
  const about = { notice, channel, tries: own.length, error: settled?.error ?? last?.error ?? null }
  if (!settled) return { ...about, state: 'pending', triedAt: last?.at ?? null, dueMs: dueMs(own, tries) }
  const state = settled.outcome === 'delivered' ? 'delivered' : 'gave-up'
  return { ...about, state, triedAt: settled.at, dueMs: null }
}

/** Nobody wants to hear what a task did before the thing that they have heard of. */
function isStale({ notice, state, tries }: Delivery, occurrences: readonly Occurrence[]): boolean {
  const isOld = notice.event === 'progress' && occurrences.at(-1) !== notice
  return isOld && (state === 'pending' || tries === 0)
}

/**
 * A notice that was never tried is due at once. After a failure it waits longer each time, but not longer than until
 * something else gets through on the same channel.
 */
function dueMs(own: readonly Try[], all: readonly Try[]): number {
  const last = own.at(-1)
  if (!last) return 0
  const lastMs = Date.parse(last.at)
  const through = all.slice(all.indexOf(last) + 1).find((one) => one.outcome === 'delivered')
  if (through) return Date.parse(through.at)
  const delay = DELAYS_MS[Math.min(own.length, DELAYS_MS.length) - 1] ?? HOUR
  const notBefore = last.notBefore ? Date.parse(last.notBefore) : 0
  return Math.max(lastMs + delay, Math.min(notBefore, lastMs + HOUR))
}

/** How long until it is to be tried, ms. A try that seems to lie ahead was dated by a clock that has been set back since. Pure. */
export function waitMs({ dueMs, triedAt }: Delivery, nowMs: number): number {
  if (dueMs === null) return Number.POSITIVE_INFINITY
  return triedAt !== null && Date.parse(triedAt) > nowMs ? 0 : Math.max(0, dueMs - nowMs)
}

/** Whether a notice that has just failed again is worth no further try. Pure. */
export function isWornOut(
  entries: readonly Entry[],
  notice: string,
  channel: string,
  nowMs: number,
): boolean {
  const own = ofType(entries, 'notified').filter((one) => one.notice === notice && one.channel === channel)
  const [first] = own
  if (!first || own.length < LEAST_TRIES) return false
  return nowMs - Date.parse(first.at) >= PATIENCE_MS
}
