import { once } from 'node:events'
import { fstatSync, writeSync } from 'node:fs'
import { errno } from './errors.ts'
import { tty } from './system/lazy.ts'

/**
 * Standard output without Node's stream, which takes 3 ms to make: for what is said once. It is written when this returns, however
 * long a slow reader takes.
 */
export function writeOut(data: string | Uint8Array): void {
  write(1, data, (error) => {
    throw error
  })
}

/** The same of standard error, for remarks. That one finds no place, on a full disk, ends nothing. */
export function writeErr(text: string): void {
  write(2, text, () => {})
}

function write(fd: 1 | 2, data: string | Uint8Array, failed: (error: unknown) => void): void {
  let left: Uint8Array = typeof data === 'string' ? Buffer.from(data) : data
  // What comes later must not overtake what waits there.
  if (streamed.has(fd)) {
    streamOf(fd).write(left)
    return
  }
  try {
    while (left.length > 0) left = left.subarray(writeSync(fd, left))
  } catch (error) {
    const code = errno(error)
    // Whoever read has left. That is no error, and what is being done goes on all the same.
    if (code === 'EPIPE') return
    // Somebody made the pipe one that does not wait: Node knows how to.
    if (code === 'EAGAIN') streamOf(fd).write(left)
    else failed(error)
  }
}

/** Those that are written to with Node's streams by now. */
const streamed = new Set<number>()

function streamOf(fd: 1 | 2): NodeJS.WriteStream {
  streamed.add(fd)
  const stream = fd === 1 ? process.stdout : process.stderr
  if (stream.listenerCount('error') > 0) return stream
  return stream.on('error', (error) => {
    if (fd === 2) return
    if (errno(error) === 'EPIPE') process.exit()
    // Told to whoever waits for it, if anybody does.
    process.exitCode = 1
  })
}

/**
 * For what goes on and on: resolves when there is room for more, so that nothing piles up, and a signal is heard meanwhile.
 * Ends early with the signal.
 */
export async function streamOut(data: string | Uint8Array, signal: AbortSignal): Promise<void> {
  const written = new Promise<void>((resolve, reject) => {
    streamOf(1).write(data, (error) => {
      if (!error) resolve()
      // Left to the stream's own listener.
      else if (errno(error) !== 'EPIPE') reject(error)
    })
  })
  written.catch(() => {})
  const done = new AbortController()
  const stopped = once(signal, 'abort', { signal: done.signal }).catch(() => {})
  await (signal.aborted ? null : Promise.race([written, stopped]).finally(() => done.abort()))
}

/** Whether it is a terminal; most that are not are told from one without loading what knows. */
export function isTerminal(fd: 0 | 1 | 2): boolean {
  try {
    return fstatSync(fd).isCharacterDevice() && tty().isatty(fd)
  } catch {
    // It is closed.
    return false
  }
}
