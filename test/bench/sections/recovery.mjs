// @ts-check
import { pidIn } from '../agent.mjs'
import { pause, until } from '../clock.mjs'
import { withPeers } from '../peers/index.mjs'
import { end, isAlive } from '../processes.mjs'
import { rounds } from '../rounds.mjs'
import { makeYard } from '../yard.mjs'
import { missingRows, RESTLESS } from './section.mjs'

const PEERS = /** @type {const} */ (['tmux', 'pm2', 'rca', 'systemd', 'supervisord'])
const LABELS = {
  tmux: 'a loop in a shell in tmux',
  pm2: 'pm2',
  rca: 'rca',
  systemd: 'systemd, Restart=always RestartSec=0',
  supervisord: 'supervisord, startsecs=0',
}
const NOTES = { supervisord: 'it looks once a second' }

/**
 * From the kill to the moment at which the successor has noted down its pid, which is its first act. rca's goes on with its
 * own conversation; the others start a program once more.
 * @type {import('./section.mjs').Section}
 */
export const recovery = {
  name: 'recovery',
  title: 'Death to successor',
  run: async (context) => {
    const yard = makeYard(RESTLESS)
    try {
      return await withPeers(yard, PEERS, context.missing, (runners) => measure(context, yard, runners))
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
  const kept = PEERS.flatMap((key) => {
    const runner = runners[key]
    runner?.keep?.(key)
    return runner ? [{ key, runner, folder: yard.work(key) }] : []
  })
  const contenders = kept.map(({ key, folder }) => [LABELS[key], () => killIn(folder)])
  const figures = await rounds(
    context.short ? context.runs : context.runs * 2,
    Object.fromEntries(contenders),
    context.progress,
  )
  const rows = kept.map(({ key }) => ({
    ...{ name: LABELS[key], unit: 'ms', values: figures[LABELS[key]] ?? [] },
    ...(key === 'pm2' ? {} : { beside: 'pm2' }),
    ...(key === 'rca' ? { mark: 1.5 } : {}),
    ...(key === 'supervisord' ? { note: NOTES.supervisord } : {}),
  }))
  const survived = kept.filter(({ key }) => key === 'rca' || key === 'pm2').map((one) => outlives(one))
  return [...rows, ...survived, ...missingRows(context, [...PEERS, 'acpx']), ...NEVER]
}

/** @type {import('./section.mjs').Row[]} */
const NEVER = [
  { name: 'the recipe', unit: '', values: [], missing: 'somebody has to look every 3 to 5 minutes' },
  { name: 'tsp, screen', unit: '', values: [], missing: 'they start nothing again' },
]

/** @param {string} folder */
function killIn(folder) {
  const pid = until(() => pidIn(folder), 'the program')
  // Long enough that it is known to run, and that pm2 does not take it for one that crashes in a loop.
  pause(150)
  const begun = performance.now()
  end(pid)
  until(() => successorIn(folder, pid), 'the successor')
  return performance.now() - begun
}

/**
 * @param {string} folder
 * @param {number} before
 */
function successorIn(folder, before) {
  const pid = pidIn(folder)
  return pid === before ? 0 : pid
}

/**
 * What becomes of each one's program when what watches over it is killed, and then the program as well.
 * @param {{ key: keyof typeof LABELS, runner: import('../peers/peer.mjs').Runner, folder: string }} kept
 */
function outlives({ key, runner, folder }) {
  const pid = until(() => pidIn(folder), 'the program')
  end(runner.daemon?.() ?? 0)
  pause(500)
  const lives = isAlive(pid)
  const begun = performance.now()
  end(pid)
  while (!successorIn(folder, pid) && performance.now() - begun < 5_000) pause(1)
  const values = [performance.now() - begun]
  const again = successorIn(folder, pid) ? 'it was started again' : 'nobody starts it again within 5 s'
  const note = `the program ${lives ? 'lives on' : 'dies with it'}; then killed too, ${again}`
  return {
    name: `${LABELS[key]}, its ${key === 'rca' ? 'monitor' : 'daemon'} killed first`,
    unit: 'ms',
    values,
    note,
  }
}
