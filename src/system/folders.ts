import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { errno } from '../errors.ts'

/**
 * Makes a folder and what is missing above it, with this mode; one that is there stays as it is. Throws what the file system
 * throws. (mkdirSync with `recursive` never comes back where a folder takes none, as /proc does: Node 18 to 24.)
 */
export function makeFolders(path: string, mode = 0o777): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    const above = dirname(path)
    if (errno(error) === 'EEXIST' && statSync(path).isDirectory()) return
    if (errno(error) !== 'ENOENT' || existsSync(above)) throw error
    makeFolders(above, mode)
    makeFolders(path, mode)
  }
}
