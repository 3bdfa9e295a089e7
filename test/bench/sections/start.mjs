// @ts-check
import { takeStamp } from '../agent.mjs'
import { now } from '../clock.mjs'
import { withPeers } from '../peers/index.mjs'
import { sum } from '../processes.mjs'
import { keep, rounds } from '../rounds.mjs'
import { makeYard } from '../yard.mjs'
import { ALONE, missingRows, RESTLESS } from './section.mjs'

const PEERS = /** @type {const} */ ([
  'rca',
  'tmux',
  'recipe',
  'pm2',
  'supervisord',
  'tsp',
  'screen',
  'systemd',
])
const LABELS = {
  ...{ rca: '`rca start`', tmux: 'node -e 0, then bare tmux', recipe: 'the recipe', pm2: '`pm2 start`' },
  ...{
    supervisord: '`supervisorctl start`',
    tsp: '`tsp`',
    screen: '`screen -dmS`',
    systemd: '`systemd-run --user`',
  },
}
const RUNS = ': until the agent runs'
const RETURNS = ': until it returns'
const TEN = ', ten at once'
const AT_ONCE = Array.from({ length: 10 }, (_, n) => `at-once-${n}`)
/** Those of which ten are started at once, too. */
const TOGETHER = /** @type {const} */ (['rca', 'tmux', 'pm2'])

/** @type {import('./section.mjs').Section} */
export const start = {
  name: 'start',
  title: 'Start',
  run: async (context) => {
    const rows = await inYard(ALONE, PEERS, context, async (yard, runners) => {
      const alone = aloneRows(await rounds(context.runs, alones(yard, runners), context.progress))
      const few = Math.max(3, Math.round(context.runs / 4))
      return [...alone, ...togetherRows(await rounds(few, togethers(yard, runners), context.progress))]
    })
    const series = await inYard(RESTLESS, ['rca', 'tmux'], context, async (yard, runners) =>
      inARow(context, yard, runners),
    )
    return [...rows, ...series, ...missingRows(context, [...PEERS, 'acpx'])]
  },
}

/**
 * @template T
 * @param {Record<string, unknown>} settings
 * @param {readonly import('../peers/index.mjs').PeerName[]} names
 * @param {import('./section.mjs').Context} context
 * @param {(yard: import('../yard.mjs').Yard, runners: import('../peers/index.mjs').Runners) => Promise<T>} use
 */
async function inYard(settings, names, { missing }, use) {
  const yard = makeYard(settings)
  try {
    return await withPeers(yard, names, missing, (runners) => use(yard, runners))
  } finally {
    yard.close()
  }
}

/**
 * One start, and its end, which is not measured.
 * @param {import('../yard.mjs').Yard} yard
 * @param {import('../peers/index.mjs').Runners} runners
 */
function alones(yard, runners) {
  const all = Object.entries(runners).map(([key, runner]) => {
    runner.prepare?.(['alone'])
    const take = () => startAlone(yard, runner, key === 'tmux')
    return [LABELS[/** @type {keyof typeof LABELS} */ (key)], take]
  })
  return Object.fromEntries(all)
}

/**
 * @param {import('../yard.mjs').Yard} yard
 * @param {import('../peers/peer.mjs').Runner} runner
 * @param {boolean} afterNode   Whoever calls it by hand does it from a program of their own, which has to start, too.
 */
function startAlone(yard, runner, afterNode) {
  const folder = yard.work('alone')
  const begun = now()
  if (afterNode) yard.must([process.execPath, '-e', '0'])
  yard.must(runner.start('alone'), { cwd: folder, env: runner.env ?? {} })
  const returned = now() - begun
  const runs = takeStamp(folder) - begun
  runner.forget('alone')
  return { [RUNS]: runs, [RETURNS]: returned }
}

/** @param {Record<string, number[]>} figures */
function aloneRows(figures) {
  const others = [LABELS.tmux, ...Object.values(LABELS).filter((label) => label !== LABELS.tmux)]
  return [RUNS, RETURNS].flatMap((what) =>
    others
      .filter((label) => figures[label + what])
      .map((label) => ({
        ...{ name: label + what, unit: 'ms', values: figures[label + what] ?? [] },
        ...(label === LABELS.tmux ? {} : { beside: LABELS.tmux + what }),
        ...(label === LABELS.rca && what === RUNS ? { mark: 1.5 } : {}),
        ...(label === LABELS.recipe && what === RETURNS
          ? { note: 'its loop looks once a second for the thread id' }
          : {}),
      })),
  )
}

/**
 * @param {import('../yard.mjs').Yard} yard
 * @param {import('../peers/index.mjs').Runners} runners
 */
function togethers(yard, runners) {
  const all = TOGETHER.flatMap((key) => {
    const runner = runners[key]
    return runner ? [[LABELS[key] + TEN, () => startTogether(yard, runner, key === 'tmux')]] : []
  })
  return Object.fromEntries(all)
}

/**
 * @param {import('../yard.mjs').Yard} yard
 * @param {import('../peers/peer.mjs').Runner} runner
 * @param {boolean} afterNode
 */
async function startTogether(yard, runner, afterNode) {
  const begun = now()
  const ends = AT_ONCE.map(async (name) => {
    if (afterNode) await yard.launch([process.execPath, '-e', '0'])
    return yard.launch(runner.start(name), { cwd: yard.work(name), env: runner.env ?? {} })
  })
  const returned = Math.max(...(await Promise.all(ends))) - begun
  const runs = Math.max(...AT_ONCE.map((name) => takeStamp(yard.work(name)))) - begun
  runner.forget(...AT_ONCE)
  return { [RUNS]: runs, [RETURNS]: returned }
}

/** @param {Record<string, number[]>} figures */
function togetherRows(figures) {
  return Object.entries(figures).map(([name, values]) => {
    const base = `${LABELS.tmux}${TEN}${name.endsWith(RUNS) ? RUNS : RETURNS}`
    return { name, unit: 'ms', values, ...(name === base ? {} : { beside: base }) }
  })
}

/**
 * A hundred that stay, in turns, rca's watched over by its monitor.
 * @param {import('./section.mjs').Context} context
 * @param {import('../yard.mjs').Yard} yard
 * @param {import('../peers/index.mjs').Runners} runners
 */
async function inARow(context, yard, runners) {
  const count = context.short ? 30 : 100
  const both = Object.entries({ '`rca start`': runners.rca, 'bare tmux': runners.tmux })
  /** @type {Record<string, number[]>} */
  const figures = {}
  for (let n = 0; n < count; n++) {
    context.progress(`${n} of ${count} in a row`)
    for (const [label, runner] of both) {
      const name = `${label.includes('rca') ? 'ours' : 'bare'}-${n}`
      if (runner) keep(figures, label, yard.timed(runner.start(name), { cwd: yard.work(name) }))
    }
  }
  return Object.entries(figures).flatMap(([label, values]) =>
    seriesRows(`${label}, ${count} in a row`, values),
  )
}

/**
 * @param {string} label
 * @param {number[]} values
 */
function seriesRows(label, values) {
  const first = { name: `${label}: the first ten, each`, unit: 'ms', values: values.slice(0, 10) }
  const last = {
    name: `${label}: the last ten, each`,
    unit: 'ms',
    values: values.slice(-10),
    beside: first.name,
  }
  const all = { name: `${label}: all together`, unit: 's', values: [sum(values, (ms) => ms / 1000)] }
  return [first, label.includes('rca') ? { ...last, mark: 1.1 } : last, all]
}
