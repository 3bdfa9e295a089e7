import { closeSync, fstatSync, readSync, statSync } from 'node:fs'
import { unless } from '../errors.ts'
import { openOwn } from '../system/durable.ts'
import { CHUNK } from './lines.ts'
import { files } from './paths.ts'
import type { Offsets } from './stretches.ts'

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

export function sizesOf(dir: string): Offsets {
  return { events: sizeOf(files.events(dir)), stderr: sizeOf(files.stderr(dir)) }
}

/** When the agent last printed anything, ms since the epoch; 0: never. */
export function lastOutputMs(dir: string): number {
  const time = (path: string) =>
    unless(['ENOENT'], 0, () => (statSync(path).size > 0 ? statSync(path).mtimeMs : 0))
  return Math.max(time(files.events(dir)), time(files.stderr(dir)))
}
