import type { AttemptRecord } from './attempt.ts'

/** Places in events.jsonl and stderr.log, bytes. */
export interface Offsets {
  readonly events: number
  readonly stderr: number
}

/** What one attempt printed, as far as it is not read yet. */
export interface Stretch {
  readonly record: AttemptRecord
  readonly from: Offsets
  readonly to: Offsets
  /** A later attempt has begun: a last line without an end counts. */
  readonly closed: boolean
}

/**
 * Which part of the output belongs to which attempt: it ends where the next one's begins. `read`: what lies before is not
 * wanted again. What an attempt without a readable claim printed goes to the one before it. Pure.
 */
export function stretchesOf(records: readonly AttemptRecord[], sizes: Offsets, read: Offsets): Stretch[] {
  let done = read
  return records.map((record, index) => {
    const begin = offsetsOf(record)
    const from = begin === null ? done : later(begin, done)
    const following = records
      .slice(index + 1)
      .map(offsetsOf)
      .find((one) => one !== null)
    const to = later(following ?? sizes, from)
    done = to
    return { record, from, to, closed: following !== undefined }
  })
}

function offsetsOf({ claim }: AttemptRecord): Offsets | null {
  return claim && { events: claim.eventsOffset, stderr: claim.stderrOffset }
}

function later(a: Offsets, b: Offsets): Offsets {
  return { events: Math.max(a.events, b.events), stderr: Math.max(a.stderr, b.stderr) }
}
