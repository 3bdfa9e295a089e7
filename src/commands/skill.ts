import { existsSync, lstatSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import type { Context } from '../context.ts'
import { RcaError, unless } from '../errors.ts'
import { isOurs, stamped } from '../skill/stamp.ts'
import { writeDurable } from '../system/durable.ts'
import { makeFolders } from '../system/folders.ts'
import { VERSION } from '../version.ts'

const NAME = 'resilient-coding-agent'
const FILE = 'SKILL.md'

export interface SkillInstalled {
  readonly path: string
  readonly done: 'installed' | 'updated' | 'replaced' | 'unchanged'
}

interface Target {
  readonly path: string
  /** What is there; null: nothing. */
  readonly text: string | null
  /** It is a link, or something else that is no file. */
  readonly odd: boolean
  /** Somebody has linked it, or its folder, to the one that came with this rca. */
  readonly linked: boolean
}

/** The skill that came with this rca. */
export function skillPath(context: Context): string {
  return join(dirname(realpathSync(context.self.at(-1) ?? '')), '..', 'skills', NAME, FILE)
}

export const skillText = (context: Context) => readFileSync(skillPath(context), 'utf8')

/**
 * Puts the skill into a folder of skills or, where none is given, into those of the orchestrators that are here. What is
 * there and was not installed by rca, or was changed since, is replaced only with `force`: `conflict` otherwise, and then
 * nothing is written anywhere.
 */
export function installSkill(dir: string | null, force: boolean, context: Context): SkillInstalled[] {
  const folders = dir === null ? skillFolders(context.env) : [resolve(context.cwd, dir)]
  if (folders.length === 0) {
    throw new RcaError(
      'usage',
      'There is neither ~/.claude nor ~/.openclaw',
      'Give the folder of skills: rca skill install DIR',
    )
  }
  const wanted = stamped(skillText(context), VERSION)
  const targets = folders.map((folder) => look(folder, context))
  const foreign = targets.find((one) => !force && isForeign(one))
  if (foreign) throw notOurs(foreign.path)
  return targets.map((target) => install(target, wanted))
}

/**
 * Where the orchestrators that are here look for a user's skills: Claude Code (2.1) in `skills` of its configuration
 * folder, OpenClaw (2026.9) in `skills` of its state directory.
 */
function skillFolders(env: Context['env']): string[] {
  const own = (name: string, folder: string) => {
    const value = env[name]
    return value && isAbsolute(value) ? value : env.HOME ? join(env.HOME, folder) : null
  }
  return [own('CLAUDE_CONFIG_DIR', '.claude'), own('OPENCLAW_STATE_DIR', '.openclaw')]
    .filter((folder) => folder !== null && existsSync(folder))
    .map((folder) => join(folder ?? '', 'skills'))
}

function look(folder: string, context: Context): Target {
  const path = basename(folder) === NAME ? join(folder, FILE) : join(folder, NAME, FILE)
  const stat = unless(['ENOTDIR'], undefined, () => lstatSync(path, { throwIfNoEntry: false }))
  if (!stat) {
    checkFolder(dirname(path))
    return { path, text: null, odd: false, linked: false }
  }
  if (stat.isDirectory())
    throw new RcaError('conflict', `${path} is a folder`, 'Move it away, then try again.')
  const real = unless(['ENOENT', 'ELOOP'], null, () => realpathSync(path))
  const linked = real === realpathSync(skillPath(context))
  return { path, text: stat.isFile() ? readFileSync(path, 'utf8') : null, odd: !stat.isFile(), linked }
}

/** Throws `conflict` where it is none, and none can be made there: something else is in the way. */
function checkFolder(path: string): void {
  const there = unless(['ENOTDIR'], undefined, () => lstatSync(path, { throwIfNoEntry: false }))
  if (!there) {
    checkFolder(dirname(path))
    return
  }
  const isFolder = unless(['ENOENT', 'ELOOP'], false, () => statSync(path).isDirectory())
  if (!isFolder)
    throw new RcaError(
      'conflict',
      `${path} is no folder`,
      'Give another one, or move it away, then try again.',
    )
}

const isForeign = ({ text, odd, linked }: Target) => !linked && (odd || (text !== null && !isOurs(text)))

function install(target: Target, wanted: string): SkillInstalled {
  const { path, text, linked } = target
  if (linked || text === wanted) return { path, done: 'unchanged' }
  makeFolders(dirname(path))
  // Nothing in it is secret.
  writeDurable(path, wanted, 0o644)
  if (isForeign(target)) return { path, done: 'replaced' }
  return { path, done: text === null ? 'installed' : 'updated' }
}

function notOurs(path: string): RcaError {
  return new RcaError(
    'conflict',
    `${path} was not written by rca, or was changed since`,
    'Move it away, or overwrite it with --force.',
  )
}
