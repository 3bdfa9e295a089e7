import { copyFileSync, linkSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const CLI = join(import.meta.dirname, '../../dist/index.cjs')

/** Everything that means something to systemd or cron, in one folder's name; systemd takes no program from such a folder. */
export const NASTY = `a  b%h$HOME\${HOME}"q'\\x41;#\\%`
/** As much of it as a program's path may hold. */
export const LESS_NASTY = `a  b%h$HOME\${HOME};#`

/** What a monitor was given when it was started. */
export interface Started {
  readonly pid: number
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** A path of Node in this folder; a hard link, not a symbolic one, behind which Node would see itself. */
export function linkNode(bin: string): string {
  const node = join(bin, 'node')
  mkdirSync(bin, { recursive: true })
  try {
    linkSync(process.execPath, node)
  } catch {
    copyFileSync(process.execPath, node)
  }
  return node
}

/**
 * The real rca in another folder. As a monitor it writes what it was given to `dir/seen.json`, and the pid of a child that no
 * longer hangs on it to `dir/child`.
 */
export function standIn(dir: string, bin: string): string {
  const rca = join(bin, 'rca.js')
  mkdirSync(bin, { recursive: true })
  writeFileSync(
    rca,
    `const { existsSync, renameSync, writeFileSync } = require('node:fs')
const { spawn } = require('node:child_process')
const dir = ${JSON.stringify(dir)}
const write = (name, text) => {
  writeFileSync(dir + '/' + name + '.new', text)
  renameSync(dir + '/' + name + '.new', dir + '/' + name)
}
if (process.argv[2] === 'monitor' && process.argv[3] === '--replace') {
  const { pid, argv, env } = process
  write('seen.json', JSON.stringify({ pid, argv, env }))
  const child = existsSync(dir + '/child') ? null : spawn('/bin/sleep', ['600'], { detached: true, stdio: 'ignore' })
  if (child) write('child', String(child.pid))
}
require(${JSON.stringify(CLI)}).main(process.argv.slice(2))
`,
  )
  return rca
}
