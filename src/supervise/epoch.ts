import { wasTakenBack, withoutSecondEnds } from '../task/entries.ts'
import { followUpDue } from '../task/follow-ups.ts'
import type { Entry } from '../task/schema.ts'
import type { History } from './next.ts'

/** From when on what happened to a task counts for what becomes of it. All pure. */

export interface Epoch {
  readonly startMs: number
  readonly entries: readonly Entry[]
}

/** What happened since a person last asked for what is next, each end once: with a follow-up it is asked for as its turn comes. */
export function epoch(history: History): Epoch {
  const since = asked(history)
  const due = followUpDue(history.entries)
  if (!due) return since
  const index = since.entries.findLastIndex(
    (one) => one.type === 'attempt-ended' && one.outcome === 'completed',
  )
  const endMs = Date.parse(since.entries[index]?.at ?? '') || 0
  // Somebody may have asked for it again, long after it was sent.
  const startMs = Math.max(endMs, Date.parse(due.queuedAt), index < 0 ? since.startMs : 0)
  return { startMs, entries: since.entries.slice(index + 1) }
}

/** What happened since a person last asked for an attempt, itself or with a follow-up that was begun. */
export function asked(history: History): Epoch {
  const { createdMs } = history
  const entries = withoutSecondEnds(history.entries)
  const due = followUpDue(entries)?.id
  const index = entries.findLastIndex(
    (one, at) =>
      one.type === 'attempt-claimed' &&
      (one.by !== 'monitor' || isFirstOf(entries, at, due)) &&
      !wasTakenBack(entries, at),
  )
  const entry = entries[index]
  return entry
    ? { startMs: Date.parse(entry.at), entries: entries.slice(index) }
    : { startMs: createdMs, entries }
}

/** The first attempt to deliver a follow-up, unless that came to nothing and it is still due. */
function isFirstOf(entries: readonly Entry[], at: number, due: number | undefined): boolean {
  const followUp = followUpIn(entries[at])
  return (
    followUp !== undefined &&
    followUp !== due &&
    !entries.slice(0, at).some((one) => followUpIn(one) === followUp)
  )
}

const followUpIn = (one: Entry | undefined) => (one?.type === 'attempt-claimed' ? one.followUp : undefined)

/** Whether somebody asked for its end. */
export const wasKilled = (entries: readonly Entry[]) =>
  entries.some((one) => one.type === 'killed' || one.type === 'kill-requested')
