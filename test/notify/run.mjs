// @ts-check

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { installAgents } from '../agents/install.mjs'

/**
 * npm run test:notify: notices to the real OpenClaw. It is installed first; the tests then run where there is no network but
 * the loopback, if this user may make such a place.
 */

const ALONE = ['unshare', '-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']

// None is needed, and OpenClaw's own want another Node than npm may run on.
process.env.npm_config_ignore_scripts = 'true'
process.env.RCA_OPENCLAW_BIN = await installAgents({ from: fileURLToPath(new URL('.', import.meta.url)) })
const isPossible = spawnSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'up']).status === 0
const argv = [
  ...(isPossible ? ALONE : []),
  'npx',
  'vitest',
  'run',
  '--project',
  'notify',
  ...process.argv.slice(2),
]
const [file = '', ...args] = argv
process.exitCode = spawnSync(file, args, { stdio: 'inherit' }).status ?? 1
