// @ts-check
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { pidIn } from '../agent.mjs'
import { rest, until } from '../clock.mjs'
import { memoryOf, observe } from '../observe.mjs'
import { PEERS } from '../peers/index.mjs'
import { populate } from '../population.mjs'
import { textOf } from '../processes.mjs'
import { makeYard } from '../yard.mjs'
import { missingRows, RESTLESS } from './section.mjs'

/** @typedef {import('../table.mjs').Row} Row */
/** @typedef {import('../yard.mjs').Yard} Yard */
/** @typedef {{ key: string, yard: Yard, runner: import('../peers/peer.mjs').Runner }} Contender */
/** @typedef {{ count: number, mb: number }} Memory   Of all but the agents. */

const NAMES = /** @type {const} */ (['rca', 'pm2', 'tmux'])
const FULL = { live: [0, 10, 100, 500], finished: 10_000, beside: 100, stretches: 6, ms: 20_000 }
const SHORT = { live: [0, 5, 30], finished: 1_000, beside: 30, stretches: 3, ms: 3_000 }
const SILENT = 'begin; say hello; exec sleep 100000'
/** Where the marks hold. */
const MARKED = /^(30|100) live/
/** As many as pm2 and tmux are given at most. */
const ENOUGH = 100

/** @type {import('./section.mjs').Section} */
export const monitor = {
  name: 'monitor',
  title: 'The monitor, while nothing happens',
  run: async (context) => {
    const size = context.short ? SHORT : FULL
    const growing = await withContenders(NAMES, context, (contenders) => grow(context, contenders, size))
    const crowded = await withContenders(['rca'], context, (contenders) => crowd(context, contenders, size))
    return [...growing, ...crowded, ...missingRows(context, NAMES)]
  },
}

/**
 * Each in a yard of its own, so that it is known whose processes are whose.
 * @param {readonly (typeof NAMES)[number][]} names
 * @param {import('./section.mjs').Context} context
 * @param {(contenders: Contender[]) => Promise<Row[]>} use
 */
async function withContenders(names, { missing }, use) {
  /** @type {Contender[]} */
  const contenders = []
  try {
    for (const key of names.filter((name) => missing[name] === undefined)) {
      const yard = makeYard(RESTLESS)
      contenders.push({ key, yard, runner: await PEERS[key].open(yard) })
    }
    return await use(contenders)
  } finally {
    for (const { yard, runner } of contenders) {
      await runner.close()
      yard.close()
    }
  }
}

/**
 * More and more live tasks, observed at each number.
 * @param {import('./section.mjs').Context} context
 * @param {readonly Contender[]} contenders
 * @param {typeof FULL} size
 */
async function grow(context, contenders, size) {
  for (const { key, yard } of contenders) if (key === 'rca') watch(yard)
  /** @type {Row[]} */
  const rows = []
  /** @type {Record<string, Memory[]>} */
  const memory = Object.fromEntries(contenders.map(({ key }) => [key, []]))
  let live = 0
  for (const count of size.live) {
    context.progress(`${count - live} tasks begin`)
    for (const contender of contenders) await begin(contender, live, count)
    live = count
    await settle(count)
    context.progress(`${count} tasks are watched`)
    const present = contenders.filter(
      ({ key }) => key === 'rca' || (key === 'pm2' && count > 0 && count <= ENOUGH),
    )
    rows.push(...observedRows(await observe(daemonsOf(present), size), `${count} live`))
    for (const contender of contenders) memory[contender.key]?.push({ count, mb: memoryAt(contender, count) })
  }
  return [...rows, ...perTask(memory)]
}

/**
 * @param {import('./section.mjs').Context} context
 * @param {Contender[]} contenders
 * @param {typeof FULL} size
 */
async function crowd(context, contenders, size) {
  const [ours] = contenders
  if (!ours) return []
  context.progress(`${size.finished} finished tasks are made`)
  populate(ours.yard, size.finished, 100)
  ours.yard.must(ours.yard.rca('monitor', 'stop'))
  ours.yard.agent(SILENT)
  watch(ours.yard)
  context.progress(`${size.beside} tasks begin beside ${size.finished} finished ones`)
  await begin(ours, 0, size.beside)
  await settle(size.beside)
  context.progress('they are watched')
  const seen = await observe(daemonsOf(contenders), size)
  return observedRows(seen, `${size.beside} live, ${size.finished.toLocaleString('en')} finished`)
}

/** @param {readonly Contender[]} contenders */
const daemonsOf = (contenders) =>
  Object.fromEntries(contenders.map(({ key, runner }) => [key, runner.daemon?.() ?? 0]))

/** The monitor as a person or a service runs it, which stays when there is nothing to do. @param {Yard} yard */
function watch(yard) {
  const [file = '', ...args] = yard.rca('monitor')
  spawn(file, args, { env: yard.env, cwd: yard.dir, stdio: 'ignore' }).unref()
  until(() => textOf(join(yard.state, 'monitor')), 'the monitor')
}

/**
 * Tasks of these numbers, ten at a time.
 * @param {Contender} contender
 * @param {number} from
 * @param {number} to
 */
async function begin({ key, yard, runner }, from, to) {
  const end = key === 'rca' ? to : Math.min(to, ENOUGH)
  for (let first = from; first < end; first += 10) {
    const names = Array.from({ length: Math.min(10, end - first) }, (_, n) => `${key}-${first + n}`)
    const start = (/** @type {string} */ name) =>
      yard.launch(runner.start(name), { cwd: yard.work(name), env: runner.env ?? {} })
    await Promise.all(names.map(start))
  }
}

/** What begins makes work for a while. @param {number} count */
const settle = (count) => rest(4_000 + count * 30)

/**
 * @param {Awaited<ReturnType<typeof observe>>} seen
 * @param {string} what
 * @returns {Row[]}
 */
function observedRows(seen, what) {
  return Object.entries(seen).flatMap(([key, { cpu, wakeUps, pss, rss }]) => {
    const who = key === 'rca' ? 'rca monitor' : `${key}'s daemon`
    const name = (/** @type {string} */ figure) => `${who}, ${what}: ${figure}`
    const beside = (/** @type {string} */ figure) =>
      key === 'rca' && seen.pm2 ? { beside: `pm2's daemon, ${what}: ${figure}` } : {}
    const limited = (/** @type {number} */ limit) => (key === 'rca' && MARKED.test(what) ? { limit } : {})
    return [
      { name: name('CPU'), unit: '% of a core', values: cpu, mean: true, ...beside('CPU'), ...limited(0.1) },
      { name: name('wake-ups'), unit: '/s', values: wakeUps, mean: true, ...beside('wake-ups') },
      { name: name('memory (PSS)'), unit: 'MB', values: pss, ...beside('memory (PSS)') },
      { name: name('memory (RSS)'), unit: 'MB', values: rss, ...beside('memory (RSS)'), ...limited(80) },
    ]
  })
}

/**
 * MB of everything of the yard but the agents: shells, what feeds the panes, tmux, whoever watches.
 * @param {Contender} contender
 * @param {number} count
 */
function memoryAt({ key, yard }, count) {
  const agents = new Set(Array.from({ length: count }, (_, n) => pidIn(yard.work(`${key}-${n}`))))
  return memoryOf(yard.processes().filter((pid) => !agents.has(pid)))
}

const PER_TASK = { rca: 'rca', tmux: 'bare tmux, a shell in a pane', pm2: 'pm2' }

/**
 * @param {Record<string, Memory[]>} memory
 * @returns {Row[]}
 */
function perTask(memory) {
  return Object.entries(memory).flatMap(([key, all]) => {
    const known = key === 'rca' ? all : all.filter(({ count }) => count <= ENOUGH)
    const least = known.find(({ count }) => count > 0)
    const most = known.at(-1)
    if (!least || !most || least === most) return []
    const each = (most.mb - least.mb) / (most.count - least.count)
    const name = (/** @type {string} */ who) =>
      `${who}: memory of each further live task without the agent (PSS)`
    const ours = key === 'rca' ? { beside: name(PER_TASK.tmux), limit: 2 } : {}
    const note = `from ${least.count} to ${most.count} tasks`
    return [{ name: name(PER_TASK[/** @type {'rca'} */ (key)]), unit: 'MB', values: [each], note, ...ours }]
  })
}
