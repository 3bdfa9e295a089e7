import { closeSync, fstatSync, readSync } from 'node:fs'
import { unless } from '../errors.ts'
import { openOwn } from '../system/durable.ts'

/** How much of a file is read at a time, bytes. */
export const CHUNK = 1 << 18
/** The text of a longer line is not looked at (bytes): no agent writes such a line, and beyond 512 MiB no string could hold one. */
const LONGEST = 1 << 27

/** A line of a file, without its `\n`, and the offsets (bytes) of its beginning and behind its end. */
export interface Line {
  readonly text: string
  readonly start: number
  readonly end: number
}

/**
 * The whole lines of a file between two offsets (bytes), split on `\n` alone. A last line without an end is given too where
 * `withTail` says so (the writer is known to be gone). `to` null: to the end that the file has now.
 */
export function readLines(path: string, from: number, to: number | null, withTail: boolean): Generator<Line> {
  return within(path, to, (fd, end) => forwards(fd, from, end, withTail))
}

/** The same lines, the last one first. Reads no more of the file than is asked for. */
export function readLinesBackwards(
  path: string,
  from: number,
  to: number | null,
  withTail: boolean,
): Generator<Line> {
  return within(path, to, (fd, end) => backwards(fd, from, end, withTail))
}

function* within(
  path: string,
  to: number | null,
  lines: (fd: number, end: number) => Generator<Line>,
): Generator<Line> {
  const fd = unless(['ENOENT'], null, () => openOwn(path))
  if (fd === null) return
  try {
    const { size } = fstatSync(fd)
    yield* lines(fd, Math.min(to ?? size, size))
  } finally {
    closeSync(fd)
  }
}

function* forwards(fd: number, from: number, to: number, withTail: boolean): Generator<Line> {
  const line = new Pieces()
  let start = from
  for (let at = from; at < to; ) {
    const chunk = readAt(fd, at, Math.min(CHUNK, to - at))
    if (chunk.length === 0) break
    let next = 0
    for (let newline = chunk.indexOf(10); newline >= 0; newline = chunk.indexOf(10, next)) {
      line.add(chunk.subarray(next, newline))
      next = newline + 1
      yield { text: line.take(), start, end: at + next }
      start = at + next
    }
    line.add(chunk.subarray(next))
    at += chunk.length
  }
  if (withTail && start < to) yield { text: line.take(), start, end: to }
}

function* backwards(fd: number, from: number, to: number, withTail: boolean): Generator<Line> {
  const line = new Pieces()
  let end = to
  // What is behind the last line's end is a line only where it counts without an end.
  let counts = withTail
  for (let at = to; at > from; ) {
    const chunk = readAt(fd, Math.max(from, at - CHUNK), Math.min(CHUNK, at - from))
    at = Math.max(from, at - CHUNK)
    let stop = chunk.length
    for (let newline = lastNewline(chunk, stop); newline >= 0; newline = lastNewline(chunk, stop)) {
      const start = at + newline + 1
      line.addBefore(chunk.subarray(newline + 1, stop))
      const text = line.take()
      if (counts && start < end) yield { text, start, end }
      end = start
      counts = true
      stop = newline
    }
    line.addBefore(chunk.subarray(0, stop))
  }
  if (counts && from < end) yield { text: line.take(), start: from, end }
}

/** A negative offset would count from the end. */
function lastNewline(chunk: Buffer, before: number): number {
  return before === 0 ? -1 : chunk.lastIndexOf(10, before - 1)
}

function readAt(fd: number, at: number, bytes: number): Buffer {
  const chunk = Buffer.allocUnsafe(bytes)
  return chunk.subarray(0, readSync(fd, chunk, 0, bytes, at))
}

/** A line that is put together of pieces; one that is too long is as good as empty. */
class Pieces {
  private pieces: Buffer[] = []
  private bytes = 0

  add(piece: Buffer): void {
    if (this.fits(piece)) this.pieces.push(piece)
  }

  addBefore(piece: Buffer): void {
    if (this.fits(piece)) this.pieces.unshift(piece)
  }

  private fits(piece: Buffer): boolean {
    this.bytes += piece.length
    if (this.bytes > LONGEST) this.pieces = []
    return this.bytes <= LONGEST
  }

  take(): string {
    const [first] = this.pieces
    const whole = this.pieces.length === 1 && first ? first : Buffer.concat(this.pieces)
    this.pieces = []
    this.bytes = 0
    return whole.toString('utf8')
  }
}
