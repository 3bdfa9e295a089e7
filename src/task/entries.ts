import type { Entry, EntryOf } from './schema.ts'

/** Questions to the entries of one journal. All pure. */

/** Two observers may record the same end: the first counts. */
export function firstOfEach(ends: readonly EntryOf<'attempt-ended'>[]): EntryOf<'attempt-ended'>[] {
  const seenBefore = new Set<number>()
  return ends.filter((one) => !seenBefore.has(one.attempt) && seenBefore.add(one.attempt))
}

/** The same entries less the second records of an end, which say nothing new, however late they come. */
export function withoutSecondEnds(entries: readonly Entry[]): Entry[] {
  const first = new Set<Entry>(firstOfEach(ofType(entries, 'attempt-ended')))
  return entries.filter((one) => one.type !== 'attempt-ended' || first.has(one))
}

export function ofType<T extends Entry['type']>(entries: readonly Entry[], type: T): EntryOf<T>[] {
  return entries.filter((one): one is EntryOf<T> => one.type === type)
}

/** Whether a claim came to nothing and whoever made it, for what they sent, was told so: then nobody has asked for anything. */
export function wasTakenBack(entries: readonly Entry[], at: number): boolean {
  const end = entries.findIndex((one, index) => index > at && one.type === 'follow-up-withdrawn')
  if (end < 0) return false
  const off = new Set(
    ofType(entries, 'attempt-ended').flatMap((one) => (one.outcome === 'called-off' ? one.attempt : [])),
  )
  return ofType(entries.slice(at, end), 'attempt-claimed').every((one) => off.has(one.attempt))
}

/** The place of the newest claim that somebody stands by; -1: there is none. */
export function newestClaim(entries: readonly Entry[]): number {
  return entries.findLastIndex((one, at) => one.type === 'attempt-claimed' && !wasTakenBack(entries, at))
}

/** Whether a kill was asked for after the newest claim. */
export function killRequested(entries: readonly Entry[]): boolean {
  const claim = newestClaim(entries)
  return entries.findLastIndex((one) => one.type === 'kill-requested') > claim
}

/** The `killed` entry, unless an attempt was claimed after it. */
export function killedAfterLastClaim(entries: readonly Entry[]): EntryOf<'killed'> | null {
  const claim = newestClaim(entries)
  const index = entries.findLastIndex((one) => one.type === 'killed')
  const entry = entries[index]
  return entry?.type === 'killed' && index > claim ? entry : null
}

/** Whether somebody asked for its end, and that was not brought about. */
export const isKillOpen = (entries: readonly Entry[]) =>
  killRequested(entries) && killedAfterLastClaim(entries) === null

/** The monitor's word that the agent of this attempt has stalled, unless it has gone on since. */
export function stallNoted(entries: readonly Entry[], attempt: number): EntryOf<'stalled'> | null {
  const last = entries.findLast((one) => one.type === 'stalled' || one.type === 'active')
  return last?.type === 'stalled' && last.attempt === attempt ? last : null
}
