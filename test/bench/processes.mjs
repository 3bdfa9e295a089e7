// @ts-check
/** What the kernel says of processes: proc(5). */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** @param {string} path */
export function textOf(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** @param {number} pid */
export function end(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has gone.
  }
}

/** Whether it runs; a zombie does not.
 * @param {number} pid
 */
export const isAlive = (pid) => /\) [^ZX]/.test(textOf(`/proc/${pid}/stat`))

/** Every process that has this text in its environment.
 * @param {string} text
 */
export function processesWith(text) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => textOf(`/proc/${pid}/environ`).includes(text))
}

/** Bytes that a process has for itself, its part of what it shares included.
 * @param {number} pid
 */
export const pss = (pid) => 1024 * number(/^Pss:\s+(\d+) kB/m, textOf(`/proc/${pid}/smaps_rollup`))

/** Bytes in memory, what it shares counted whole.
 * @param {number} pid
 */
export const rss = (pid) => 1024 * number(/^VmRSS:\s+(\d+) kB/m, textOf(`/proc/${pid}/status`))

/** ms of CPU that all its threads have used so far.
 * @param {number} pid
 */
export const cpuMs = (pid) =>
  sum(threads(pid), (thread) => Number(textOf(join(thread, 'schedstat')).split(' ')[0]) / 1e6)

/** How often its threads went to sleep of their own accord: so often something woke them.
 * @param {number} pid
 */
export const wakeUps = (pid) =>
  sum(threads(pid), (thread) => number(/^voluntary_ctxt_switches:\s+(\d+)/m, textOf(join(thread, 'status'))))

/** Bytes that it had written to a disk, or will have once the page cache is flushed.
 * @param {number} pid
 */
export const written = (pid) => number(/^write_bytes: (\d+)/m, textOf(`/proc/${pid}/io`))

/** @param {number} pid */
function threads(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).map((id) => `/proc/${pid}/task/${id}`)
  } catch {
    return []
  }
}

/** @param {RegExp} pattern @param {string} text */
const number = (pattern, text) => Number(pattern.exec(text)?.[1] ?? 0)

/**
 * @template T
 * @param {readonly T[]} list
 * @param {(item: T) => number} of
 */
export const sum = (list, of) => list.reduce((total, item) => total + of(item), 0)
