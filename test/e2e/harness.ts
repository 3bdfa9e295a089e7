import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test as base } from 'vitest'
import type { StatusJson } from '../../src/commands/status.ts'
import { unless } from '../../src/errors.ts'
import type { TaskJson } from '../../src/task/json.ts'
import { TERMINALS } from '../../src/terminal/kinds.ts'

const CHECKOUT = join(import.meta.dirname, '../..')
export const RCA = join(CHECKOUT, 'bin/rca.js')
const AGENTS = join(CHECKOUT, 'test/fixtures/agents')
/** In what tasks run here: tmux, unless RCA_TEST_TERMINAL says otherwise. */
export const TERMINAL = TERMINALS.find((one) => one === process.env.RCA_TEST_TERMINAL) ?? 'tmux'
/** How long anything may take on a busy machine, ms. */
const DEADLINE = 30_000

export interface Result {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Over the world's own environment; undefined takes a name out. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Standard input; without it /dev/null. */
  readonly stdin?: string | Uint8Array
  readonly cwd?: string
  readonly uid?: number
}

export interface Running {
  readonly child: ChildProcess
  readonly done: Promise<Result>
  /** What it has printed so far. */
  readonly output: { stdout: string; stderr: string }
}

/** A process that carries this world's HOME. */
export interface Seen {
  readonly pid: number
  readonly env: Readonly<Record<string, string>>
  readonly command: string
}

/** A machine of its own for one test: HOME, state directory, tmux server, PATH with fake agents. */
export class World {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'rca-e2e-')))
  readonly home = join(this.root, 'home')
  readonly state = join(this.root, 'state')
  readonly bin = join(this.root, 'bin')
  readonly project = join(this.root, 'project')
  readonly socket = join(this.root, 'tmux')
  /** Where screen has its sockets. */
  readonly screens = join(this.root, 'screens')
  private readonly children: ChildProcess[] = []

  constructor() {
    for (const folder of [this.home, this.bin, this.project]) mkdirSync(folder)
    mkdirSync(this.screens, { mode: 0o700 })
    this.config({ monitor: false, policy: { restart: 'never' } })
  }

  /** Replaces rca's settings. At first nothing is supervised; {} is what a user has who has set nothing. */
  config(value: unknown): void {
    const folder = join(this.home, '.config/rca')
    mkdirSync(folder, { recursive: true })
    const path = join(folder, 'config.json')
    writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value))
    chmodSync(path, 0o644)
  }

  get env(): Record<string, string> {
    return {
      PATH: [this.bin, '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
      HOME: this.home,
      RCA_HOME: this.state,
      RCA_TMUX_SOCKET: this.socket,
      // What is chosen without being told is tmux.
      ...(TERMINAL === 'tmux' ? {} : { RCA_TERMINAL: TERMINAL }),
      SCREENDIR: this.screens,
      TERM: 'xterm',
    }
  }

  /** Puts a fake agent on PATH: test/fixtures/agents/<name>/<behaviour>. */
  agent(behaviour: string, name = 'codex'): void {
    this.program(name, `exec '${join(AGENTS, name, behaviour)}' "$@"`)
  }

  /** Puts a shell script on PATH. */
  program(name: string, body: string): void {
    const path = join(this.bin, name)
    rmSync(path, { force: true })
    writeFileSync(path, `#!/bin/sh\n${body}\n`)
    chmodSync(path, 0o755)
  }

  /** A PATH with everything that this machine has but these programs. */
  pathWithout(...names: readonly string[]): string {
    const folder = mkdtempSync(join(this.root, 'system-'))
    for (const from of ['/usr/local/bin', '/usr/bin', '/bin'])
      for (const name of readdirSync(from))
        if (!names.includes(name) && !existsSync(join(folder, name)))
          symlinkSync(join(from, name), join(folder, name))
    return [this.bin, folder].join(delimiter)
  }

  /** Puts a program of this machine into a PATH that holds nothing else. */
  link(...names: readonly string[]): void {
    for (const name of names) {
      const found = spawnSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim()
      symlinkSync(found, join(this.bin, name))
    }
  }

  run(argv: readonly string[], options: RunOptions = {}): Running {
    const [file = '', ...args] = argv
    const env = clean({ ...this.env, ...options.env })
    const uid = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }
    const stdin = options.stdin === undefined ? 'ignore' : 'pipe'
    const child = spawn(file, args, {
      env,
      cwd: options.cwd ?? this.project,
      stdio: [stdin, 'pipe', 'pipe'],
      ...uid,
    })
    this.children.push(child)
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.stdin)
    return { child, ...collect(child) }
  }

  start(args: readonly string[], options: RunOptions = {}): Running {
    return this.run([process.execPath, RCA, ...args], options)
  }

  rca(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    return this.start(args, options).done
  }

  /** Runs a verb with --json that must end well, and parses what it prints. */
  async json<T = TaskJson>(args: readonly string[], options: RunOptions = {}): Promise<T> {
    const result = await this.rca([...args, '--json'], options)
    if (result.code !== 0) throw new Error(`rca ${args.join(' ')}: ${result.code}\n${result.stderr}`)
    return JSON.parse(result.stdout) as T
  }

  /** Starts a fake codex that must start well. */
  async begin(behaviour: string, task = 'fix', ...more: string[]): Promise<TaskJson> {
    this.agent(behaviour)
    return this.json(['start', 'codex', task, '-p', 'do it', ...more])
  }

  /** Ok also where the state is unknown (exit code 4). */
  async status(task = 'fix'): Promise<StatusJson> {
    const result = await this.rca(['status', task, '--json'])
    if (result.stdout === '') throw new Error(`rca status: ${result.code}\n${result.stderr}`)
    return JSON.parse(result.stdout) as StatusJson
  }

  /** Waits until the task is in this state. */
  async reaches(state: string, task = 'fix'): Promise<StatusJson> {
    return until(async () => {
      const now = await this.status(task)
      return now.state === state ? now : null
    }, `${task} to be ${state}`)
  }

  tmux(...args: string[]): string {
    const result = spawnSync('tmux', ['-u', '-S', this.socket, ...args], {
      env: this.env,
      encoding: 'utf8',
      timeout: DEADLINE,
    })
    if (result.status !== 0) throw new Error(`tmux ${args.join(' ')}: ${result.stderr}`)
    return result.stdout.trim()
  }

  /** A session of somebody else's. */
  session(name: string, ...command: string[]): void {
    this.tmux('new-session', '-d', '-s', name, '-x', '80', '-y', '24', ...command)
  }

  pane(target: string): string {
    return this.tmux('capture-pane', '-p', '-J', '-S', '-', '-t', target)
  }

  screen(...args: string[]): string {
    const options = { env: this.env, encoding: 'utf8', timeout: DEADLINE } as const
    return spawnSync('screen', args, options).stdout.trim()
  }

  /** The pid of the screen that is this session, or null. */
  screenOf(session = 'codex-fix'): number | null {
    const all = existsSync(this.screens) ? readdirSync(this.screens) : []
    const names = all.filter((name) => name.split('.')[1] === session)
    return names.map((name) => Number(name.split('.')[0])).find(isRunning) ?? null
  }

  /** Whether the task's session is there; without terminals never. */
  hasSession(session = 'codex-fix'): boolean {
    if (TERMINAL === 'screen') return this.screenOf(session) !== null
    if (TERMINAL === 'plain' || this.server() === null) return false
    const args = ['-S', this.socket, 'has-session', '-t', `=${session}`]
    return spawnSync('tmux', args, { env: this.env }).status === 0
  }

  /** The pid of the tmux server, or null. */
  server(): number | null {
    const args = ['-S', this.socket, 'display-message', '-p', '#{pid}']
    const result = spawnSync('tmux', args, { env: this.env, encoding: 'utf8', timeout: DEADLINE })
    return result.status === 0 ? Number(result.stdout) : null
  }

  /** Everything that runs in this world. */
  processes(): Seen[] {
    return readdirSync('/proc').flatMap((entry) => {
      const seen = /^\d+$/.test(entry) ? seenProcess(Number(entry)) : null
      return seen && seen.env.HOME === this.home ? [seen] : []
    })
  }

  /** What carries the cookie of an attempt: agents and all that they started. */
  agents(): Seen[] {
    return this.processes().filter((one) => one.env.RCA_ATTEMPT !== undefined)
  }

  write(name: string, content = ''): void {
    writeFileSync(join(this.home, name), content)
  }

  /** A file that the fake agent left in HOME; empty where there is none. */
  read(name: string): string {
    return unless(['ENOENT'], '', () => readFileSync(join(this.home, name), 'utf8'))
  }

  /** One line for each time that an agent was run. */
  get runs(): string[] {
    return this.read('runs').split('\n').filter(Boolean)
  }

  /** The task directories, finished or half-made. */
  get taskDirs(): string[] {
    const folder = join(this.state, 'tasks')
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
  }

  /** Ends everything that runs in this world and takes its files away. */
  async dispose(): Promise<void> {
    for (const child of this.children) child.kill('SIGKILL')
    const server = this.server()
    if (server !== null) kill(server)
    await until(() => {
      const left = this.processes()
      for (const one of left) kill(one.pid)
      return left.length === 0
    }, 'every process of the test to end')
    rmSync(this.root, { recursive: true, force: true })
  }
}

function collect(child: ChildProcess): Pick<Running, 'done' | 'output'> {
  const output = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  const done = new Promise<Result>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...output }))
  })
  return { done, output }
}

function clean(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
}

function seenProcess(pid: number): Seen | null {
  try {
    const pairs = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean)
    const env = Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    )
    return { pid, env, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() }
  } catch {
    return null
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has just ended.
  }
}

/** Whether this process runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Waits for a condition: the first truthy value. Fails after 30 s. */
export async function until<T>(check: () => T | Promise<T>, what: string): Promise<NonNullable<T>> {
  const deadline = Date.now() + DEADLINE
  for (;;) {
    const found = await check()
    if (found) return found
    if (Date.now() > deadline) throw new Error(`waited ${DEADLINE / 1000} s in vain for ${what}`)
    await sleep(20)
  }
}

/** The error that a verb with --json printed: stdout must be empty and stderr one line. */
export function jsonError(result: Result): {
  code: string
  message: string
  hint: string | null
  exitCode: number
} {
  if (result.stdout !== '') throw new Error(`stdout is not empty: ${result.stdout}`)
  if (!/^[^\n]+\n$/.test(result.stderr)) throw new Error(`stderr is not one line: ${result.stderr}`)
  return JSON.parse(result.stderr).error
}

export const isRoot = process.getuid?.() === 0
/** A user other than the one who runs the tests (nobody, on Linux). */
export const OTHER_USER = 65_534

/** Every test has a world of its own, which is taken down whatever becomes of the test. */
export const test = base.extend<{ world: World }>({
  world: async ({ task }, use) => {
    const world = new World()
    try {
      await use(world)
    } catch (error) {
      throw new Error(`${task.name} (${world.root})`, { cause: error })
    } finally {
      await world.dispose()
    }
  },
})
