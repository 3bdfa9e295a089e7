import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test as base, expect } from 'vitest'
import type { StatusJson } from '../../src/commands/status.ts'
import { unless } from '../../src/errors.ts'
import type { TaskJson } from '../../src/task/json.ts'
import {
  isRunning,
  type Running,
  type RunOptions,
  type Seen,
  TERMINAL,
  until,
  World,
} from '../e2e/harness.ts'
import { end, monitorOf, type Place, releaseAt } from './inject.ts'
import { wrongWith } from './ledger.ts'

const STEPS = 3
/** A launch script that has handed its agent's end on looks after it once more 5 s later. */
const LEFT_MS = 15_000
export const START = ['start', 'codex', 'fix', '-p', 'do it']

/** Settings for a task that is supervised by a real monitor and goes on without long waits. */
export const supervised = (policy: Readonly<Record<string, unknown>> = {}) => ({
  monitor: true,
  policy: { backoff: '200ms', jitter: 0, ...policy },
})

/** A world whose tasks are supervised and whose processes can be held at pause points. */
export class FaultWorld extends World {
  /** In a folder that goes with a reboot, as tmux's own does. */
  override readonly socket = join(this.root, `tmux-${process.getuid?.()}`, 's')
  override state = join(this.root, 'state')
  /** What every program is run through: another boot. */
  through: readonly string[] = []
  /** What may run on after a task's end, besides the monitor. */
  expected: RegExp = EXPECTED[TERMINAL]
  private holdsAll = false

  constructor() {
    super()
    this.config(supervised())
    this.agent('ledger')
  }

  override get env(): Record<string, string> {
    const folder = join(this.root, 'pause')
    const env = { ...super.env, RCA_TEST_PAUSE: folder }
    if (!this.holdsAll || TERMINAL === 'tmux') return env
    // What is handed on is nothing of rca's own.
    const set = `process.env.RCA_TEST_PAUSE??=${JSON.stringify(folder)}`
    return { ...env, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(set)}` }
  }

  get monitors(): Seen[] {
    return this.processes().filter((one) => MONITOR.test(one.command))
  }

  get ledger(): string {
    return this.read('ledger')
  }

  override run(argv: readonly string[], options: RunOptions = {}): Running {
    return super.run([...this.through, ...argv], options)
  }

  /** From here on what a launch script runs can be held at pause points as well: its terminal is born with them. */
  holdLaunchScripts(): void {
    this.holdsAll = true
    if (TERMINAL !== 'tmux') return
    mkdirSync(dirname(this.socket), { mode: 0o700 })
    this.session('somebody-elses', '/bin/sh', '-i')
  }

  /** Starts the ledger agent and waits until it is in the middle of its second step, where it stays until `go`. */
  async atWork(...more: string[]): Promise<TaskJson> {
    this.write('hold', '2')
    const task = await this.json([...START, ...more])
    await until(() => this.ledger.includes('begin 2 '), 'the second step to begin')
    return task
  }

  /** Waits for the monitor: its pid. */
  async watched(): Promise<number> {
    return until(() => monitorOf(this), 'the monitor to be there')
  }

  /** Looks once at all tasks beside whoever watches: what is to be done at this moment has been done. */
  async lookOnce(): Promise<void> {
    const { code, stderr } = await this.rca(['monitor', '--once'])
    if (code !== 0) throw new Error(`rca monitor --once: ${code}\n${stderr}`)
  }

  /** The journal's entries. */
  get journal(): { readonly type: string; readonly [key: string]: unknown }[] {
    const [dir = ''] = this.taskDirs
    const lines = textOf(join(dir, 'journal.jsonl')).split('\n').slice(0, -1)
    return lines.filter(Boolean).map((line) => JSON.parse(line))
  }

  journalOf(dir: string | null): string {
    return textOf(join(dir ?? '', 'journal.jsonl'))
  }

  /** Takes away what the agents of an earlier task have left in HOME. */
  forget(...more: string[]): void {
    for (const name of ['ledger', 'runs', 'go', ...more]) rmSync(join(this.home, name), { force: true })
  }

  /** Waits for an entry of this type. */
  async entered(type: string): Promise<void> {
    await until(() => this.journal.some((one) => one.type === type), `${type} in the journal`)
  }

  /** Waits for whoever comes to this pause point: its pid. */
  async comesTo(point: string): Promise<number> {
    return until(() => this.waitingAt(point)[0], `somebody to come to ${point}`)
  }

  /** The pids of those who wait at this pause point. */
  waitingAt(point: string): number[] {
    const prefix = `${point}.at.`
    const found = namesIn(this.env.RCA_TEST_PAUSE ?? '').filter((one) => one.startsWith(prefix))
    return found.map((one) => Number(one.slice(prefix.length))).filter(isRunning)
  }

  /** Kills whoever comes to this pause point, right there; the next one passes. */
  async killAt(point: string): Promise<void> {
    await end(await this.comesTo(point), 'SIGKILL')
    releaseAt(this, point)
  }

  /** Lets the agent go on, now and whenever it is started again. */
  go(): void {
    this.write('go')
  }

  /** Has the agent that waits in its step do this, once. */
  order(script: string): void {
    order(this, script)
  }

  /** The task must have been killed, for good. */
  async isKilled(runs: number | null, task = 'fix'): Promise<void> {
    expect(await this.rca(['wait', task, '--timeout', '60s'])).toMatchObject({ code: 1 })
    await until(() => this.agents().length === 0, 'every agent to be gone')
    const seen = this.runs.length
    if (runs !== null) expect(seen).toBe(runs)
    await this.lookOnce()
    expect(await this.status(task)).toMatchObject({ state: 'killed' })
    expect(this.runs).toHaveLength(seen)
    expect(this.agents()).toEqual([])
  }

  /** The task must reach its good end: each step done once, in one conversation, nothing left behind. */
  async ends(runs: number | null, task = 'fix'): Promise<StatusJson> {
    expect(await this.rca(['wait', task, '--timeout', '100s'])).toMatchObject({ code: 0 })
    const status = await this.status(task)
    expect(status).toMatchObject({ state: 'done' })
    expect(wrongWith(this.ledger, STEPS)).toEqual([])
    if (runs !== null) expect(this.runs).toHaveLength(runs)
    const threads = new Set(this.runs.map((one) => one.split(' ')[1]))
    expect([...threads]).toEqual([status.agentSessionId])
    expect(this.runs.slice(1).filter((one) => !one.startsWith('resume '))).toEqual([])
    await this.leavesNothing(task)
    return status
  }

  /** Files that nobody needs any more. */
  leftInState(): string[] {
    return leftIn(this.state)
  }

  /** Nothing may be left of what was done: no process, no lock, nothing half-made; without monitor and terminal nothing at all. */
  async leavesNothing(task: string): Promise<void> {
    await emptied(() =>
      this.processes()
        .filter((one) => !this.expected.test(one.command) && !MONITOR.test(one.command))
        .map(inWords),
    )
    // Of two that were started at once one goes by itself; until then it would take the other's place.
    await emptied(() => this.monitors.slice(1).map(inWords))
    // What somebody who was killed has left in the way, the next one to come along takes away.
    expect(await this.rca(['resume', task])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('done'),
    })
    if (this.monitors.length === 0) this.start(['monitor'])
    await this.watched()
    expect(await this.rca(['monitor', 'stop'])).toMatchObject({ code: 0 })
    await emptied(() => leftIn(this.state))
    for (const pid of [this.server(), this.screenOf(`codex-${task}`)])
      if (pid !== null) await end(pid, 'SIGKILL')
    await emptied(() => this.processes().map(inWords))
  }
}

/** Has a fake agent that waits in its step do this, once. */
export function order({ env }: Pick<Place, 'env'>, script: string): void {
  const path = join(env.HOME ?? '', 'order')
  writeFileSync(`${path}.new`, `${script}\n`)
  renameSync(`${path}.new`, path)
}

/** What a codex says and does that has failed in the middle of its turn. `message` goes into single quotes. */
export const turnFailed = (message: string) =>
  `echo '{"type":"turn.failed","error":{"message":"${message}"}}'; exit 1`

/** Waits until a list is empty; says what is in it if it does not become so. */
async function emptied(list: () => string[]): Promise<void> {
  const deadline = Date.now() + LEFT_MS
  while (list().length > 0 && Date.now() < deadline) await sleep(20)
  expect(list()).toEqual([])
}

const inWords = (one: { pid: number; command: string }) => `${one.pid} ${one.command}`

/** What may run on: the monitor and, where there is one, the terminal with its shells; of tmux a client as well. */
const EXPECTED = { tmux: /^tmux |^\/bin\/sh -i$/, screen: /^SCREEN |^\/bin\/sh -i$/, plain: /^never$/ }
const MONITOR = /rca\.js monitor\b/

/** Files that should not be there when nothing is at work: locks, pokes, FIFOs, what was half-made. */
function leftIn(state: string): string[] {
  const all = readdirSync(state, { recursive: true, encoding: 'utf8' })
  return all.filter((path) => {
    const name = basename(path)
    const stat = lstatSync(join(state, path), { throwIfNoEntry: false })
    if (!stat) return false
    const transient = /^(locks\/[^/]+|wake)\/./.test(path)
    return transient || stat.isFIFO() || name.startsWith('.') || /\.tmp$|^digest\.json\./.test(name)
  })
}

function namesIn(folder: string): string[] {
  return unless(['ENOENT'], [], () => readdirSync(folder))
}

/** Every test has a world of its own, which is taken down whatever becomes of the test. */
export const test = base.extend<{ world: FaultWorld }>({
  world: async ({ task }, use) => {
    const world = new FaultWorld()
    try {
      await use(world)
    } catch (error) {
      throw new Error(`${task.name} (${world.root})`, { cause: error })
    } finally {
      if (task.result?.state === 'fail') process.stderr.write(describeWorld(task.name, world))
      await world.dispose()
    }
  },
})

/** For whoever has to find out why a test failed. */
function describeWorld(name: string, world: FaultWorld): string {
  const files = ['journal.jsonl', 'events.jsonl', 'stderr.log', 'terminal.log']
  const records = world.taskDirs.flatMap((dir) => files.map((file) => join(dir, file)))
  const texts = [...records, join(world.state, 'monitor.log'), join(world.home, 'ledger')]
  const shown = texts.map((path) => `--- ${path}\n${textOf(path).slice(-3_000)}`)
  return [`=== ${name}`, ...shown, ...world.processes().map(inWords), ''].join('\n')
}

function textOf(path: string): string {
  return unless(['ENOENT', 'ENOTDIR'], '', () => readFileSync(path, 'utf8'))
}
