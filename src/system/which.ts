import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join, resolve } from 'node:path'

/** Where a program would be found on this PATH, as an absolute path, or null. A name with a slash is taken as a path. */
export function which(name: string, path: string, cwd: string): string | null {
  const candidates = name.includes('/')
    ? [resolve(cwd, name)]
    : path
        .split(delimiter)
        .filter((folder) => isAbsolute(folder))
        .map((folder) => join(folder, name))
  return candidates.find(isExecutable) ?? null
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
