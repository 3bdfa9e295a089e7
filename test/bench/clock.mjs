// @ts-check

/** ms since the epoch, as finely as `date +%s%N` of the programs that are measured. */
export const now = () => performance.timeOrigin + performance.now()

/** @param {number} ms */
export function pause(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** The same without holding up what else is under way.
 * @param {number} ms
 */
export const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Looks every 0.2 ms until `check` gives something, for 20 s at most.
 * @template T
 * @param {() => T | null | undefined | false | 0 | ''} check
 * @param {string} what
 * @param {number} [ms]
 * @returns {T}
 */
export function until(check, what, ms = 20_000) {
  const deadline = Date.now() + ms
  for (;;) {
    const found = check()
    if (found) return found
    if (Date.now() > deadline) throw new Error(`waited ${ms / 1000} s in vain for ${what}`)
    pause(0.2)
  }
}
