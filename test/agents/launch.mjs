// @ts-check
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * @typedef {import('./lab.mjs').AgentName} AgentName
 * @typedef {import('./lab.mjs').Lab} Lab
 *
 * @typedef {object} Wish
 * @property {string} [resume]             The session to go on with.
 * @property {'read'|'write'} [access]     `read` withholds the permission to write. Default: `write`.
 * @property {string[]} [args]             Added to the command line.
 *
 * @typedef {{ argv: string[], sessionIdOf: (stdout: string) => string }} Launch
 *
 * @typedef {object} Ended
 * @property {{ code: number }|{ signal: string }} exit
 * @property {string} stdout
 * @property {string} stderr
 * @property {string} note                                Empty, or what the recorder had to do.
 * @property {{ first: number|null, end: number }} ms     From spawn to the first output, and to the end.
 */

const TIMEOUT_MS = 240_000

/**
 * The command line with which a task would run unattended.
 * @param {AgentName} agent
 * @param {Lab} lab
 * @param {Wish} wish
 * @returns {Launch}
 */
export function launch(agent, lab, wish) {
  return { codex, claude, opencode, pi }[agent](lab, wish)
}

/** @param {Lab} lab @param {Wish} wish @returns {Launch} */
function codex(lab, { resume, access = 'write', args = [] }) {
  const sandbox = access === 'write' ? 'workspace-write' : 'read-only'
  const base = ['codex', 'exec', '--json', '-s', sandbox, '--skip-git-repo-check', '-C', lab.project, ...args]
  return {
    argv: [...base, ...(resume ? ['resume', resume] : []), '-'],
    sessionIdOf: idOf(/"thread_id":"([^"]+)"/),
  }
}

/** @param {Lab} _lab @param {Wish} wish @returns {Launch} */
function claude(_lab, { resume, access = 'write', args = [] }) {
  const base = ['claude', '-p', '--output-format', 'stream-json', '--verbose', ...args]
  const allow = access === 'write' ? ['--dangerously-skip-permissions'] : []
  const session = resume ? ['--resume', resume] : ['--session-id', randomUUID()]
  return { argv: [...base, ...allow, ...session], sessionIdOf: idOf(/"session_id":"([^"]+)"/) }
}

/** @param {Lab} _lab @param {Wish} wish @returns {Launch} */
function opencode(_lab, { resume, access = 'write', args = [] }) {
  const base = ['opencode', 'run', '--format', 'json', ...args, ...(access === 'write' ? ['--auto'] : [])]
  return {
    argv: [...base, ...(resume ? ['-s', resume] : ['--title', 'X'])],
    sessionIdOf: idOf(/"sessionID":"([^"]+)"/),
  }
}

/** @param {Lab} lab @param {Wish} wish @returns {Launch} */
function pi(lab, { resume, args = [] }) {
  const session = join(lab.home, 'session.jsonl')
  const argv = ['pi', '--mode', 'json', '--session', resume ?? session, ...lab.modelArgs, ...args]
  return { argv, sessionIdOf: () => session }
}

/** @param {RegExp} pattern */
const idOf = (pattern) => (/** @type {string} */ stdout) => pattern.exec(stdout)?.[1] ?? ''

/**
 * @param {object} run
 * @param {Lab} run.lab
 * @param {string[]} run.argv
 * @param {string} run.stdin
 * @param {{ signal: NodeJS.Signals, whenFile: string }|null} [run.kill]   As soon as the project has that file.
 * @returns {Promise<Ended>}
 */
export async function runToEnd({ lab, argv: [file = '', ...args], stdin, kill = null }) {
  const begun = Date.now()
  // A group of its own: codex's launcher does not take the agent with it when it is killed.
  const child = spawn(file, args, { cwd: lab.project, env: lab.env, detached: true })
  const out = { stdout: '', stderr: '' }
  let first = /** @type {number|null} */ (null)
  child.stdout.setEncoding('utf8').on('data', (text) => {
    first ??= Date.now() - begun
    out.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    out.stderr += text
  })
  child.stdin.on('error', () => {}).end(stdin)
  let note = ''
  const timer = setTimeout(() => {
    note = ` (still running after ${TIMEOUT_MS / 1000} s, killed by the recorder)`
    signalGroup(child.pid, 'SIGKILL')
  }, TIMEOUT_MS)
  if (kill) void killWhen(child, join(lab.project, kill.whenFile), kill.signal)
  const exit = await new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve(signal === null ? { code: code ?? 0 } : { signal }))
  })
  clearTimeout(timer)
  const end = Date.now() - begun
  await sleep(200)
  signalGroup(child.pid, 'SIGKILL')
  return { exit, ...out, note, ms: { first, end } }
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} path
 * @param {NodeJS.Signals} signal
 */
async function killWhen(child, path, signal) {
  while (!existsSync(path) && child.exitCode === null) await sleep(20)
  // Let it say that the tool began.
  await sleep(500)
  if (signal === 'SIGKILL') signalGroup(child.pid, signal)
  else child.kill(signal)
}

/**
 * @param {number|undefined} pid
 * @param {NodeJS.Signals} signal
 */
function signalGroup(pid, signal) {
  try {
    if (pid) process.kill(-pid, signal)
  } catch {
    // Nothing of it is left.
  }
}
