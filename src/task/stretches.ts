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
  /** How many bytes of each file were dropped, in the stretch in which what is left of it begins; else 0. */
  readonly gap: Offsets
  /** A later attempt has begun: a last line without an end counts. */
  readonly closed: boolean
}

const NOTHING: Offsets = { events: 0, stderr: 0 }

/**
 * Which part of the output belongs to which attempt: it ends where the next one's begins. `read`: what lies before is not
 * wanted again; `kept`: what lies before was dropped. What an attempt without a readable claim printed goes to the one before it. Pure.
 */
export function stretchesOf(
  records: readonly AttemptRecord[],
  sizes: Offsets,
  read: Offsets = NOTHING,
  kept: Offsets = NOTHING,
): Stretch[] {
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
    return { record, to, closed: following !== undefined, ...cut(from, to, kept) }
  })
}

/** What is left of a stretch, and what is missing where the rest begins. */
function cut(from: Offsets, to: Offsets, kept: Offsets): Pick<Stretch, 'from' | 'gap'> {
  const begin = later(from, kept)
  const gap = (which: keyof Offsets) =>
    from[which] < begin[which] && begin[which] <= to[which] ? begin[which] : 0
  return {
    from: { events: Math.min(begin.events, to.events), stderr: Math.min(begin.stderr, to.stderr) },
    gap: { events: gap('events'), stderr: gap('stderr') },
  }
}

function offsetsOf({ claim }: AttemptRecord): Offsets | null {
  return claim && { events: claim.eventsOffset, stderr: claim.stderrOffset }
}

function later(a: Offsets, b: Offsets): Offsets {
  return { events: Math.max(a.events, b.events), stderr: Math.max(a.stderr, b.stderr) }
}
