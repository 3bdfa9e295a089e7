import { ofType, withoutSecondEnds } from './entries.ts'
import type { Entry, EntryOf } from './schema.ts'

/** One follow-up of a task, as the journal tells it. */
export interface FollowUp {
  /** 1, 2, 3, … in the order in which they were sent. */
  readonly id: number
  readonly sha256: string
  readonly key: string | null
  /** RFC 3339. */
  readonly queuedAt: string
  /**
   * `queued`: its turn has not begun. `running`: its turn has begun and has not come to its good end, be it that an attempt is at
   * work or that one broke off. `done`: its turn ended well. `withdrawn`: its sender was told that it could not be started.
   */
  readonly state: 'queued' | 'running' | 'done' | 'withdrawn'
  /** The attempt that was fed it. */
  readonly attempt: number | null
}

/**
 * All follow-ups of a task, the first sent first. An attempt takes one from the queue once it is known to have run: when its end
 * is in the journal, or where it is `open` (the attempt that is under way). One that was called off, or whose claimant died
 * before it was made, has taken nothing; a conversation that is begun anew puts back what the lost one was at. Pure.
 */
export function followUpsOf(entries: readonly Entry[], open: number | null): FollowUp[] {
  const all = new Map<number, FollowUp>()
  if (!entries.some((one) => one.type === 'follow-up-queued')) return []
  const claims = new Map<number, EntryOf<'attempt-claimed'>>()
  for (const one of withoutSecondEnds(entries)) {
    if (one.type === 'attempt-claimed') claims.set(one.attempt, one)
    else if (one.type === 'follow-up-queued') all.set(one.id, queued(one))
    else if (one.type === 'follow-up-withdrawn') change(all, (it) => it.id === one.id, { state: 'withdrawn' })
    else if (one.type === 'attempt-ended' && one.outcome !== 'called-off') {
      begins(all, claims.get(one.attempt))
      if (one.outcome === 'completed') change(all, isRunning, { state: 'done' })
    }
  }
  if (open !== null) begins(all, claims.get(open))
  return [...all.values()]
}

/**
 * The follow-up whose turn it is: the oldest in the queue, where the last attempt that ran came to a good end. Null: there is
 * none, or a turn broke off and has to be gone on with first. Asked where no attempt is under way. Pure.
 */
export function followUpDue(entries: readonly Entry[]): FollowUp | null {
  const ends = ofType(withoutSecondEnds(entries), 'attempt-ended')
  if (ends.findLast((one) => one.outcome !== 'called-off')?.outcome !== 'completed') return null
  return followUpsOf(entries, null).find((one) => one.state === 'queued') ?? null
}

function queued({ id, sha256, key, at }: EntryOf<'follow-up-queued'>): FollowUp {
  return { id, sha256, key, queuedAt: at, state: 'queued', attempt: null }
}

const isRunning = (one: FollowUp) => one.state === 'running'

function begins(all: Map<number, FollowUp>, claim: EntryOf<'attempt-claimed'> | undefined): void {
  if (claim?.how === 'restart') change(all, isRunning, { state: 'queued', attempt: null })
  if (claim?.followUp === undefined) return
  const { followUp, attempt } = claim
  change(all, (one) => one.id === followUp, { state: 'running', attempt })
}

function change(all: Map<number, FollowUp>, which: (one: FollowUp) => boolean, to: Partial<FollowUp>): void {
  for (const one of all.values()) if (which(one)) all.set(one.id, { ...one, ...to })
}
