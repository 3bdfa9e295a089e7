import { readDigest } from './digest.ts'
import { directoriesNamed, type TaskDirectory } from './directories.ts'
import { lookUp } from './look-up.ts'

/** Those of all tasks that are not known to be over. */
export function tasksNotOver(state: string): TaskDirectory[] {
  const { index, fresh, reopened } = lookUp(state)
  index?.close()
  return directoriesNamed(state, [...fresh, ...reopened]).filter((one) => readDigest(one.dir) === null)
}
