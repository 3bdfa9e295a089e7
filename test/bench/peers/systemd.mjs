// @ts-check
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { attempt, forEach, isExecutable, lacking } from './peer.mjs'

const SCRIPT = fileURLToPath(new URL('systemd.sh', import.meta.url))
const MANAGER = fileURLToPath(new URL('../../systemd/manager.sh', import.meta.url))
const FOLDERS = ['/usr/lib/systemd', '/lib/systemd']

/** Transient units of a user manager: one of our own where we are root and may have namespaces, else the user's.
 * @type {import('./peer.mjs').Peer}
 */
export const systemd = {
  name: 'systemd-run',
  missing: () =>
    lacking('systemd-run', 'systemctl') ??
    (ownPossible() || usersRuns() ? null : 'no user manager runs here'),
  open: async (yard) => {
    const own = ownPossible() ? await startOwn(yard) : null
    const env = { XDG_RUNTIME_DIR: own?.runtime ?? process.env.XDG_RUNTIME_DIR ?? '' }
    const unit = (/** @type {string} */ name) => `rca-bench-${process.pid}-${name}`
    const stop = (/** @type {string} */ name) => ['systemctl', '--user', 'stop', unit(name)]
    /** @type {Set<string>} */
    const started = new Set()
    const start = (/** @type {string} */ name) => {
      started.add(name)
      return [
        ...[
          'systemd-run',
          '--user',
          '--quiet',
          `--unit=${unit(name)}`,
          '--collect',
          `--working-directory=${yard.work(name)}`,
        ],
        ...['Restart=always', 'RestartSec=0', 'StartLimitIntervalSec=0'].map((text) => `--property=${text}`),
        ...['PATH', 'HOME', 'TMPDIR'].map(
          (key) => `--setenv=${key}=${yard.env[/** @type {'PATH'} */ (key)]}`,
        ),
        yard.program,
      ]
    }
    const forget = (/** @type {string[]} */ ...names) =>
      forEach(names, (name) => attempt(yard, stop(name), env))
    return {
      env,
      start,
      keep: (name) => void yard.must(start(name), { env }),
      stop,
      forget,
      list: ['systemctl', '--user', 'list-units', '--type=service', '--no-pager'],
      close: async () => {
        forget(...started)
        await own?.close()
      },
    }
  },
}

const usersRuns = () => existsSync(join(process.env.XDG_RUNTIME_DIR ?? '/nowhere', 'systemd/private'))

function ownPossible() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  if (!FOLDERS.some((folder) => isExecutable(join(folder, 'systemd')))) return false
  return spawnSync('unshare', ['-m', 'true']).status === 0
}

/** @param {import('../yard.mjs').Yard} yard */
async function startOwn(yard) {
  const dir = join(yard.dir, 'systemd')
  mkdirSync(dir)
  const env = { ...yard.env, PATH: [yard.env.PATH, ...FOLDERS].join(':') }
  const holder = spawn('unshare', ['-m', 'bash', SCRIPT, dir, MANAGER], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const ended = new Promise((resolve) => holder.on('exit', resolve))
  await new Promise((resolve, reject) => {
    holder.stdout.once('data', resolve)
    holder.once('exit', () => reject(new Error('systemd --user did not start')))
  })
  return {
    runtime: join(dir, 'run'),
    close: async () => {
      holder.stdin.end()
      await ended
    },
  }
}
