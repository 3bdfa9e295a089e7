import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { errno } from '../errors.ts'

/**
 * Makes a folder and what is missing above it, with this mode; one that is there stays as it is. Throws what the file system
 * throws. (mkdirSync with `recursive` never comes back where a folder takes none, as /proc does: Node 18 to 24.)
 */
export function makeFolders(path: string, mode = 0o777): void {
  try {
    makeFolder(path, mode)
  } catch (error) {
    if (errno(error) !== 'ENOENT' || dirname(path) === path) throw error
    makeFolders(dirname(path), mode)
    // The one above is there now, whoever made it.
    makeFolder(path, mode)
  }
}

function makeFolder(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if (errno(error) !== 'EEXIST' || !statSync(path).isDirectory()) throw error
  }
}

/** The folder in which this process is; null: it is gone (a worktree that was removed). */
export function workingDirectory(): string | null {
  try {
    return process.cwd()
  } catch {
    return null
  }
}
