// @ts-check
import { spawnSync } from 'node:child_process'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { carriers, isRunning, read, signalIfThere } from './processes.mjs'

/**
 * What is done to a task while its agent works, by the records on disk and without rca's own code.
 *
 * @typedef {object} Scene
 * @property {string} taskDir
 * @property {string} state                       The state directory.
 * @property {string} socket                      The tmux server's.
 * @property {Readonly<Record<string, string>>} env
 *
 * @typedef {(scene: Scene) => void|Promise<void>} Inject
 */

/** Each ends the agent, at once or a moment later. @type {Record<string, Inject>} */
export const deadly = {
  'agent SIGKILL': (scene) => signalIfThere(agentOf(scene)),
  'agent SIGTERM': (scene) => signalIfThere(agentOf(scene), 'SIGTERM'),
  'whole tree SIGKILL': killTree,
  'launch script and agent SIGKILL': (scene) => {
    const agent = agentOf(scene)
    signalIfThere(launcherOf(scene))
    signalIfThere(agent)
  },
  'pane shell SIGKILL': (scene) => signalIfThere(shellOf(scene)),
  'tmux kill-session': ({ socket, env, taskDir }) => {
    spawnSync('tmux', ['-S', socket, 'kill-session', '-t', `=${sessionOf(taskDir)}`], { env })
  },
  'tmux server SIGKILL': (scene) => signalIfThere(serverOf(scene)),
  'tmux server SIGTERM': (scene) => signalIfThere(serverOf(scene), 'SIGTERM'),
  'tmux socket deleted, agent SIGKILL': (scene) => {
    rmSync(scene.socket, { force: true })
    signalIfThere(agentOf(scene))
  },
  'monitor SIGKILL, agent SIGKILL': async (scene) => {
    await killMonitor(scene)
    signalIfThere(agentOf(scene))
  },
}

/** Each leaves the agent at work. @type {Record<string, Inject>} */
export const harmless = {
  'launch script SIGKILL': async (scene) => {
    signalIfThere(launcherOf(scene))
    while (launcherOf(scene) !== null) await sleep(5)
  },
  'tmux socket deleted': ({ socket }) => rmSync(socket, { force: true }),
  'monitor SIGKILL': killMonitor,
}

/** @param {Scene} scene */
function killTree({ taskDir }) {
  for (const { pid } of carriers({ taskDir })) signalIfThere(pid)
}

/** @param {Pick<Scene, 'state'>} scene */
async function killMonitor({ state }) {
  const pid = monitorOf(state)
  signalIfThere(pid)
  while (pid && isRunning(pid)) await sleep(5)
}

/** @param {string} state */
export function monitorOf(state) {
  const [, pid, start] = read(join(state, 'monitor'))?.split(' ') ?? []
  return living(pid, start)
}

/** The process that became the agent. @param {Pick<Scene, 'taskDir'>} scene */
export function agentOf({ taskDir }) {
  return recorded(taskDir, 'process')
}

/** @param {Pick<Scene, 'taskDir'>} scene */
export function launcherOf({ taskDir }) {
  return recorded(taskDir, 'begun')
}

/** The pane's shell is the launch script's parent, as that wrote it down. @param {Scene} scene */
function shellOf({ taskDir }) {
  const pid = Number(statFields(recordOf(taskDir, 'begun'))[1])
  return pid > 1 && read(`/proc/${pid}/environ`)?.includes(`TASK_TMPDIR=${taskDir}\0`) ? pid : null
}

/** The shell's parent; the socket may be gone. @param {Scene} scene */
function serverOf(scene) {
  const shell = shellOf(scene)
  const pid = Number(shell && statFields(read(`/proc/${shell}/stat`) ?? '')[1])
  return pid > 1 ? pid : null
}

/** @param {string} taskDir */
function sessionOf(taskDir) {
  return /([^/]+)\.[^./]+$/.exec(taskDir)?.[1] ?? ''
}

/** The process that one of the newest attempt's records names, while it lives. @param {string} taskDir @param {string} name */
function recorded(taskDir, name) {
  const text = recordOf(taskDir, name)
  return living(/^proc \S+ (\d+) /.exec(text)?.[1], statFields(text)[19])
}

/** @param {string} taskDir @param {string} name */
function recordOf(taskDir, name) {
  return read(join(taskDir, 'attempts', String(newestAttempt(taskDir)), name)) ?? ''
}

/** What follows the name in a line of /proc/PID/stat: state, parent ... @param {string} line */
function statFields(line) {
  return line.slice(line.lastIndexOf(')') + 2).split(' ')
}

/**
 * This very process or, where it has ended, null: its pid may be another's by now.
 * @param {string|undefined} pid
 * @param {string|undefined} start
 */
function living(pid, start) {
  const now = statFields(read(`/proc/${pid}/stat`) ?? '')[19]
  return start && now === start && isRunning(Number(pid)) ? Number(pid) : null
}

/** @param {string} taskDir */
export function newestAttempt(taskDir) {
  const names = readdirSync(join(taskDir, 'attempts')).filter((name) => /^\d+$/.test(name))
  return Math.max(0, ...names.map(Number))
}

/**
 * When the process that became the agent wrote down who it is, ms since the epoch: the first thing that it does, some ms after
 * it was born. Null: not yet.
 * @param {string} taskDir
 * @param {number} attempt
 */
export function agentBeganMs(taskDir, attempt) {
  const stat = statSync(join(taskDir, 'attempts', String(attempt), 'process'), { throwIfNoEntry: false })
  return stat && stat.size > 0 ? stat.mtimeMs : null
}
