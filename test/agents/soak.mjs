// @ts-check
import { parseArgs } from 'node:util'
import { installAgents } from './install.mjs'
import { runSoak } from './soak-agent.mjs'
import { renderSoak } from './soak-table.mjs'

/**
 * Random faults against the four real agents under the real monitor: `node test/agents/soak.mjs --faults 40 --seed N`. Every
 * task has to come to its good end, with every step done once but those that were cut, never two agents at a time, and nothing
 * left over. Exit code 1 where one did not.
 *
 * @typedef {import('./lab.mjs').AgentName} AgentName
 */

/** The slowest first, so that none is left over at the end. @type {AgentName[]} */
const ALL = ['opencode', 'claude', 'pi', 'codex']

const { values } = parseArgs({
  options: {
    faults: { type: 'string', default: '40' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    agents: { type: 'string', default: ALL.join(',') },
    /** How many agents at a time: two cores bear three. */
    lanes: { type: 'string', default: '3' },
    keep: { type: 'boolean', default: false },
  },
})

const seed = Number(values.seed)
console.log(`seed ${seed}, at least ${values.faults} faults per agent`)
await installAgents()
const waiting = ALL.filter((agent) => values.agents.split(',').includes(agent))
/** @type {import('./soak-agent.mjs').Soaked[]} */
const soaked = []
const begun = Date.now()
await Promise.all(Array.from({ length: Number(values.lanes) }, lane))
console.log(`\n${renderSoak(soaked)}`)
const wrong = soaked.flatMap(({ agent, violations }) => violations.map((one) => `${agent}: ${one}`))
for (const one of wrong) console.log(`VIOLATION ${one}`)
const seconds = Math.round((Date.now() - begun) / 1000)
console.log(
  `seed ${seed}, ${seconds} s: ${wrong.length === 0 ? 'all is well' : `${wrong.length} violations`}`,
)
process.exitCode = wrong.length === 0 ? 0 : 1

async function lane() {
  for (let agent = waiting.shift(); agent; agent = waiting.shift()) {
    soaked.push(await runSoak(agent, { seed, faults: Number(values.faults), keep: values.keep }))
  }
}
