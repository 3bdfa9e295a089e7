// @ts-check
/**
 * One interface for everything that rca is measured beside. A peer is opened in a yard, does its work there and leaves nothing.
 *
 * @typedef {import('../yard.mjs').Yard} Yard
 *
 * @typedef {object} Peer
 * @property {string} name
 * @property {() => string | null | Promise<string | null>} missing   Why it cannot be used here.
 * @property {(yard: Yard) => Runner | Promise<Runner>} open
 *
 * @typedef {object} Runner
 * @property {(names: readonly string[]) => void} [prepare]   Makes these names known, where it has to be told before.
 * @property {(name: string) => string[]} start   The argv that has the yard's program run, in the folder of that name.
 * @property {(name: string) => string[]} stop    The argv that ends it.
 * @property {(...names: string[]) => void} forget   Makes these names free again.
 * @property {string[]} [list]                    The argv that lists what runs.
 * @property {(name: string) => void} [keep]      Starts it so that it is started again at once whenever it dies.
 * @property {(name: string) => string[]} [wait]  The argv that returns when it has ended.
 * @property {(name: string) => string} [output]  The file that holds what it printed.
 * @property {() => number} [daemon]              The pid of what watches.
 * @property {import('../yard.mjs').Env} [env]    What its commands need besides the yard's environment.
 * @property {() => void | Promise<void>} close
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * Null where the programs are on the PATH.
 * @param {...string} programs
 */
export function lacking(...programs) {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const there = (/** @type {string} */ program) =>
    folders.some((folder) => isExecutable(join(folder, program)))
  const lacks = programs.filter((program) => !there(program))
  return lacks.length === 0 ? null : `${lacks.join(', ')} not installed`
}

/** @param {string} path */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * @param {readonly string[]} names
 * @param {(name: string) => unknown} act
 */
export function forEach(names, act) {
  for (const name of names) act(name)
}

/**
 * Runs it and does not mind how it ends.
 * @param {Yard} yard
 * @param {string[]} argv
 * @param {import('../yard.mjs').Env} [env]
 */
export function attempt(yard, [file = '', ...args], env = {}) {
  return spawnSync(file, args, { env: { ...yard.env, ...env }, cwd: yard.dir, encoding: 'utf8' }).stdout ?? ''
}
