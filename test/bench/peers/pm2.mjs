// @ts-check
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installAgents } from '../../agents/install.mjs'
import { textOf } from '../processes.mjs'
import { attempt } from './peer.mjs'

/** @type {string | Error | undefined} */
let bin

/** From npm, as the lock file in pm2/ pins it.
 * @type {import('./peer.mjs').Peer}
 */
export const pm2 = {
  name: 'pm2',
  missing: async () => {
    bin ??= await installAgents({ from: fileURLToPath(new URL('../pm2/', import.meta.url)) }).catch(asError)
    return typeof bin === 'string' ? null : (bin.message.split('\n')[0] ?? '')
  },
  open: (yard) => {
    const env = { PM2_HOME: join(yard.dir, 'pm2') }
    const call = [process.execPath, join(String(bin), 'pm2')]
    const stop = (/** @type {string} */ name) => [...call, 'delete', name]
    const output = (/** @type {string} */ name) => join(yard.work(name), 'output')
    yard.must([...call, 'ping'], { env })
    return {
      env,
      start: (name) => [
        ...[
          ...call,
          'start',
          yard.program,
          '--name',
          name,
          '--cwd',
          yard.work(name),
          '--interpreter',
          'none',
        ],
        ...['--output', output(name), '--error', `${output(name)}.err`],
      ],
      keep: (name) => {
        const app = { name, script: yard.program, cwd: yard.work(name), interpreter: 'none' }
        const file = join(yard.work(name), 'ecosystem.json')
        writeFileSync(file, JSON.stringify({ apps: [{ ...app, min_uptime: 100, max_restarts: 100_000 }] }))
        yard.must([...call, 'start', file], { env })
      },
      stop,
      forget: (...names) => void attempt(yard, [...call, 'delete', ...names], env),
      list: [...call, 'jlist'],
      output,
      daemon: () => Number(textOf(join(yard.dir, 'pm2/pm2.pid'))),
      close: () => void attempt(yard, [...call, 'kill'], env),
    }
  },
}

/** @param {unknown} error */
const asError = (error) => (error instanceof Error ? error : new Error(String(error)))
