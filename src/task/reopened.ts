import { closeSync, existsSync, openSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { unless } from '../errors.ts'
import { syncDirectory } from '../system/durable.ts'
import { makeFolders } from '../system/folders.ts'
import { files, reopenedDirectory, stateOf } from './paths.ts'

/**
 * The tasks that somebody has gone on with after they were over: a file each, by the name of the task directory, there before
 * the journal says so. What the index says of these is not believed (see finished.ts); it is the monitor that tidies up.
 */
export function reopenedTasks(state: string): string[] {
  return unless(['ENOENT'], [] as string[], () => readdirSync(reopenedDirectory(state)))
}

/** Whether a task may be in the index: only what has a digest is put there. */
export const mayBeIndexed = (dir: string) => existsSync(files.digest(dir))

/**
 * Puts a task among them, durably. Its digest says nothing any more. By who writes to its journal, where it has a digest; who
 * knows that it was over does not trust in that, for a digest may be thrown away.
 */
export function markReopened(dir: string): void {
  // In a state directory, where an index may be.
  if (basename(dirname(dir)) !== 'tasks') return
  const folder = reopenedDirectory(stateOf(dir))
  makeFolders(folder, 0o700)
  closeSync(openSync(join(folder, basename(dir)), 'a', 0o600))
  syncDirectory(folder)
  rmSync(files.digest(dir), { force: true })
}

/** Takes a task from among them: what the index says of it is true again, or it is gone. */
export function unmarkReopened(state: string, name: string): void {
  rmSync(join(reopenedDirectory(state), name), { force: true })
}
