// @ts-check
import { rest } from './clock.mjs'
import { cpuMs, pss, rss, sum, wakeUps } from './processes.mjs'

const MB = 1e6

/**
 * What processes cost while nothing happens, all at the same time, in several stretches of equal length.
 * @param {Readonly<Record<string, number>>} pids   By name.
 * @param {{ stretches: number, ms: number }} how
 * @returns {Promise<Record<string, { cpu: number[], wakeUps: number[], pss: number[], rss: number[] }>>}
 *   Percent of a core, times a second, MB.
 */
export async function observe(pids, { stretches, ms }) {
  const seen = Object.fromEntries(
    Object.keys(pids).map((name) => [
      name,
      {
        cpu: /** @type {number[]} */ ([]),
        wakeUps: /** @type {number[]} */ ([]),
        pss: /** @type {number[]} */ ([]),
        rss: /** @type {number[]} */ ([]),
      },
    ]),
  )
  for (let n = 0; n < stretches; n++) {
    const begun = performance.now()
    const before = countersOf(pids)
    await rest(ms)
    const after = countersOf(pids)
    const seconds = (performance.now() - begun) / 1000
    for (const [name, pid] of Object.entries(pids)) {
      const of = (/** @type {'cpu' | 'wakeUps'} */ what) =>
        (after[name]?.[what] ?? 0) - (before[name]?.[what] ?? 0)
      seen[name]?.cpu.push(of('cpu') / (seconds * 10))
      seen[name]?.wakeUps.push(of('wakeUps') / seconds)
      seen[name]?.pss.push(pss(pid) / MB)
      seen[name]?.rss.push(rss(pid) / MB)
    }
  }
  return seen
}

/** @param {Readonly<Record<string, number>>} pids */
const countersOf = (pids) =>
  Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => [name, { cpu: cpuMs(pid), wakeUps: wakeUps(pid) }]),
  )

/** What these processes have for themselves, MB. @param {readonly number[]} pids */
export const memoryOf = (pids) => sum(pids, pss) / MB
