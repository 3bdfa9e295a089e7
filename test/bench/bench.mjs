// @ts-check
/**
 * What rca costs beside what people would use instead, side by side in one run: `npm run bench`.
 *   node test/bench/bench.mjs [--short] [--only SECTION]... [--runs N] [--json FILE]
 * The ratios are what counts: they say the same on a slow machine as on a fast one. Nothing asserts any of it: a mark that is
 * missed is shown, and the exit code is 0 unless the bench itself breaks.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { machine } from './machine.mjs'
import { readOptions } from './options.mjs'
import { findMissing, PEERS } from './peers/index.mjs'
import { ALONE } from './sections/section.mjs'
import { table, verdicts } from './table.mjs'
import { dropCache, ripen } from './warm.mjs'
import { closeYards, makeYard } from './yard.mjs'

const options = readOptions(process.argv.slice(2))

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => leave())

try {
  await main()
} finally {
  dropCache()
}

async function main() {
  const missing = await findMissing()
  progress('caches are warmed')
  warm()
  console.log(`${machine()}; ${options.runs} rounds${options.short ? ', short' : ''}\n`)
  for (const [name, why] of Object.entries(missing)) {
    console.log(`Missing: ${PEERS[/** @type {keyof typeof PEERS} */ (name)].name} (${why}).\n`)
  }
  /** @type {Record<string, import('./table.mjs').Row[]>} */
  const results = {}
  for (const section of options.sections) results[section.name] = await measure(section, missing)
  conclude(results)
}

/**
 * @param {import('./sections/section.mjs').Section} section
 * @param {Awaited<ReturnType<typeof findMissing>>} missing
 */
async function measure(section, missing) {
  const begun = Date.now()
  // What the one before has written would hold up whoever waits for the disk now.
  spawnSync('sync')
  const tell = (/** @type {string} */ text) => progress(`${section.name}: ${text}`)
  const rows = await section.run({ ...options, missing, progress: tell })
  progress('')
  console.log(`### ${section.title} (\`${section.name}\`)\n\n${table(rows)}\n`)
  console.error(`${section.name}: ${Math.round((Date.now() - begun) / 1000)} s`)
  return rows
}

/** Somebody has had enough: nothing that was started stays. */
function leave() {
  closeYards()
  dropCache()
  process.exit(130)
}

/** With a yard of its own. */
function warm() {
  const yard = makeYard(ALONE)
  try {
    ripen(yard)
  } finally {
    yard.close()
  }
}

/** @param {Record<string, import('./table.mjs').Row[]>} results */
function conclude(results) {
  const marks = Object.values(results).map(verdicts)
  const ok = marks.reduce((total, one) => total + one.ok, 0)
  const missed = marks.reduce((total, one) => total + one.missed, 0)
  console.log(`Marks: ${ok} ok, ${missed} missed.`)
  if (options.json) {
    const { runs, short } = options
    writeFileSync(options.json, `${JSON.stringify({ machine: machine(), runs, short, results }, null, 1)}\n`)
  }
}

/** @param {string} text */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}
