// @ts-check
import { join } from 'node:path'
import { attempt, forEach, lacking } from './peer.mjs'

/** task-spooler, with so many slots that nothing has to queue.
 * @type {import('./peer.mjs').Peer}
 */
export const tsp = {
  name: 'tsp',
  missing: () => lacking('tsp'),
  open: (yard) => {
    const env = { TS_SOCKET: join(yard.dir, 'tsp'), TS_MAXFINISHED: '100000' }
    const idOf = (/** @type {string} */ name) => {
      const lines = yard.must(['tsp'], { env }).split('\n')
      const ids = lines.filter((line) => line.includes(`[${name}]`)).map((line) => Number.parseInt(line, 10))
      return String(Math.max(...ids))
    }
    const stop = (/** @type {string} */ name) => ['tsp', '-k', idOf(name)]
    yard.must(['tsp', '-S', '1000'], { env })
    return {
      env,
      start: (name) => ['tsp', '-L', name, yard.program],
      stop,
      forget: (...names) => forEach(names, (name) => attempt(yard, stop(name), env)),
      list: ['tsp'],
      wait: (name) => ['tsp', '-w', idOf(name)],
      output: (name) => yard.must(['tsp', '-o', idOf(name)], { env }).trim(),
      close: () => void attempt(yard, ['tsp', '-K'], env),
    }
  },
}
