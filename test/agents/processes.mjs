// @ts-check
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Looks at processes without rca's own code.
 *
 * @typedef {{ pid: number, command: string }} Process
 */

/**
 * Live processes whose environment answers the question.
 * @param {(variables: string[]) => boolean} match
 * @returns {Process[]}
 */
export function processesWith(match) {
  return environments().flatMap(({ pid, variables }) => {
    const command = match(variables) ? commandOf(pid) : null
    return command === null ? [] : [{ pid, command }]
  })
}

/** @returns {{ pid: number, variables: string[] }[]} */
function environments() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const text = read(`/proc/${name}/environ`)
      return text ? [{ pid: Number(name), variables: text.split('\0') }] : []
    })
}

/** @param {number} pid */
function commandOf(pid) {
  return read(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim() ?? null
}

/** @param {string} path */
export function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/**
 * What is alive of a task, or of one of its attempts, tools in sessions of their own included.
 * @param {{ taskDir: string|null }} task
 * @param {number} [attempt]
 */
export function carriers({ taskDir }, attempt) {
  const wanted = `RCA_ATTEMPT=${taskId(taskDir ?? '')}:`
  return processesWith((variables) =>
    variables.some((one) => (attempt === undefined ? one.startsWith(wanted) : one === wanted + attempt)),
  )
}

/**
 * The helpers of a task's launch scripts.
 * @param {string} taskDir
 */
export function helpers(taskDir) {
  const wanted = `RCA_LAUNCH=${taskId(taskDir)}:`
  return processesWith((variables) => variables.some((one) => one.startsWith(wanted)))
}

/**
 * The attempts of a task of which something is alive.
 * @param {string} id
 * @returns {Map<number, number[]>}
 */
export function attemptsAlive(id) {
  const found = new Map()
  const wanted = `RCA_ATTEMPT=${id}:`
  for (const { pid, variables } of environments()) {
    const attempt = variables.find((one) => one.startsWith(wanted))?.slice(wanted.length)
    if (attempt) found.set(Number(attempt), [...(found.get(Number(attempt)) ?? []), pid])
  }
  return found
}

/** @param {string} taskDir @returns {string} */
export function taskId(taskDir) {
  return JSON.parse(readFileSync(join(taskDir, 'spec.json'), 'utf8')).id
}

/**
 * A process that has ended and that nobody has asked about yet is still listed.
 * @param {number} pid
 */
export function isRunning(pid) {
  const stat = read(`/proc/${pid}/stat`)
  return stat !== null && !/\) [ZX] /.test(stat)
}

/**
 * Whether a process that was told to stop has done so, or has gone; one that is about to be gone never stops.
 * @param {number} pid
 */
export function isStoppedOrGone(pid) {
  return !isRunning(pid) || /\) [TD] /.test(read(`/proc/${pid}/stat`) ?? '')
}

/**
 * @param {number|null} pid
 * @param {NodeJS.Signals} [signal]
 */
export function signalIfThere(pid, signal = 'SIGKILL') {
  if (pid === null) return
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended.
  }
}
