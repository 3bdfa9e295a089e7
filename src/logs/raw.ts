import { attemptNumbers, readAttempt } from '../task/attempt.ts'
import { readLinesBackwards } from '../task/lines.ts'
import { readBytes } from '../task/output.ts'
import type { Kept } from './kept.ts'

/** A part of a file, bytes; `to` null: to its end. */
export interface Range {
  readonly from: number
  readonly to: number | null
}

/** The part of events.jsonl that an attempt printed, or all of it. */
export function rawRange(dir: string, attempt: number | null): Range {
  if (attempt === null) return { from: 0, to: null }
  const following = attemptNumbers(dir).find((number) => number > attempt)
  const offset = (number: number) => readAttempt(dir, number).claim?.eventsOffset ?? 0
  return { from: offset(attempt), to: following === undefined ? null : offset(following) }
}

/** Where the last `count` lines of a part of a file begin; `size`: where the part ends, bytes. */
export function tailStart(path: string, from: number, size: number, count: number): number {
  let start = Math.max(from, size)
  let left = count
  if (left === 0) return start
  for (const line of readLinesBackwards(path, from, size, true)) {
    start = line.start
    if (--left === 0) break
  }
  return start
}

/** A part of events.jsonl in pieces, each with where it ends; what is dropped while it is read is no output. */
export function* rawPieces(
  path: string,
  { from, to }: Range,
  kept: Kept,
): Generator<{ readonly bytes: Uint8Array; readonly end: number }> {
  let at = Math.max(from, kept.now().events)
  for (;;) {
    for (const bytes of readBytes(path, at, to)) {
      if (kept.now().events > at) break
      at += bytes.length
      yield { bytes, end: at }
    }
    const { events } = kept.now()
    if (events <= at) return
    at = events
  }
}
