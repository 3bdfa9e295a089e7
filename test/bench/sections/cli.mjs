// @ts-check
import { join } from 'node:path'
import { withPeers } from '../peers/index.mjs'
import { populate } from '../population.mjs'
import { rounds } from '../rounds.mjs'
import { makeYard } from '../yard.mjs'
import { ALONE, missingRows } from './section.mjs'

/** How many tasks are on disk, over how many days they ended, and what `list --json` may cost beside Node. */
const SIZES = [{ count: 10 }, { count: 200 }, { count: 1_000, mark: 1.7 }, { count: 10_000, mark: 2.5 }]
const SPANS = [
  { days: 1, called: 'all of the last day' },
  { days: 100, called: 'of 100 days' },
]
const POPULATIONS = SPANS.flatMap((span) => SIZES.map((size) => ({ ...size, ...span })))
const LIVE = 10
const NODE = 'node -e 0'
/** What lists the same number of programs elsewhere. */
const LISTS = /** @type {const} */ (['tmux', 'pm2', 'supervisord', 'tsp', 'screen'])

/** @type {import('./section.mjs').Section} */
export const cli = {
  name: 'cli',
  title: 'Reading verbs',
  run: async (context) => {
    const yard = makeYard(ALONE)
    try {
      return await withPeers(yard, LISTS, context.missing, (runners) => measure(context, yard, runners))
    } finally {
      yard.close()
    }
  },
}

/**
 * @param {import('./section.mjs').Context} context
 * @param {import('../yard.mjs').Yard} yard
 * @param {import('../peers/index.mjs').Runners} runners
 */
async function measure(context, yard, runners) {
  const populations = context.short ? POPULATIONS.filter(inShort) : POPULATIONS
  for (const { count, days } of populations) {
    context.progress(`${count} tasks are made`)
    populate(yard, count, days, stateOf(yard, count, days))
  }
  yard.agent('exec sleep 100000')
  for (const runner of Object.values(runners)) fillPeer(yard, runner)
  const contenders = { ...verbs(yard, populations), ...lists(yard, runners) }
  const figures = await rounds(context.runs, contenders, context.progress)
  const rows = Object.entries(figures).map(([name, values]) => ({
    ...{ name, unit: 'ms', values },
    ...(name === NODE ? {} : { beside: NODE }),
    ...markOf(name),
  }))
  return [...rows, ...missingRows(context, LISTS)]
}

/** @param {{ count: number, days: number }} population */
const inShort = ({ count, days }) => (days === 1 ? count === 10 || count === 1_000 : count >= 1_000)

/** @param {string} name */
function markOf(name) {
  if (name === '`rca --version`') return { mark: 1.25 }
  const found = POPULATIONS.find(({ count, called }) => name === rowOf('list --json', count, called))
  return found?.mark ? { mark: found.mark } : {}
}

/**
 * @param {string} verb
 * @param {number} count
 * @param {string} called
 */
const rowOf = (verb, count, called) => `\`rca ${verb}\`, ${count.toLocaleString('en')} tasks, ${called}`

/**
 * @param {import('../yard.mjs').Yard} yard
 * @param {number} count
 * @param {number} days
 */
const stateOf = (yard, count, days) => join(yard.dir, `state-${days}-${count}`)

/**
 * @param {import('../yard.mjs').Yard} yard
 * @param {readonly { count: number, days: number, called: string }[]} populations
 */
function verbs(yard, populations) {
  const alone = {
    [NODE]: () => yard.timed([process.execPath, '-e', '0']),
    '`rca --version`': () => yard.timed(yard.rca('--version')),
  }
  const counted = populations.flatMap(({ count, days, called }) => {
    const env = { RCA_HOME: stateOf(yard, count, days) }
    const time = (/** @type {string[]} */ ...args) => [
      rowOf(args.filter((arg) => !arg.startsWith('codex-')).join(' '), count, called),
      () => yard.timed(yard.rca(...args), { env }),
    ]
    return [time('list', '--json'), time('list'), ...(days === 1 ? [time('status', 'codex-t7')] : [])]
  })
  return { ...alone, ...Object.fromEntries(counted) }
}

/**
 * @param {import('../yard.mjs').Yard} yard
 * @param {import('../peers/peer.mjs').Runner} runner
 */
function fillPeer(yard, runner) {
  const names = Array.from({ length: LIVE }, (_, n) => `live-${n}`)
  runner.prepare?.(names)
  for (const name of names) yard.must(runner.start(name), { cwd: yard.work(name), env: runner.env ?? {} })
}

/**
 * @param {import('../yard.mjs').Yard} yard
 * @param {import('../peers/index.mjs').Runners} runners
 */
function lists(yard, runners) {
  const all = Object.values(runners).map(({ list = [], env = {} }) => [
    `\`${commandOf(list)}\`, ${LIVE} programs that run`,
    () => yard.timed(list, { env }),
  ])
  return Object.fromEntries(all)
}

/** Its words without paths. @param {readonly string[]} argv */
function commandOf(argv) {
  const words = argv.map((word) => word.split('/').at(-1) ?? '')
  return words
    .filter((word, n) => word !== 'node' && !/^-[Sc]$/.test(word) && !/^-[Sc]$/.test(words[n - 1] ?? ''))
    .join(' ')
}
