import { closeSync, fstatSync, readSync, statSync } from 'node:fs'
import type { Driver } from '../agents/driver.ts'
import type { AgentEvent, EventSummary } from '../agents/event.ts'
import { addEvent, EMPTY_SUMMARY } from '../agents/summary.ts'
import { unless } from '../errors.ts'
import { openOwn } from '../system/durable.ts'
import { CHUNK, readLines } from './lines.ts'
import { files } from './paths.ts'

/** The bytes of a file between two offsets, in pieces. `to` null: to the end that the file has now. */
export function* readBytes(path: string, from: number, to: number | null): Generator<Uint8Array> {
  const fd = unless(['ENOENT'], null, () => openOwn(path))
  if (fd === null) return
  try {
    const end = to ?? fstatSync(fd).size
    for (let at = from; at < end; ) {
      const chunk = Buffer.alloc(Math.min(CHUNK, end - at))
      const got = readSync(fd, chunk, 0, chunk.length, at)
      if (got === 0) return
      at += got
      yield chunk.subarray(0, got)
    }
  } finally {
    closeSync(fd)
  }
}

/** The last `bytes` of a part of a file, as text. */
export function readTail(path: string, from: number, bytes: number): string {
  const fd = unless(['ENOENT'], null, () => openOwn(path))
  if (fd === null) return ''
  try {
    const { size } = fstatSync(fd)
    const start = Math.max(from, size - bytes)
    const buffer = Buffer.alloc(Math.max(0, size - start))
    const got = readSync(fd, buffer, 0, buffer.length, start)
    return buffer.toString('utf8', 0, got)
  } finally {
    closeSync(fd)
  }
}

export function sizeOf(path: string): number {
  return unless(['ENOENT'], 0, () => statSync(path).size)
}

/** When the agent last printed anything, ms since the epoch; 0: never. */
export function lastOutputMs(dir: string): number {
  const time = (path: string) =>
    unless(['ENOENT'], 0, () => (statSync(path).size > 0 ? statSync(path).mtimeMs : 0))
  return Math.max(time(files.events(dir)), time(files.stderr(dir)))
}

/** The events of one stretch of events.jsonl and, where the driver reads it, of stderr.log. */
function* readEvents(dir: string, driver: Driver, range: OutputRange): Generator<AgentEvent> {
  const { ended } = range
  for (const { text } of readLines(files.events(dir), range.events, range.eventsEnd, ended))
    yield* driver.parse(text)
  const parseStderr = driver.parseStderr?.bind(driver)
  if (!parseStderr) return
  for (const { text } of readLines(files.stderr(dir), range.stderr, range.stderrEnd, ended))
    yield* parseStderr(text)
}

/** Byte offsets of what one attempt printed; a null end is the file's. */
export interface OutputRange {
  readonly events: number
  readonly eventsEnd: number | null
  readonly stderr: number
  readonly stderrEnd: number | null
  /** Nothing more will be written: a last line without an end counts. */
  readonly ended: boolean
}

export const WHOLE: OutputRange = { events: 0, eventsEnd: null, stderr: 0, stderrEnd: null, ended: true }

export function summarizeOutput(dir: string, driver: Driver, range: OutputRange): EventSummary {
  let summary = EMPTY_SUMMARY
  for (const event of readEvents(dir, driver, range)) summary = addEvent(summary, event)
  return summary
}
