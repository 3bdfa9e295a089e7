// @ts-check
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const REPO = fileURLToPath(new URL('../../../', import.meta.url))

/**
 * Builds rca with the names that are in the source.
 * @param {string} dir
 * @returns {string}   Its bin/rca.js.
 */
export function buildReadable(dir) {
  const tsup = join(REPO, 'node_modules/.bin/tsup')
  const env = { ...process.env, RCA_READABLE: '1' }
  const how = /** @type {const} */ ({ cwd: REPO, env, encoding: 'utf8' })
  const { status, stdout, stderr } = spawnSync(tsup, ['--out-dir', join(dir, 'dist')], how)
  if (status !== 0) throw new Error(`tsup: exit code ${status}\n${stdout}${stderr}`)
  mkdirSync(join(dir, 'bin'), { recursive: true })
  for (const name of ['rca.js', 'package.json']) copyFileSync(join(REPO, 'bin', name), join(dir, 'bin', name))
  return join(dir, 'bin/rca.js')
}
