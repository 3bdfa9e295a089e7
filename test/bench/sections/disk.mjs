// @ts-check
import { lstatSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pidIn } from '../agent.mjs'
import { rest } from '../clock.mjs'
import { withPeers } from '../peers/index.mjs'
import { taskDirs } from '../peers/rca.mjs'
import { folderOf } from '../peers/recipe.mjs'
import { sum, written } from '../processes.mjs'
import { makeYard } from '../yard.mjs'
import { ALONE, missingRows, RESTLESS } from './section.mjs'

/** @typedef {import('../yard.mjs').Yard} Yard */
/** @typedef {import('../table.mjs').Row} Row */

const RECORDED = new URL('../../fixtures/events/pi/done.jsonl', import.meta.url)
const RECIPE = 'the recipe, a finished task'
const DELTAS = 500
const ANSWER_BYTES = 10_000
const HOUR_S = 3_600

/** @type {import('./section.mjs').Section} */
export const disk = {
  name: 'disk',
  title: 'The disk',
  run: async (context) => {
    const rows = await finished(context)
    const seconds = context.short ? 6 : 60
    for (const [kind, agent] of Object.entries(AGENTS)) {
      context.progress(`a ${kind} agent, ${seconds} s`)
      rows.push(...(await hour(kind, agent, seconds)))
    }
    return [...rows, ...pi(), ...missingRows(context, ['recipe'])]
  },
}

const AGENTS = {
  silent: 'begin; say hello; exec sleep 100000',
  chatty:
    'begin; while :; do say "A line of some length, as agents print many in a second."; sleep 0.1; done',
}

/**
 * What a task leaves, its agent's own output included, which is the same everywhere.
 * @param {import('./section.mjs').Context} context
 * @returns {Promise<Row[]>}
 */
async function finished({ missing }) {
  const yard = makeYard(ALONE)
  try {
    yard.agent("begin; tool_started ls; tool_finished ls 'a'; say ALL-DONE; complete")
    return await withPeers(yard, ['rca', 'recipe'], missing, async ({ rca, recipe }) => {
      yard.must(rca?.start('task') ?? [])
      yard.must(rca?.wait?.('task') ?? [])
      yard.must(yard.rca('list', '--json'))
      const ours = footprint(taskDirs(yard.state, 'codex-task')[0] ?? '')
      if (recipe) yard.must(recipe.start('by-hand'))
      const theirs = recipe ? footprint(folderOf(yard.work('by-hand'))) : null
      return [
        ...(theirs ? sizeRows(RECIPE, theirs) : []),
        ...sizeRows('rca, a finished task', ours, theirs ? RECIPE : null),
      ]
    })
  } finally {
    yard.close()
  }
}

/**
 * @param {string} name
 * @param {ReturnType<typeof footprint>} size
 * @param {string | null} [base]
 * @returns {Row[]}
 */
function sizeRows(name, { bytes, allocated, files }, base = null) {
  const row = (/** @type {string} */ what, /** @type {string} */ unit, /** @type {number} */ value) => ({
    ...{ name: `${name}: ${what}`, unit, values: [value] },
    ...(base ? { beside: `${base}: ${what}` } : {}),
  })
  return [
    row('bytes in files', 'kB', bytes / 1e3),
    row('blocks of the disk, folders included', 'kB', allocated / 1e3),
    row('files', '', files),
  ]
}

/**
 * @param {string} path
 * @returns {{ bytes: number, allocated: number, files: number }}
 */
function footprint(path) {
  const stat = lstatSync(path)
  const allocated = stat.blocks * 512
  if (!stat.isDirectory()) return { bytes: stat.size, allocated, files: 1 }
  const within = readdirSync(path).map((name) => footprint(join(path, name)))
  return {
    bytes: sum(within, (one) => one.bytes),
    allocated: allocated + sum(within, (one) => one.allocated),
    files: sum(within, (one) => one.files),
  }
}

/**
 * What rca writes while an agent runs, beside what the agent prints. Observed for a while and scaled to an hour.
 * @param {string} kind
 * @param {string} agent
 * @param {number} seconds
 * @returns {Promise<Row[]>}
 */
async function hour(kind, agent, seconds) {
  const yard = makeYard(RESTLESS)
  try {
    yard.agent(agent)
    yard.must(yard.rca('start', 'codex', 'task', '-p', 'x', '-C', yard.work('task'), '--json'))
    await rest(3_000)
    const before = stateOf(yard)
    await rest(seconds * 1_000)
    const after = stateOf(yard)
    const perHour = (/** @type {'printed' | 'others' | 'written'} */ what) =>
      ((after[what] - before[what]) * (HOUR_S / seconds)) / 1e3
    const row = (/** @type {string} */ what, /** @type {number} */ kB) => ({
      ...{ name: `rca, an hour of a ${kind} agent: ${what}`, unit: 'kB', values: [kB] },
      note: `scaled from ${seconds} s`,
    })
    return [
      row('its output grows by', perHour('printed')),
      row('all other records grow by', perHour('others')),
      row('what shows and watches over it writes', perHour('written')),
    ]
  } finally {
    yard.close()
  }
}

/** @param {Yard} yard */
function stateOf(yard) {
  const agent = pidIn(yard.work('task'))
  const printed = lstatSync(join(taskDirs(yard.state, 'codex-task')[0] ?? '', 'events.jsonl')).size
  const others = yard.processes().filter((pid) => pid !== agent)
  return { printed, others: footprint(yard.state).bytes - printed, written: sum(others, written) }
}

/**
 * pi repeats the whole message so far, twice, in every delta.
 * @returns {Row[]}
 */
function pi() {
  const yard = makeYard(ALONE)
  try {
    const flood = join(yard.dir, 'flood.jsonl')
    writeFileSync(flood, updates())
    yard.script('pi', PI.replace('FLOOD', flood).replaceAll('RECORDED', fileURLToPath(RECORDED)))
    yard.must(yard.rca('start', 'pi', 'task', '-p', 'x', '--json'))
    yard.must(yard.rca('wait', 'pi-task'))
    const printed = { name: 'pi, an answer of 10 kB in 500 deltas: printed', unit: 'kB' }
    const kept = { name: 'rca, the same: all its records on disk', unit: 'kB' }
    const bytes = lstatSync(flood).size + lstatSync(RECORDED).size
    const onDisk = footprint(taskDirs(yard.state, 'pi-task')[0] ?? '').bytes
    return [
      { ...printed, values: [bytes / 1e3], note: 'what tee would keep' },
      { ...kept, values: [onDisk / 1e3], beside: printed.name },
    ]
  } finally {
    yard.close()
  }
}

function updates() {
  const answer = 'All work and no play. '.repeat(ANSWER_BYTES).slice(0, ANSWER_BYTES)
  const step = ANSWER_BYTES / DELTAS
  const line = (/** @type {number} */ end) => {
    const message = {
      role: 'assistant',
      content: [{ type: 'text', text: answer.slice(0, end) }],
      provider: 'lab',
    }
    const delta = answer.slice(end - step, end)
    const assistantMessageEvent = { type: 'text_delta', contentIndex: 0, delta, partial: message }
    return `${JSON.stringify({ type: 'message_update', assistantMessageEvent, message })}\n`
  }
  return Array.from({ length: DELTAS }, (_, n) => line((n + 1) * step)).join('')
}

/** A good run as it was recorded, with the flood in it. */
const PI = `#!/bin/sh
for arg; do
  [ "$previous" != --session ] || file=$arg
  previous=$arg
done
id=$(sed -n '1s/.*"id":"\\([^"]*\\)".*/\\1/p' "$file")
replay() { sed "$1" 'RECORDED' | sed "s/01a1fbb1-1f2a-79d3-aeb0-412fbb86c1cd/$id/g"; }
replay '6,$d'
cat 'FLOOD'
replay '1,5d'
`
