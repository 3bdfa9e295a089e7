// @ts-check
/** Where the time of `rca start` goes outside its own process, from the times of the files that each step leaves. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { takeStamp } from '../agent.mjs'
import { now } from '../clock.mjs'
import { rca, taskDirs } from '../peers/rca.mjs'
import { summary } from '../table.mjs'
import { ageCache } from '../warm.mjs'

const NAME = 'profile'
const WARM = 5
const STEPS = [
  'Node is up',
  'code loaded, request checked',
  'records written',
  'tmux: a session, its shell, the typed line',
  'launch script',
  "agent script, the agent's first act",
  'rca sees that it runs, and returns',
]

/**
 * @param {import('../yard.mjs').Yard} yard
 * @param {string} bin   rca's.
 * @param {number} runs
 * @returns {Promise<import('./picture.mjs').Step[]>}   Medians.
 */
export async function timeline(yard, bin, runs) {
  const up = join(yard.dir, 'up')
  const stamped = join(dirname(bin), 'stamped.js')
  const stamp = `require('fs').writeFileSync(${JSON.stringify(up)}, String(performance.timeOrigin + performance.now()))`
  writeFileSync(stamped, readFileSync(bin, 'utf8').replace('\n', `\n${stamp}\n`))
  /** @type {number[][]} */
  const all = STEPS.map(() => [])
  for (let run = -WARM; run < runs; run++) {
    if (run <= 0) ageCache(join(yard.dir, 'home'))
    const moments = await once(yard, [process.execPath, stamped], up)
    if (run < 0) continue
    for (const [n, steps] of all.entries()) steps.push(Math.max(0, (moments[n + 1] ?? 0) - (moments[n] ?? 0)))
  }
  return STEPS.map((name, n) => ({ name, ms: summary(all[n] ?? []).median }))
}

/**
 * @param {import('../yard.mjs').Yard} yard
 * @param {string[]} call
 * @param {string} up
 */
async function once(yard, call, up) {
  const folder = yard.work(NAME)
  const runner = await rca.open(yard)
  rmSync(up, { force: true })
  const begun = now()
  yard.must([...call, 'start', 'codex', NAME, '-p', 'x', '-C', folder])
  const returned = now()
  const [dir = ''] = taskDirs(yard.state, `codex-${NAME}`)
  const stamped = (/** @type {string} */ path) => statSync(join(dir, path)).mtimeMs
  const files = ['prompt', 'attempts/1/launch', 'attempts/1/begun', 'attempts/1/process'].map(stamped)
  const moments = [begun, Number(readFileSync(up, 'utf8')), ...files, takeStamp(folder), returned]
  runner.forget(NAME)
  return moments
}
