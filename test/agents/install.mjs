// @ts-check

import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Where the agents of the tests are kept between runs. */
export function cacheDir() {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rca-test-agents')
}

const CI = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
const HERE = fileURLToPath(new URL('.', import.meta.url))

/**
 * Where installAgents puts the binaries.
 * @param {{ from?: string, cache?: string }} [options]
 */
export function agentsBinDir({ from = HERE, cache = cacheDir() } = {}) {
  const lock = readFileSync(join(from, 'package-lock.json'))
  const version = createHash('sha256').update(lock).digest('hex').slice(0, 12)
  return join(cache, version, 'node_modules', '.bin')
}

/**
 * Installs what `from`/package-lock.json pins, once per lock file, and gives the directory of the binaries. Two at the
 * same time are harmless: each installs for itself, the first to finish wins.
 *
 * @param {object} [options]
 * @param {string} [options.from]          Default: this folder, all four agents.
 * @param {string} [options.cache]         Default: cacheDir(). With another one npm's own cache goes there too.
 * @param {AbortSignal} [options.signal]   Ends an installation that is under way.
 * @returns {Promise<string>}
 */
export async function installAgents({ from = HERE, cache = cacheDir(), signal } = {}) {
  const binDir = agentsBinDir({ from, cache })
  const env = cache === cacheDir() ? process.env : { ...process.env, npm_config_cache: join(cache, 'npm') }
  const target = resolve(binDir, '../..')
  if (existsSync(target)) return binDir
  const temporary = `${target}.${randomBytes(4).toString('hex')}`
  mkdirSync(temporary, { recursive: true })
  try {
    for (const file of ['package.json', 'package-lock.json'])
      copyFileSync(join(from, file), join(temporary, file))
    const install = () => npmCi(temporary, env, signal)
    await install().catch((error) => (signal?.aborted ? Promise.reject(error) : install()))
    moveInto(temporary, target)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  return binDir
}

/**
 * @param {string} cwd
 * @param {NodeJS.ProcessEnv} env
 * @param {AbortSignal} [signal]
 */
function npmCi(cwd, env, signal) {
  const installing = run('npm', CI, { cwd, env, maxBuffer: 64 << 20 })
  // Not execFile's own signal option: it does not wait for npm's end. Asked to end, npm takes long to undo its work.
  signal?.addEventListener('abort', () => installing.child.kill('SIGKILL'))
  return installing
}

/**
 * @param {string} temporary
 * @param {string} target
 */
function moveInto(temporary, target) {
  try {
    renameSync(temporary, target)
  } catch (error) {
    // Somebody else was faster.
    if (!existsSync(target)) throw error
  }
}

/** node install.mjs [DIR]: prints the directory of the binaries. */
if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const dir = process.argv[2]
  console.log(await installAgents(dir ? { from: resolve(dir) } : {}))
}
