// @ts-check
/**
 * What the monitor costs while nothing happens:
 *   node test/bench/recovery/load.mjs [--live 100] [--finished 1000] [--minutes 10]
 * CPU seconds and memory of the monitor with so many live silent tasks and so many finished ones on disk, and the memory
 * that each live task adds without its agent (shells, what feeds the pane, tmux, the monitor).
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { agentOf, cpuSeconds, pause, pss, textOf, Yard } from './yard.mjs'

const { values: options } = parseArgs({
  options: {
    live: { type: 'string', default: '100' },
    finished: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '10' },
  },
})

const yard = new Yard()
try {
  main()
} finally {
  yard.close()
}

function main() {
  finish(Number(options.finished))
  const first = yard.rca('start', 'codex', 'live-0', '-p', 'x', '--json')
  pause(3_000)
  const one = memory([first])
  const tasks = [first]
  const live = Number(options.live)
  for (let n = 1; n < live; n++) tasks.push(yard.rca('start', 'codex', `live-${n}`, '-p', 'x', '--json'))
  pause(15_000)
  const all = memory(tasks)
  const minutes = Number(options.minutes)
  const before = { cpu: cpuSeconds(yard.monitor), switches: switches(yard.monitor), at: Date.now() }
  pause(minutes * 60_000)
  const cpu = cpuSeconds(yard.monitor) - before.cpu
  const wakeUps = switches(yard.monitor) - before.switches
  const seconds = (Date.now() - before.at) / 1_000
  const mib = (/** @type {number} */ bytes) => (bytes / 2 ** 20).toFixed(2)
  console.log(`${live} live silent tasks, ${options.finished} finished ones on disk, ${minutes} minutes`)
  console.log(
    `monitor: ${cpu.toFixed(2)} s of CPU (${((100 * cpu) / seconds).toFixed(3)} % of a core), ${(wakeUps / seconds).toFixed(1)} wake-ups a second`,
  )
  console.log(
    `monitor: ${mib(all.monitor)} MiB (PSS), ${mib(rss(yard.monitor))} MiB (RSS); with one task ${mib(one.monitor)} MiB`,
  )
  console.log(
    `each further live task without its agent: ${mib((all.total - one.total) / (live - 1))} MiB (PSS)`,
  )
}

/**
 * Finished tasks are alike: one is run and copied.
 * @param {number} count
 */
function finish(count) {
  if (count === 0) return
  yard.agent('begin; say done; complete')
  const task = yard.rca('start', 'codex', 'finished', '-p', 'x', '--json')
  yard.rca('wait', 'finished')
  yard.agent('begin; say hello; exec sleep 100000')
  const tasks = join(yard.dir, 'state/tasks')
  mkdirSync(tasks, { recursive: true })
  for (let n = 0; n < count; n++) {
    const dir = join(tasks, `codex-finished-${n}.AAAAAA`)
    cpSync(task.taskDir, dir, { recursive: true })
    const spec = JSON.parse(readFileSync(join(dir, 'spec.json'), 'utf8'))
    const renamed = { ...spec, session: `codex-finished-${n}`, task: `finished-${n}` }
    writeFileSync(join(dir, 'spec.json'), JSON.stringify(renamed))
  }
  yard.rca('list', '--json')
}

/**
 * PSS of everything of the yard but the agents themselves, bytes.
 * @param {any[]} tasks
 */
function memory(tasks) {
  const agents = new Set(tasks.map((task) => agentOf(task, 1)))
  const monitor = yard.monitor
  const others = yard.processes().filter((pid) => !agents.has(pid))
  return { total: others.reduce((sum, pid) => sum + pss(pid), 0), monitor: pss(monitor) }
}

/** @param {number} pid */
function rss(pid) {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0) * 1024
}

/** @param {number} pid */
function switches(pid) {
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0)
}
