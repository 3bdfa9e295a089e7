// @ts-check
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { takeStamp } from '../agent.mjs'
import { pause, rest, until } from '../clock.mjs'
import { withPeers } from '../peers/index.mjs'
import { isAlive, end as kill, textOf } from '../processes.mjs'
import { rounds } from '../rounds.mjs'
import { makeYard } from '../yard.mjs'
import { ALONE, missingRows } from './section.mjs'

/** @typedef {import('../yard.mjs').Yard} Yard */
/** @typedef {import('../peers/peer.mjs').Runner} Runner */

const KILLERS = /** @type {const} */ (['tmux', 'rca', 'pm2', 'supervisord', 'systemd', 'screen', 'tsp'])
const LABELS = {
  ...{
    tmux: '`tmux kill-session`',
    rca: '`rca kill`',
    pm2: '`pm2 delete`',
    supervisord: '`supervisorctl stop`',
  },
  ...{ systemd: '`systemctl --user stop`', screen: '`screen -X quit`', tsp: '`tsp -k`' },
}
const GONE = ': until the last that it ends has gone'
const RETURNS = ': until it returns'
const LEFT = ': processes left behind'
/** The agent, a child, and one in a session of its own, as agents run their tools. */
const TREE = `begin
sleep 100000 & echo $! >> tree
setsid sleep 100000 & echo $! >> tree
echo $$ >> tree
exec sleep 100000`
const TREE_SIZE = 3
const PM2 = 'it sends SIGINT, which what a shell runs in the background ignores, and 1.6 s later SIGKILL'

const WAITERS = /** @type {const} */ (['rca', 'tmux', 'tsp'])
const WAITS = { rca: '`rca wait`', tmux: '`tmux wait-for`', tsp: '`tsp -w`', shell: "a shell's `wait`" }
const AFTER = ': it returns after the end'
/** Says when it ends, as its last act. */
const ENDS = 'begin; read -r go < go; say ALL-DONE; complete; date +%s%N > ended'

/** @type {import('./section.mjs').Section} */
export const end = {
  name: 'end',
  title: 'The end',
  run: async (context) => {
    const killed = await inYard(TREE, KILLERS, context, (yard, runners) => kills(yard, runners))
    const waited = await inYard(ENDS, WAITERS, context, (yard, runners) => waits(yard, runners))
    return [...killRows(killed), ...missingRows(context, KILLERS), ...waitRows(waited)]
  },
}

/**
 * @param {string} agent
 * @param {readonly import('../peers/index.mjs').PeerName[]} names
 * @param {import('./section.mjs').Context} context
 * @param {(yard: Yard, runners: import('../peers/index.mjs').Runners) => Record<string, import('../rounds.mjs').Take>} contenders
 */
async function inYard(agent, names, context, contenders) {
  const yard = makeYard(ALONE)
  try {
    yard.agent(agent)
    return await withPeers(yard, names, context.missing, (runners) =>
      rounds(context.short ? 3 : context.runs, contenders(yard, runners), context.progress),
    )
  } finally {
    yard.close()
  }
}

/**
 * @param {Yard} yard
 * @param {import('../peers/index.mjs').Runners} runners
 */
function kills(yard, runners) {
  const all = Object.entries(runners).map(([key, runner]) => {
    runner.prepare?.([key])
    return [LABELS[/** @type {keyof typeof LABELS} */ (key)], () => killTree(yard, runner, key)]
  })
  return Object.fromEntries(all)
}

/**
 * @param {Yard} yard
 * @param {Runner} runner
 * @param {string} name
 */
async function killTree(yard, runner, name) {
  const folder = yard.work(name)
  const env = runner.env ?? {}
  rmSync(join(folder, 'tree'), { force: true })
  yard.must(runner.start(name), { cwd: folder, env })
  const tree = until(() => treeIn(folder), 'the tree')
  pause(200)
  const argv = runner.stop(name)
  const begun = performance.now()
  let returned = 0
  const ended = yard.launch(argv, { env }).then(() => (returned = performance.now()))
  const { left, gone } = await untilGone(tree, () => returned)
  await ended
  for (const pid of left) kill(pid)
  runner.forget(name)
  return { [GONE]: gone - begun, [RETURNS]: returned - begun, [LEFT]: left.length }
}

/** @param {string} folder */
function treeIn(folder) {
  const pids = textOf(join(folder, 'tree')).split('\n').filter(Boolean).map(Number)
  return pids.length === TREE_SIZE ? pids : null
}

/**
 * The moment at which the last that went had gone, and who is left 0.3 s after the command's return.
 * @param {readonly number[]} pids
 * @param {() => number} returned   0 before.
 */
async function untilGone(pids, returned) {
  let left = pids
  let gone = performance.now()
  while (left.length > 0 && !(returned() > 0 && performance.now() > returned() + 300)) {
    await rest(0.5)
    const still = left.filter(isAlive)
    if (still.length < left.length) gone = performance.now()
    left = still
  }
  return { left, gone }
}

/** @type {Record<string, Partial<import('./section.mjs').Row>>} */
const EXTRAS = {
  [LABELS.rca + LEFT]: { limit: 0 },
  [LABELS.pm2 + GONE]: { note: PM2 },
}

/** @param {Record<string, number[]>} figures */
function killRows(figures) {
  return [GONE, RETURNS, LEFT].flatMap((what) => {
    const labels = Object.values(LABELS).filter((label) => figures[label + what])
    return labels.map((label) => killRow(label + what, what, figures[label + what] ?? []))
  })
}

/**
 * @param {string} name
 * @param {string} what
 * @param {number[]} values
 */
function killRow(name, what, values) {
  if (what === LEFT) return { name, unit: `of ${TREE_SIZE}`, values, ...EXTRAS[name] }
  const base = LABELS.tmux + what
  return { name, unit: 'ms', values, ...(name === base ? {} : { beside: base }), ...EXTRAS[name] }
}

/**
 * @param {Yard} yard
 * @param {import('../peers/index.mjs').Runners} runners
 */
function waits(yard, runners) {
  const all = Object.entries(runners).map(([key, runner]) => [
    WAITS[/** @type {keyof typeof WAITS} */ (key)] + AFTER,
    () => waitFor(yard, key, runner),
  ])
  return { [WAITS.shell + AFTER]: () => waitFor(yard, 'shell', null), ...Object.fromEntries(all) }
}

/**
 * From what the agent does last to the end of the command that waits for it.
 * @param {Yard} yard
 * @param {string} name
 * @param {Runner | null} runner   Null: a shell that has started it itself.
 */
async function waitFor(yard, name, runner) {
  const folder = yard.work(name)
  const env = runner?.env ?? {}
  const go = join(folder, 'go')
  rmSync(go, { force: true })
  execFileSync('mkfifo', [go], { env: yard.env })
  if (runner) yard.must(runner.start(name), { cwd: folder, env })
  const argv = runner?.wait?.(name) ?? ['sh', '-c', `${yard.program} > /dev/null & wait`]
  const returned = yard.launch(argv, { cwd: folder, env })
  // By then it waits.
  await rest(500)
  writeFileSync(go, 'go\n')
  const ms = (await returned) - takeStamp(folder, 'ended')
  runner?.forget(name)
  return ms
}

/** @param {Record<string, number[]>} figures */
function waitRows(figures) {
  const base = WAITS.shell + AFTER
  return Object.entries(figures).map(([name, values]) => ({
    ...{ name, unit: 'ms', values },
    ...(name === base ? {} : { beside: base }),
    ...(name === WAITS.rca + AFTER ? { limit: 30 } : {}),
  }))
}
