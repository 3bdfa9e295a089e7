// @ts-check

import { join } from 'node:path'
import { attemptsAlive, read, taskId } from './processes.mjs'

/**
 * Steps that say in the project's file `ledger` when they begin and end, and in which attempt; and a look at all processes
 * all the while.
 *
 * @typedef {{ step: number, what: 'began'|'ended', attempt: number }} Line
 */

/** How often the processes are looked at, ms. */
const EVERY_MS = 25

/**
 * @param {number} n
 * @param {string} [middle]  What the step does between.
 */
export const noted = (n, middle = '') => ({
  command: `${say(n, 'began')}; ${middle}${say(n, 'ended')}`,
})

/** The same; it ends once the project has the file `pass-<n>`. @param {number} n */
export const gated = (n) => noted(n, `while [ ! -e pass-${n} ]; do sleep 0.1; done; `)

/** @param {number} n @param {string} what */
const say = (n, what) => `echo "${n} ${what} $RCA_ATTEMPT" >> ledger`

/** @param {string} project @returns {Line[]} */
export function readLedger(project) {
  const lines = (read(join(project, 'ledger')) ?? '').split('\n').filter((line) => line !== '')
  return lines.map((line) => {
    const [, step, what, attempt] = /^(\d+) (began|ended) \S+:(\d+)$/.exec(line) ?? []
    if (!step || !what || !attempt) throw new Error(`not a line of a ledger: ${line}`)
    return { step: Number(step), what: what === 'began' ? 'began' : 'ended', attempt: Number(attempt) }
  })
}

/**
 * What a ledger shows that must not be: a step that did not end, one that ended again although it was not cut, one that an
 * older attempt worked on after a newer one had begun. Pure.
 * @param {Line[]} lines
 * @param {number} steps
 * @param {ReadonlyMap<number, number>} [cut]   How often a step's end was so fresh that its agent may not have kept it.
 * @returns {string[]}
 */
export function wrongIn(lines, steps, cut = new Map()) {
  const wrong = []
  for (let n = 1; n <= steps; n++) {
    const ends = lines.filter((one) => one.step === n && one.what === 'ended').length
    if (ends === 0) wrong.push(`step ${n} did not end`)
    if (ends > 1 + (cut.get(n) ?? 0)) wrong.push(`step ${n} ended ${ends} times`)
  }
  const late = lines.filter((one, i) => lines.slice(0, i).some((before) => before.attempt > one.attempt))
  wrong.push(...late.map((one) => `attempt ${one.attempt} was still at step ${one.step} after a newer one`))
  return wrong
}

/** How often a step was begun, or ended, again. Pure. @param {Line[]} lines @param {Line['what']} [what] */
export function repeats(lines, what = 'began') {
  const steps = lines.filter((one) => one.what === what).map((one) => one.step)
  return steps.length - new Set(steps).size
}

/**
 * Looks at all processes again and again. `stop` gives every moment at which two attempts of the task were alive at once.
 * @param {string} taskDir
 */
export function watchAttempts(taskDir) {
  const id = taskId(taskDir)
  /** @type {string[]} */
  const doubled = []
  const timer = setInterval(() => {
    if (attemptsAlive(id).size < 2) return
    // One may have ended, and the next begun, between two of the processes that were looked at.
    const alive = attemptsAlive(id)
    if (alive.size < 2) return
    const pids = [...alive].map(([attempt, list]) => `${attempt}: ${list.join(' ')}`)
    doubled.push(`attempts at once: ${pids.join('; ')}`)
  }, EVERY_MS)
  return {
    stop: () => {
      clearInterval(timer)
      return doubled
    },
  }
}
