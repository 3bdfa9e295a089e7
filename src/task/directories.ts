import { lstatSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { unless } from '../errors.ts'
import { parseSession } from './names.ts'
import { tasksDirectory } from './paths.ts'

/** Where a task's records lie. */
export interface TaskDirectory {
  readonly dir: string
  /** The session name. */
  readonly session: string
}

/** The session name that the name of a task directory carries. */
export const sessionOf = (name: string) => name.slice(0, name.lastIndexOf('.'))

/** The directory of this name, or null: somebody's codex-fix.tgz is none. (A link is looked into, and then refused.) */
export function taskDirectory(state: string, name: string): TaskDirectory | null {
  const session = sessionOf(name)
  const dir = join(tasksDirectory(state), name)
  const isOne = parseSession(session) && lstatSync(dir, { throwIfNoEntry: false })?.isFile() === false
  return isOne ? { dir, session } : null
}

/**
 * Whether what was written down of a task directory is of the one that is here: a state directory may have been moved or copied
 * with all that lies in it. By another path (a link) it is the same.
 */
export function isHere(written: string, dir: string): boolean {
  if (written === dir) return true
  const [then, now] = [written, dir].map((one) => statSync(dirname(one), { throwIfNoEntry: false }))
  return then !== undefined && then.ino === now?.ino && then.dev === now.dev
}

/** Those of these names that are task directories. */
export const directoriesNamed = (state: string, names: readonly string[]): TaskDirectory[] =>
  names.map((name) => taskDirectory(state, name)).filter((one) => one !== null)

/** All task directories, or those of which `wants` the session name. */
export function taskDirectories(
  state: string,
  wants: (session: string) => boolean = () => true,
): TaskDirectory[] {
  const folder = tasksDirectory(state)
  const entries = unless(['ENOENT'], [], () => readdirSync(folder, { withFileTypes: true }))
  const found: TaskDirectory[] = []
  for (const entry of entries) {
    const session = sessionOf(entry.name)
    if (wants(session) && !entry.isFile() && parseSession(session))
      found.push({ dir: join(folder, entry.name), session })
  }
  return found
}
