// @ts-check
/**
 * Where the time of a verb goes, as a picture: npm run profile
 *   node test/bench/profile.mjs start|list OUT.svg [--runs N]
 * V8's own profiles of some twenty runs, taken together; for `start` also what happens outside its process.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { rca } from './peers/rca.mjs'
import { populate } from './population.mjs'
import { buildReadable } from './profile/build.mjs'
import { picture } from './profile/picture.mjs'
import { timeline } from './profile/timeline.mjs'
import { treeOf, withoutWaiting } from './profile/tree.mjs'
import { ALONE } from './sections/section.mjs'
import { ageCache } from './warm.mjs'
import { makeYard } from './yard.mjs'

const TASKS = 1_000
const NAME = 'profile'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '20' } },
})
const [verb = '', out = ''] = positionals
if (!['start', 'list'].includes(verb) || !out) throw new Error('profile.mjs start|list OUT.svg [--runs N]')

const yard = makeYard(ALONE)
try {
  await main()
} finally {
  yard.close()
}

async function main() {
  const runs = Number(options.runs)
  const bin = buildReadable(join(yard.dir, 'readable'))
  if (verb === 'list') populate(yard, TASKS, 100)
  const profiles = await profiled(bin, runs)
  const steps = verb === 'start' ? await timeline(yard, bin, runs) : []
  const what =
    verb === 'list' ? `rca list --json, ${TASKS.toLocaleString('en')} tasks of 100 days` : 'rca start'
  const mean = `mean of ${runs} runs under V8's profiler, Node ${process.version}`
  const stepsTitle = `Until the agent runs, and until it returns: medians of ${runs} runs; the kernel stamps files to 4 ms`
  writeFileSync(out, picture(`${what}: ${mean}`, withoutWaiting(treeOf(profiles, what)), steps, stepsTitle))
  console.log(`${out}: ${runs} runs`)
}

/**
 * @param {string} bin
 * @param {number} runs
 */
async function profiled(bin, runs) {
  const dir = join(yard.dir, 'profiles')
  const runner = await rca.open(yard)
  const args =
    verb === 'list' ? ['list', '--json'] : ['start', 'codex', NAME, '-p', 'x', '-C', yard.work(NAME)]
  const prof = ['--cpu-prof', '--cpu-prof-interval', '100', '--cpu-prof-dir', dir]
  const profiles = []
  for (let run = -5; run < runs; run++) {
    mkdirSync(dir)
    if (run <= 0) ageCache(join(yard.dir, 'home'))
    const { status, stderr, pid } = spawnSync(process.execPath, [...prof, bin, ...args], {
      cwd: yard.dir,
      env: yard.env,
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`rca ${args.join(' ')}: exit code ${status}\n${stderr}`)
    const file = readdirSync(dir).find((name) => name.includes(`.${pid}.`)) ?? ''
    // The first fill rca's caches.
    if (run >= 0) profiles.push(JSON.parse(readFileSync(join(dir, file), 'utf8')))
    rmSync(dir, { recursive: true })
    if (verb === 'start') runner.forget(NAME)
  }
  return profiles
}
