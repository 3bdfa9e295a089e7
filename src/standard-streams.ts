import { fstatSync, writeSync } from 'node:fs'
import { errno } from './errors.ts'
import { tty } from './system/lazy.ts'

/**
 * Standard output and error without Node's streams, which take 3 ms to make. What is written is written when this returns,
 * however long a slow reader takes: nothing piles up.
 */
export function writeOut(data: string | Uint8Array): void {
  write(1, data, (error) => {
    throw error
  })
}

/** The same for remarks. That one finds no place, on a full disk, ends nothing. */
export function writeErr(text: string): void {
  write(2, text, () => {})
}

function write(fd: 1 | 2, data: string | Uint8Array, failed: (error: unknown) => void): void {
  let left: Uint8Array = typeof data === 'string' ? Buffer.from(data) : data
  try {
    while (left.length > 0) left = left.subarray(writeSync(fd, left))
  } catch (error) {
    const code = errno(error)
    // `rca logs | head`: whoever read has left. That is no error.
    if (code === 'EPIPE') process.exit()
    // Somebody made the pipe one that does not wait: Node knows how to.
    if (code === 'EAGAIN') writeWithStream(fd, left)
    else failed(error)
  }
}

function writeWithStream(fd: 1 | 2, bytes: Uint8Array): void {
  const stream = fd === 1 ? process.stdout : process.stderr
  if (stream.listenerCount('error') === 0) {
    stream.on('error', (error) => {
      if (errno(error) === 'EPIPE') process.exit()
      if (fd === 1) throw error
    })
  }
  stream.write(bytes)
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
