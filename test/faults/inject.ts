import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { unless } from '../../src/errors.ts'
import { type ProcessIdentity, procStat } from '../../src/system/identity.ts'
import { type AttemptRecord, attemptNumbers, readAttempt } from '../../src/task/attempt.ts'
import type { TaskJson } from '../../src/task/json.ts'
import { TERMINAL } from '../e2e/harness.ts'

/** Where a task runs: whatever has its own HOME, RCA_HOME and tmux socket. */
export interface Place {
  readonly socket: string
  readonly env: Readonly<Record<string, string>>
}

export type Task = Pick<TaskJson, 'taskDir' | 'name'>

/** Brings one thing to its fall while the task's agent is at work. Resolves when it has fallen. */
export type Inject = (place: Place, task: Task) => Promise<void>

/** How long a process may take to go, ms. */
const GONE_MS = 15_000

/** The agent gets a signal that ends it. */
export const killAgent =
  (signal: NodeJS.Signals): Inject =>
  async (_, task) =>
    end(pidOf(newest(task).agent), signal)

/** The launch script dies; its agent lives on. */
export const killLaunchScript: Inject = async (_, task) => end(pidOf(newest(task).launcher), 'SIGKILL')

/** Both die, the one who would write down the end first. */
export const killLaunchScriptAndAgent: Inject = async (_, task) => {
  const { agent, launcher } = newest(task)
  await end(pidOf(launcher), 'SIGKILL')
  await end(pidOf(agent), 'SIGKILL')
}

/** The shell that ran the launch script dies; the kernel hangs up on all that has its terminal. */
export const killPaneShell: Inject = async (_, task) => end(newest(task).shellPid ?? 0, 'SIGKILL')

/** Somebody closes the task's session. Without a terminal the whole of it is hung up on. */
export const closeSession: Inject = async (place, task) => {
  if (TERMINAL === 'plain') return endGroup(task, 'SIGHUP')
  // It is hung up on a moment later.
  await goneOf(newest(task).agent, () => {
    if (TERMINAL === 'tmux') tmux(place, 'kill-session', '-t', `=${task.name}`)
    else screen(place, task, '-X', 'quit')
  })
}

/** The tmux server dies, and every session with it; or the screen that is the session; or the launch script's process group. */
export const killTerminal =
  (signal: NodeJS.Signals): Inject =>
  async (place, task) => {
    if (TERMINAL === 'plain') return endGroup(task, signal)
    await goneOf(newest(task).agent, () =>
      end(TERMINAL === 'tmux' ? serverOf(place) : screenOf(place, task), signal),
    )
  }

async function endGroup(task: Task, signal: NodeJS.Signals): Promise<void> {
  const { launcher, agent } = newest(task)
  const group = procStat(pidOf(launcher))?.pgrp
  if (group === undefined) throw new Error('there is no launch script')
  process.kill(-group, signal)
  for (const one of [launcher, agent]) if (one) await gone(one.pid, one.start)
}

/** A cleaner takes the socket away; the server and all in it live on. */
export const deleteSocket: Inject = async (place, task) => {
  rmSync(TERMINAL === 'tmux' ? place.socket : screenSocket(place, task))
}

/** The monitor is killed, if one runs. */
export const killMonitor: Inject = async (place) => {
  const pid = monitorOf(place)
  if (pid !== null) await end(pid, 'SIGKILL')
}

/** A person presses Ctrl-C at the pane. */
export const pressCtrlC: Inject = async (place, task) => {
  if (TERMINAL === 'tmux') tmux(place, 'send-keys', '-t', `=${task.name}:`, 'C-c')
  else screen(place, task, '-p', '0', '-X', 'stuff', '^C')
}

/** The agent's process stands still, or goes on. */
export const signalAgent =
  (signal: NodeJS.Signals): Inject =>
  async (_, task) => {
    process.kill(pidOf(newest(task).agent), signal)
  }

/** Two of them at the same moment. */
export const both =
  (...all: readonly Inject[]): Inject =>
  async (place, task) => {
    await Promise.all(all.map((one) => one(place, task)))
  }

/** The newest attempt of a task. */
export function newest({ taskDir }: Task): AttemptRecord {
  const dir = taskDir ?? ''
  const number = attemptNumbers(dir).at(-1)
  if (number === undefined) throw new Error(`${dir} has no attempt`)
  return readAttempt(dir, number)
}

/** The pid of the monitor that runs, or null. */
export function monitorOf({ env }: Place): number | null {
  // Of two who take turns the one takes its file away while this looks.
  const text = unless(['ENOENT'], '', () => readFileSync(join(env.RCA_HOME ?? '', 'monitor'), 'utf8'))
  const [, pid, start] = text.split(' ')
  const stat = pid ? procStat(Number(pid)) : null
  return stat && stat.start === start && stat.state !== 'Z' ? stat.pid : null
}

/** The tmux server's pid. */
export function serverOf(place: Place): number {
  return Number(tmux(place, 'display-message', '-p', '#{pid}'))
}

/** The pid of the screen that is the task's session. */
export function screenOf(place: Place, task: Pick<Task, 'name'>): number {
  return Number(basename(screenSocket(place, task)).split('.')[0])
}

/** Of a session that lives: one that was killed leaves its socket. */
function screenSocket({ env }: Place, { name }: Pick<Task, 'name'>): string {
  const folder = env.SCREENDIR ?? ''
  const all = existsSync(folder) ? readdirSync(folder) : []
  const found = all.find((one) => one.split('.')[1] === name && procStat(Number.parseInt(one, 10)))
  if (!found) throw new Error(`there is no screen ${name}`)
  return join(folder, found)
}

/** Has every process that comes to this pause point wait there. */
export function holdAt(place: Place, point: string): void {
  const folder = place.env.RCA_TEST_PAUSE ?? ''
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${point}.hold`), '')
}

/** Lets those go on that wait at this pause point, and those that come to it. */
export function releaseAt(place: Place, point: string): void {
  rmSync(join(place.env.RCA_TEST_PAUSE ?? '', `${point}.hold`), { force: true })
}

/** Sends a signal and waits until the process is gone. */
export async function end(pid: number, signal: NodeJS.Signals): Promise<void> {
  const start = procStat(pid)?.start
  if (start === undefined) throw new Error(`there is no process ${pid} to send ${signal}`)
  process.kill(pid, signal)
  await gone(pid, start)
}

/** Does what the task's agent ends of by itself, and waits until it has gone. */
export async function agentEndsOf(task: Task, act: () => void): Promise<void> {
  const { agent } = newest(task)
  pidOf(agent)
  await goneOf(agent, act)
}

/** The agent is known before: a moment after its end there is another attempt, whose agent is not recorded yet. */
async function goneOf(agent: ProcessIdentity | null, act: () => void | Promise<void>): Promise<void> {
  await act()
  if (agent) await gone(agent.pid, agent.start)
}

async function gone(pid: number, start: string): Promise<void> {
  const until = Date.now() + GONE_MS
  while (isThere(pid, start)) {
    if (Date.now() > until) throw new Error(`process ${pid} does not go`)
    await sleep(5)
  }
}

function isThere(pid: number, start: string): boolean {
  const stat = procStat(pid)
  return stat !== null && stat.start === start && stat.state !== 'Z'
}

function pidOf(identity: ProcessIdentity | null): number {
  if (!identity) throw new Error('that process is not recorded')
  return identity.pid
}

function tmux({ socket, env }: Place, ...args: string[]): string {
  const options = { env, encoding: 'utf8', timeout: GONE_MS } as const
  const result = spawnSync('tmux', ['-u', '-S', socket, ...args], options)
  if (result.status !== 0) throw new Error(`tmux ${args.join(' ')}: ${result.stderr}`)
  return result.stdout.trim()
}

function screen(place: Place, task: Task, ...args: string[]): void {
  const options = { env: place.env, encoding: 'utf8', timeout: GONE_MS } as const
  const result = spawnSync('screen', ['-S', basename(screenSocket(place, task)), ...args], options)
  if (result.status !== 0) throw new Error(`screen ${args.join(' ')}: ${result.stdout}`)
}
