// @ts-check
/** What the fake agent of a yard leaves in the folder in which it runs. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { until } from './clock.mjs'
import { textOf } from './processes.mjs'

/** The pid of the agent that runs there, 0 while it is not known.
 * @param {string} folder
 */
export const pidIn = (folder) => Number(lineOf(join(folder, 'pid')))

/**
 * When it noted down `name`, ms since the epoch; waits for it, and takes it away.
 * @param {string} folder
 * @param {string} [name]
 */
export function takeStamp(folder, name = 'stamp') {
  const path = join(folder, name)
  const text = until(() => lineOf(path), `the agent's ${name}`)
  rmSync(path)
  return Number(text) / 1e6
}

/** A whole line, or nothing. @param {string} path */
function lineOf(path) {
  const text = textOf(path)
  return text.endsWith('\n') ? text.trim() : ''
}
