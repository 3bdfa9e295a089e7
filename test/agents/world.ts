import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { TestContext } from 'vitest'
import { AGENTS, type AgentName } from '../../src/agents/driver.ts'
import type { StatusJson } from '../../src/commands/status.ts'
import { startModelServer } from '../model-server/server.mjs'
import { makeLab } from './lab.mjs'
import { carriers, isRunning, processesWith, signalIfThere } from './processes.mjs'

export { AGENTS, type AgentName, carriers }

type Server = Awaited<ReturnType<typeof startModelServer>>
type Scripts = Parameters<typeof startModelServer>[0]['scripts']
export type Script = Scripts[string]
export type Fault = Parameters<Server['setFaults']>[1] extends infer T ? Exclude<T, unknown[]> : never
export type Request = Server['requests'][number]

const RCA = fileURLToPath(new URL('../../bin/rca.js', import.meta.url))

export interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

export interface StartOptions extends RunOptions {
  /** Options of `rca start` besides the prompt. */
  readonly options?: readonly string[]
  /** Given to the agent after `--`. */
  readonly agentArgs?: readonly string[]
}

/** A real agent, a model server of its own, a home, a state directory and a tmux server: everything one scenario needs. */
export class World {
  readonly agent: AgentName
  readonly server: Server
  readonly home: string
  readonly project: string
  /** The tmux server's socket. The path is short: a socket's must be. */
  readonly socket: string
  readonly state: string
  readonly env: Readonly<Record<string, string>>
  private readonly lab: ReturnType<typeof makeLab>

  constructor(agent: AgentName, server: Server, config?: object) {
    this.agent = agent
    this.server = server
    this.lab = makeLab(agent, server.port, config && { config })
    this.home = this.lab.home
    this.project = this.lab.project
    this.socket = join(mkdtempSync('/tmp/rca-agents-'), 's')
    this.state = join(dirname(this.home), 'state')
    this.env = { ...this.lab.env, RCA_HOME: this.state, RCA_TMUX_SOCKET: this.socket }
  }

  /** `--env` for the key that pi's provider is told to read: it is none that rca knows of (codex's it finds by itself). */
  get keyOptions(): string[] {
    return this.agent === 'pi' ? ['--env', 'LAB_API_KEY'] : []
  }

  /** Runs the built rca to its end. */
  rca(args: readonly string[], { cwd = this.project, env = this.env }: RunOptions = {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [RCA, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
      const out = { stdout: '', stderr: '' }
      for (const name of ['stdout', 'stderr'] as const) {
        child[name].setEncoding('utf8').on('data', (text) => {
          out[name] += text
        })
      }
      child.on('error', reject).on('close', (code) => resolve({ code, ...out }))
    })
  }

  /** The same where it has to end well. */
  async ok(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    const result = await this.rca(args, options)
    if (result.code === 0) return result
    throw new Error(`rca ${args.join(' ')}: exit code ${result.code}\n${result.stdout}${result.stderr}`)
  }

  startArgs(
    task: string,
    prompt: readonly string[],
    { options = [], agentArgs = [] }: StartOptions = {},
  ): string[] {
    const rest = [...this.lab.modelArgs, ...agentArgs]
    return ['start', this.agent, task, ...prompt, ...this.keyOptions, ...options, '--', ...rest]
  }

  /** Starts a task; gives its session's name. */
  async start(task: string, prompt: string, options: StartOptions = {}): Promise<string> {
    await this.ok(this.startArgs(task, ['-p', prompt], options), options)
    return `${this.agent}-${task}`
  }

  resume(name: string, options: readonly string[] = []): Promise<Result> {
    return this.ok(['resume', name, ...this.keyOptions, ...options])
  }

  /** Waits for the task's end; it has to be a good one. */
  async done(name: string, timeout = '100s'): Promise<StatusJson> {
    await this.ok(['wait', name, '--timeout', timeout])
    return this.status(name)
  }

  /** Waits for the task's end; it must not be a good one. */
  async failed(name: string): Promise<StatusJson> {
    const { code } = await this.rca(['wait', name, '--timeout', '100s'])
    const status = await this.status(name)
    if (code !== 1) throw new Error(`wait ended with ${code}, the task is ${status.state}`)
    return status
  }

  async status(name: string): Promise<StatusJson> {
    return JSON.parse((await this.ok(['status', name, '--json'])).stdout)
  }

  tmux(args: readonly string[], env: Readonly<Record<string, string>> = this.env) {
    return spawnSync('tmux', ['-S', this.socket, ...args], { env, encoding: 'utf8' })
  }

  /** Sends SIGKILL to the agent's own process and waits until rca has seen the end. */
  async crash(name: string): Promise<StatusJson> {
    process.kill(await this.agentPid(name), 'SIGKILL')
    return this.failed(name)
  }

  async agentPid(name: string): Promise<number> {
    const { pid, state } = await this.status(name)
    if (pid === null) throw new Error(`${name} has no process, it is ${state}`)
    return pid
  }

  /** The lines of the file to which each step of `steps` adds one. */
  ledger(project = this.project): string[] {
    const path = join(project, 'ledger')
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
  }

  /** Waits until a tool of the agent has made this file. */
  async untilFile(name: string, project = this.project): Promise<void> {
    await until(`${name} in the project`, () => existsSync(join(project, name)))
  }

  /** Lets the steps of `onGo` go on. */
  go(): void {
    writeFileSync(join(this.project, 'go'), '')
  }

  /** What the model was asked from the n-th request on, less titles and the like. */
  requestsSince(count: number): Request[] {
    return this.server.requests.slice(count).filter((one) => one.answer !== 'side')
  }

  /** Ends the monitor and the tmux server and removes everything. Gives what was still alive and had to be killed. */
  async close(): Promise<string[]> {
    await this.rca(['monitor', 'stop'])
    const pid = Number(this.tmux(['display-message', '-p', '#{pid}']).stdout)
    this.tmux(['kill-server'])
    if (pid > 0) await until('the end of tmux', () => !isRunning(pid))
    const left = await this.endLeftovers()
    await this.server.close()
    rmSync(dirname(this.socket), { recursive: true, force: true })
    this.lab.cleanup()
    return left
  }

  /** Whatever has this home, or was launched from this state directory. What is about to end gets a moment. */
  private async endLeftovers(): Promise<string[]> {
    const ours = (vars: string[]) =>
      vars.includes(`HOME=${this.home}`) || vars.includes(`RCA_HOME=${this.env.RCA_HOME}`)
    const deadline = Date.now() + 8_000
    while (processesWith(ours).length > 0 && Date.now() < deadline) await sleep(20)
    const left = processesWith(ours)
    for (const { pid } of left) signalIfThere(pid)
    return left.map(({ pid, command }) => `${pid} ${command}`)
  }
}

/** A world for this test, which is taken down after it; nothing of it may be alive then. `config` is rca's own. */
export async function makeWorld(
  agent: AgentName,
  scripts: Scripts,
  test: TestContext,
  config?: object,
): Promise<World> {
  const world = new World(agent, await startModelServer({ scripts }), config)
  test.onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') process.stderr.write(await describeWorld(world))
    const left = await world.close()
    if (left.length > 0) throw new Error(`still alive after the test:\n${left.join('\n')}`)
  })
  return world
}

/** For whoever has to find out why a test failed. */
async function describeWorld(world: World): Promise<string> {
  const { stdout } = await world.rca(['list', '--all', '--json'])
  const requests = world.server.requests.map(
    ({ n, at, conversation, answer, done, closed }) =>
      `${n} ${at} ${conversation} ${answer} [${done}]${closed ? ' closed' : ''}`,
  )
  const tasks: { name: string; taskDir: string }[] = JSON.parse(stdout || '[]')
  const files = tasks.flatMap(({ taskDir }) =>
    ['journal.jsonl', 'events.jsonl', 'stderr.log'].map(
      (name) => `--- ${name}\n${tail(join(taskDir, name))}`,
    ),
  )
  return [`=== ${world.agent}`, stdout, ...requests, ...files, ''].join('\n')
}

function tail(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8').slice(-3_000) : ''
}

/** Waits until something is so. Throws after `timeoutMs`. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await sleep(20)
  }
}

/** A step that adds its number to the ledger, as the last thing it does. */
export const quick = (n: number) => ({ command: `echo ${n} >> ledger` })

/** The same, but the first run does not end by itself: a tool that an interruption finds at work. */
export const stuckOnce = (n: number) => ({
  command: `if [ ! -e began-${n} ]; then touch began-${n}; sleep 300; fi; echo ${n} >> ledger`,
})

/** The same once the project has the file `go`. */
export const onGo = (n: number) => ({
  command: `while [ ! -e go ]; do sleep 0.1; done; echo ${n} >> ledger`,
})

/** Three steps, the second of which does not end the first time. */
export const INTERRUPTED: Script = { steps: [quick(1), stuckOnce(2), quick(3)] }
