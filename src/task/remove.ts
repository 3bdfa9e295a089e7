import { readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { unless } from '../errors.ts'
import { syncDirectory } from '../system/durable.ts'
import { pausePoint } from '../system/pause.ts'
import { randomId } from '../system/random.ts'
import { stateOf, tasksDirectory } from './paths.ts'
import { markReopened } from './reopened.ts'

/** A directory of this name is no task's any more; see taskDirectories. */
const REMOVED = '.removed.'

/**
 * Takes a task's records away: out of sight at once and durably, whole, and then deleted. For whoever holds the lock of the session
 * and has seen that nothing of it is alive.
 */
export function removeTask(dir: string): void {
  const folder = tasksDirectory(stateOf(dir))
  // By chance another task may get a directory of the same name.
  markReopened(dir)
  const aside = join(folder, `${REMOVED}${basename(dir)}.${randomId()}`)
  renameSync(dir, aside)
  syncDirectory(folder)
  pausePoint('removed-aside')
  rmSync(aside, { recursive: true, force: true })
}

/** Deletes what somebody who died has put aside. */
export function sweepRemoved(state: string): void {
  const folder = tasksDirectory(state)
  for (const name of unless(['ENOENT'], [] as string[], () => readdirSync(folder)))
    if (name.startsWith(REMOVED)) rmSync(join(folder, name), { recursive: true, force: true })
}
