import { closeSync, constants, existsSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive } from '../system/identity.ts'
import { pausePoint } from '../system/pause.ts'
import { readAttempt } from '../task/attempt.ts'
import { attemptFiles, files } from '../task/paths.ts'
import { until } from './startup.ts'

/**
 * A launch script whose agent did not end well waits a moment to be told what is next (see launch/script.ts). Whoever tells
 * it holds the lock of the session.
 */
export function isWaiting(dir: string, attempt: number): boolean {
  if (!existsSync(join(files.attempt(dir, attempt), attemptFiles.offer))) return false
  const { launcher } = readAttempt(dir, attempt)
  return launcher !== null && isAlive(launcher)
}

/** Has the launch script of an earlier attempt become that of the next one. False: it did not within a second. */
export async function handOver(dir: string, from: number, to: number): Promise<boolean> {
  if (from === 0 || !isWaiting(dir, from)) return false
  pausePoint('handing-over')
  if (!tell(dir, from, `go ${to}`)) return false
  const folder = files.attempt(dir, to)
  const begun = () => (existsSync(join(folder, attemptFiles.begun)) ? true : undefined)
  return (await until([folder], begun, { timeoutMs: 1_000, everyMs: 50 })) === true
}

/** Lets the launch script of an attempt end: the next one is not due yet, or never. */
export function letGo(dir: string, attempt: number): void {
  if (isWaiting(dir, attempt)) tell(dir, attempt, 'end')
}

const tell = (dir: string, attempt: number, words: string) =>
  write(join(files.attempt(dir, attempt), attemptFiles.next), `${words}\n`)

/** Into a FIFO that somebody reads. False: nobody does. */
function write(path: string, text: string): boolean {
  let fd: number
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch {
    return false
  }
  try {
    return writeSync(fd, text) === text.length
  } finally {
    closeSync(fd)
  }
}
