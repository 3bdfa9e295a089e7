// @ts-check
/**
 * How long the verbs take beside `node -e 0`, measured side by side in one run: `npm run bench`.
 *   node test/bench/bench.mjs [--runs N] [--json FILE]
 * The ratios are what counts: they say the same on a slow machine as on a fast one. No test asserts any of it.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { makeBed } from './bed.mjs'
import { CASES } from './cases.mjs'
import { table } from './table.mjs'

const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '30' }, json: { type: 'string' } },
})

await main()

async function main() {
  const runs = Number(options.runs)
  const bed = makeBed()
  /** @type {Record<string, number[]>} */
  const times = Object.fromEntries(CASES.map(({ name }) => [name, []]))
  try {
    for (let round = -1; round < runs; round++) {
      for (const { name, run } of CASES) {
        const ms = run(bed)
        // The first round warms the caches.
        if (round >= 0) times[name]?.push(ms)
      }
      progress(`${round + 1} of ${runs} rounds`)
    }
  } finally {
    progress('')
    bed.close()
  }
  const machine = `Node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} CPUs, ${runs} rounds`
  console.log(table(CASES, times))
  console.log(machine)
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ machine, times })}\n`)
}

/** @param {string} text */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}
