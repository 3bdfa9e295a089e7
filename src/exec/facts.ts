import { fstatSync, realpathSync, statSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { Context } from '../context.ts'
import { unless } from '../errors.ts'
import type { Facts } from './found.ts'

export function isDirectory(path: string): boolean {
  return unless(['EACCES', 'ELOOP', 'ENAMETOOLONG', 'ENOTDIR'], false, () =>
    Boolean(statSync(path, { throwIfNoEntry: false })?.isDirectory()),
  )
}

/** (The one in JavaScript takes `..` off before it looks at links.) */
export function realPath(path: string): string | null {
  return unless(['ENOENT', 'EACCES', 'ELOOP', 'ENAMETOOLONG', 'ENOTDIR'], null, () =>
    realpathSync.native(path),
  )
}

/** What `recognise` must know of the world. */
export function factsOf({ cwd, env }: Pick<Context, 'cwd' | 'env'>): Facts {
  return { cwd, env, input: ownInput(), isDirectory, realPath }
}

/** A pipe, a socket or a file may hold a prompt; /dev/null and the like hold nothing. */
function ownInput(): Facts['input'] {
  if (isatty(0)) return 'terminal'
  const stat = unless(['EBADF'], null, () => fstatSync(0))
  return stat?.isFile() || stat?.isFIFO() || stat?.isSocket() ? 'own' : 'nowhere'
}
