import { readDigest } from './digest.ts'
import { type TaskDirectory, taskDirectory } from './directories.ts'
import { lookUp } from './look-up.ts'

/** Those of all tasks that are not known to be over. */
export function tasksNotOver(state: string): TaskDirectory[] {
  const { index, fresh, reopened } = lookUp(state)
  index?.close()
  return [...fresh, ...reopened]
    .map((name) => taskDirectory(state, name))
    .filter((one) => one !== null)
    .filter((one) => readDigest(one.dir) === null)
}
