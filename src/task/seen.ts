import { closeSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { unless } from '../errors.ts'
import { openOwn } from '../system/durable.ts'
import { VERSION } from '../version.ts'
import { seenFile, tasksDirectory } from './paths.ts'

/** In what the folder of the tasks and the index of those that are over differ. */
export interface Difference {
  /** Names of which the index says nothing. */
  readonly fresh: readonly string[]
  /** Names of which it says something, and that are not there any more. */
  readonly gone: readonly string[]
  /** How many rows had been added to it, and where the last of them ended. */
  readonly added: number
  readonly addedEnd: number
}

/** What the folder and the index were when they were compared. */
export interface Stamp {
  /** The folder's inode, when a name in it changed last, and how many are in it: without another the same names are in it. */
  readonly folder: string
  /** That was so long ago when it was looked at that another change would show in it. */
  readonly isSettled: boolean
}

/** A change may leave no trace in a time that is as coarse as this, ms: FAT has 2 s. */
const COARSE_MS = 2_500
/** With more that is gone the index is to be written anew. */
export const MOST_GONE = 64

/** To be taken before the names are read. Null: there is no such folder. */
export function stampOf(state: string): Stamp | null {
  const stat = statSync(tasksDirectory(state), { throwIfNoEntry: false, bigint: true })
  if (!stat) return null
  // ctime: `cp -a`, `tar` and `rsync -a` set mtime back to what it was.
  const { ino, mtimeNs, ctimeNs, nlink, mtimeMs } = stat
  const isSettled = Date.now() - Number(mtimeMs) >= COARSE_MS
  return { folder: `${ino} ${mtimeNs} ${ctimeNs} ${nlink}`, isSettled }
}

/** What was seen when the folder was as it is now, and the index this one; null: nobody has looked since. */
export function readSeen(state: string, index: string, { folder }: Stamp): Difference | null {
  try {
    const fd = openOwn(seenFile(state))
    try {
      const seen = JSON.parse(readFileSync(fd, 'utf8'))
      const isNow = seen.rca === VERSION && seen.index === index && seen.folder === folder
      return isNow ? { fresh: seen.fresh, gone: seen.gone, added: seen.added, addedEnd: seen.addedEnd } : null
    } finally {
      closeSync(fd)
    }
  } catch {
    // It may be thrown away at any time.
    return null
  }
}

/** Remembers it for whoever looks next. Not worth an error. */
export function keepSeen(state: string, index: string, stamp: Stamp, difference: Difference): void {
  const { folder, isSettled } = stamp
  if (!isSettled || difference.gone.length > MOST_GONE) return
  const temp = `${seenFile(state)}.${process.pid}`
  try {
    const seen = { rca: VERSION, index, folder, ...difference }
    writeFileSync(temp, JSON.stringify(seen), { mode: 0o600, flag: 'wx' })
    renameSync(temp, seenFile(state))
  } catch {
    unless(['ENOTDIR', 'EROFS', 'EACCES', 'EPERM'], null, () => rmSync(temp, { force: true }))
  }
}
