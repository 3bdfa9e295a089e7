import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { errno, RcaError } from '../errors.ts'
import { makeFolders } from './folders.ts'
import { randomId } from './random.ts'

/**
 * Writes a file so that after a crash or power loss it holds the old or the new content, never a part: a temporary
 * sibling with a name of its own, fsync, rename, fsync of the folder. Mode 0600 unless told.
 */
export function writeDurable(path: string, content: string | Uint8Array, mode = 0o600): void {
  const temp = join(dirname(path), `.${randomId()}.tmp`)
  try {
    writeSynced(temp, content, mode)
    renameSync(temp, path)
  } catch (error) {
    rmSync(temp, { force: true })
    throw error
  }
  syncDirectory(dirname(path))
}

/** Creates a file that must not exist yet, and fsyncs it (not its folder). Throws EEXIST. */
export function writeSynced(path: string, content: string | Uint8Array, mode = 0o600): void {
  const fd = openSync(path, 'wx', mode)
  try {
    writeFileSync(fd, content)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Makes the content of a file durable. */
export function syncFile(path: string): void {
  const fd = openSync(path, 'r+')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Makes names that were created or renamed in a folder durable. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * Makes sure that a private folder exists: a real directory (no symlink), owned by this user, mode 0700. Throws a clear
 * `config` error where it is somebody else's or cannot be made.
 */
export function ensurePrivateDirectory(path: string): void {
  try {
    makeFolders(path, 0o700)
  } catch (error) {
    throw notUsable(path, error)
  }
  checkPrivateDirectory(path)
}

/** Throws a `config` error unless `path` is a directory of this user that nobody else can write to or look into. */
export function checkPrivateDirectory(path: string): void {
  const stat = lstatSync(path)
  if (!stat.isDirectory()) {
    throw new RcaError(
      'config',
      `${path} is not a directory`,
      'Move it away, or set RCA_HOME to another folder.',
    )
  }
  const uid = process.getuid?.()
  if (uid !== undefined && stat.uid !== uid) {
    throw new RcaError(
      'config',
      `${path} belongs to user ${stat.uid}, not to you (${uid})`,
      'Set RCA_HOME to a folder of your own.',
    )
  }
  if ((stat.mode & 0o077) !== 0) {
    throw new RcaError(
      'config',
      `${path} is open to other users (mode ${(stat.mode & 0o777).toString(8)})`,
      `chmod 700 '${path}'`,
    )
  }
}

function notUsable(path: string, error: unknown): RcaError {
  const code = errno(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') return new RcaError('failed', `No space left to make ${path}`)
  if (code === 'ENOTDIR' || code === 'EEXIST') {
    return new RcaError('config', `${path} is not a directory`, 'Set RCA_HOME to a folder that can be made.')
  }
  return new RcaError(
    'config',
    `The state directory ${path} cannot be written (${code ?? String(error)})`,
    'Set RCA_HOME to a folder that you may write to.',
  )
}

/** Opens a record without following a symlink in its last part, checking that it is this user's; a new one has 0600. */
export function openOwn(path: string, flags = constants.O_RDONLY): number {
  const fd = openSync(path, flags | constants.O_NOFOLLOW, 0o600)
  const stat = fstatSync(fd)
  const uid = process.getuid?.()
  if (!stat.isFile() || (uid !== undefined && stat.uid !== uid)) {
    closeSync(fd)
    throw new RcaError('unknown-state', `${path} is not a file of yours`)
  }
  return fd
}

/** The text of a record, or null where it does not exist. */
export function readOwn(path: string): string | null {
  let fd: number
  try {
    fd = openOwn(path)
  } catch (error) {
    if (errno(error) === 'ENOENT') return null
    throw error
  }
  try {
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}
