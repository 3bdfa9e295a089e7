import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { isAlive } from '../../src/system/identity.ts'
import { attemptNumbers, readAttempt } from '../../src/task/attempt.ts'
import type { TaskJson } from '../../src/task/json.ts'
import { TERMINAL, until } from '../e2e/harness.ts'
import {
  closeSession,
  deleteSocket,
  type Inject,
  killAgent,
  killLaunchScript,
  killLaunchScriptAndAgent,
  killMonitor,
  killPaneShell,
  killTerminal,
  monitorOf,
  newest,
} from './inject.ts'
import { parseLedger, wrongWith } from './ledger.ts'
import { type Random, randomFrom } from './random.ts'
import { type FaultWorld, supervised, test } from './world.ts'

/**
 * Random faults against many tasks at once, from a seed that is printed: RCA_SOAK_FAULTS (60), RCA_SOAK_TASKS at a time (6), RCA_SOAK_STEPS each (40),
 * RCA_SOAK_SEED. A monitor that was killed is started again after a moment, as a service would; one that a launch script
 * has started meanwhile may stay.
 */
const FAULTS = Number(process.env.RCA_SOAK_FAULTS ?? 60)
const AT_A_TIME = Number(process.env.RCA_SOAK_TASKS ?? 6)
const SEED = Number(process.env.RCA_SOAK_SEED ?? Date.now() % 1_000_000)
/** Enough that a task lives through several faults. */
const STEPS = Number(process.env.RCA_SOAK_STEPS ?? 40)
const STEP_MS = 150

/** Faults and how often each is chosen beside the others. */
const KINDS: readonly { readonly name: string; readonly weight: number; readonly inject: Inject }[] = [
  { name: 'agent SIGKILL', weight: 8, inject: killAgent('SIGKILL') },
  { name: 'agent SIGTERM', weight: 4, inject: killAgent('SIGTERM') },
  { name: 'agent SIGSEGV', weight: 2, inject: killAgent('SIGSEGV') },
  { name: 'launch script SIGKILL', weight: 3, inject: killLaunchScript },
  { name: 'launch script and agent SIGKILL', weight: 4, inject: killLaunchScriptAndAgent },
  { name: 'its shell SIGKILL', weight: TERMINAL === 'plain' ? 0 : 4, inject: killPaneShell },
  { name: 'session closed', weight: 4, inject: closeSession },
  { name: 'terminal SIGKILL', weight: 2, inject: killTerminal('SIGKILL') },
  { name: 'terminal SIGTERM', weight: 2, inject: killTerminal('SIGTERM') },
  { name: 'socket deleted', weight: TERMINAL === 'plain' ? 0 : 1, inject: deleteSocket },
  { name: 'monitor SIGKILL', weight: 4, inject: killMonitor },
  { name: 'monitor stands still', weight: 2, inject: stopMonitorForAMoment },
  { name: 'another rca at the same task', weight: 3, inject: async () => {} },
]

async function stopMonitorForAMoment(place: Parameters<Inject>[0]): Promise<void> {
  const pid = monitorOf(place)
  if (pid === null) return
  process.kill(pid, 'SIGSTOP')
  await sleep(150)
  process.kill(pid, 'SIGCONT')
}

interface Running {
  readonly task: TaskJson
  readonly home: string
}

test(`soak, ${TERMINAL}: ${FAULTS} faults, ${AT_A_TIME} tasks at a time, seed ${SEED}`, {
  timeout: 3_600_000,
}, async ({ world }) => {
  world.config(supervised({ backoff: '100ms', maxResumesPerHour: 10_000, deadline: 'none' }))
  const soak = new Soak(world, randomFrom(SEED))
  await soak.run()
  process.stdout.write(soak.report())
  expect(soak.wrong).toEqual([])
})

/** One run: starts tasks, injects faults, checks every ledger. */
class Soak {
  readonly wrong: string[] = []
  private readonly counts = new Map<string, number>()
  private readonly running: Running[] = []
  private readonly begunMs = Date.now()
  private started = 0
  private finished = 0
  private attempts = 0
  private cut = 0
  private over = false
  private readonly world: FaultWorld
  private readonly random: Random

  constructor(world: FaultWorld, random: Random) {
    this.world = world
    this.random = random
  }

  async run(): Promise<void> {
    const service = this.serve()
    let injected = 0
    while (injected < FAULTS) {
      await this.fill()
      if (await this.injectOne()) injected++
      await this.reap()
      await sleep(this.random.between(10, 120))
    }
    const deadline = Date.now() + 120_000
    while ((await this.reap()) > 0 && Date.now() < deadline) await sleep(100)
    for (const { task } of this.running)
      this.wrong.push(`${task.name} did not end: ${await this.stateOf(task)}`)
    this.over = true
    await service
    await this.leavesNothing()
  }

  report(): string {
    const rows = [...this.counts].sort().map(([name, count]) => `| ${name} | ${count} |`)
    const seconds = Math.round((Date.now() - this.begunMs) / 1_000)
    const sum = `${TERMINAL}, seed ${SEED}: ${FAULTS} faults in ${seconds} s, ${this.finished} of ${this.started} tasks done, ${this.attempts} attempts, ${this.finished * STEPS} steps, ${this.cut} cut in the middle and done again, ${this.wrong.length} violations`
    return ['', '| fault | times |', '| --- | --- |', ...rows, '', sum, ''].join('\n')
  }

  /** A monitor that is gone is there again after a moment, as with a service. */
  private async serve(): Promise<void> {
    while (!this.over) {
      await sleep(300)
      if (!this.over && monitorOf(this.world) === null) this.world.start(['monitor'])
    }
  }

  /** All at once: the first would be over before the last has begun. */
  private async fill(): Promise<void> {
    const missing = AT_A_TIME - this.running.length
    const starts = Array.from({ length: missing }, () => {
      const name = `t${++this.started}`
      const home = join(this.world.root, 'homes', name)
      mkdirSync(home, { recursive: true })
      writeFileSync(join(home, 'steps'), String(STEPS))
      writeFileSync(join(home, 'step-ms'), String(this.random.between(1, STEP_MS)))
      const args = ['start', 'codex', name, '-p', 'do it', '--env', `HOME=${home}`, '--json']
      return { name, home, result: this.world.rca(args) }
    })
    for (const { name, home, result } of starts) {
      const { code, stdout, stderr } = await result
      if (code !== 0) this.wrong.push(`start ${name}: ${code} ${stderr}`)
      else this.running.push({ task: JSON.parse(stdout) as TaskJson, home })
    }
  }

  /** False: there was nothing to strike at this moment. */
  private async injectOne(): Promise<boolean> {
    const at = this.running[this.random.between(0, this.running.length - 1)]
    if (!at || !isAtWork(at.task)) return false
    const kind = this.random.weighted(KINDS)
    try {
      if (kind.name.startsWith('another')) this.meddle(at.task)
      else await kind.inject(this.world, at.task)
    } catch {
      // It was gone before it could be struck: no fault.
      return false
    }
    this.counts.set(kind.name, (this.counts.get(kind.name) ?? 0) + 1)
    return true
  }

  /** Somebody resumes, starts or looks at once what is at work: nothing must come of it. */
  private meddle(task: TaskJson): void {
    const verbs = [
      ['resume', task.name],
      ['monitor', '--once'],
      ['start', 'codex', task.task, '-p', 'another', '--json'],
      ['status', task.name],
    ]
    this.world.start(verbs[this.random.between(0, verbs.length - 1)] ?? [])
  }

  /** Takes out what is over, and checks it. How many are left. */
  private async reap(): Promise<number> {
    for (const one of [...this.running]) {
      if (!mayBeOver(one.task)) continue
      const state = await this.stateOf(one.task)
      if (['starting', 'running', 'stalled', 'waiting'].includes(state)) continue
      this.running.splice(this.running.indexOf(one), 1)
      this.check(one, state)
    }
    return this.running.length
  }

  private async stateOf(task: TaskJson): Promise<string> {
    const all = await this.world.json<TaskJson[]>(['list', '--all'])
    return all.find((one) => one.taskDir === task.taskDir)?.state ?? 'missing'
  }

  private check({ task, home }: Running, state: string): void {
    if (state !== 'done') this.wrong.push(`${task.name} is ${state}`)
    const text = readFileSync(join(home, 'ledger'), 'utf8')
    this.wrong.push(...wrongWith(text, STEPS).map((one) => `${task.name}: ${one}`))
    const { lines } = parseLedger(text)
    this.cut += lines.filter((one) => one.kind === 'begin').length - STEPS
    this.attempts += attemptNumbers(task.taskDir ?? '').length
    this.finished++
  }

  /** Without tasks, monitor and sessions nothing may be left. */
  private async leavesNothing(): Promise<void> {
    // Of those that were begun while one was starting all but one go by themselves; until then they would take its place.
    await until(() => this.world.monitors.length <= 1, 'all monitors but one to go').catch(() => {})
    const stop = await this.world.rca(['monitor', 'stop'])
    if (stop.code !== 0) this.wrong.push(`monitor stop: ${stop.stderr}`)
    const names = (await this.world.json<TaskJson[]>(['list', '--all'])).map((one) => one.name)
    const kill = await this.world.rca(['kill', ...names])
    if (kill.code !== 0) this.wrong.push(`kill: ${kill.stderr}`)
    const agents = () => this.world.agents().map((one) => `${one.pid} ${one.command}`)
    await until(() => agents().length === 0, 'the last agents to go').catch(() =>
      this.wrong.push(...agents()),
    )
    this.wrong.push(...this.world.leftInState())
  }
}

/** Whether it is worth asking: it is done, or somebody has given up. */
function mayBeOver({ taskDir }: TaskJson): boolean {
  if (existsSync(join(taskDir ?? '', 'done'))) return true
  return /"type":"(gave-up|killed)"/.test(readFileSync(join(taskDir ?? '', 'journal.jsonl'), 'utf8'))
}

function isAtWork(task: TaskJson): boolean {
  const dir = task.taskDir ?? ''
  if (attemptNumbers(dir).length === 0) return false
  const { agent, number } = newest(task)
  return agent !== null && isAlive(agent) && readAttempt(dir, number).exit === null
}
