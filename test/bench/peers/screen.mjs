// @ts-check
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, forEach, lacking } from './peer.mjs'

/** One detached session a program, with a log of what it prints.
 * @type {import('./peer.mjs').Peer}
 */
export const screen = {
  name: 'screen',
  missing: () => lacking('screen'),
  open: (yard) => {
    const env = { SCREENDIR: join(yard.dir, 'screens') }
    mkdirSync(env.SCREENDIR, { mode: 0o700 })
    const stop = (/** @type {string} */ name) => ['screen', '-S', name, '-X', 'quit']
    const output = (/** @type {string} */ name) => join(yard.work(name), 'output')
    return {
      env,
      start: (name) => ['screen', '-L', '-Logfile', output(name), '-dmS', name, yard.program],
      stop,
      forget: (...names) => forEach(names, (name) => attempt(yard, stop(name), env)),
      list: ['screen', '-ls'],
      output,
      close: () => {},
    }
  },
}
