import { writeDurable } from '../system/durable.ts'
import { randomId } from '../system/random.ts'
import { finishedOf } from './digest.ts'
import { sessionOf, taskDirectory } from './directories.ts'
import { addFinished, type FinishedTask, fits, formatFinished } from './finished.ts'
import { acquireLock, type Lock, lockIndex } from './lock.ts'
import { type LookedUp, lookUp } from './look-up.ts'
import { finishedFile } from './paths.ts'
import { reopenedTasks, unmarkReopened } from './reopened.ts'
import { MOST_GONE } from './seen.ts'

/** When more than this part of the rows are behind the blocks, or more than so many, the index is written anew. */
const LOOSE_PART = 0.25
const LOOSE_ROWS = 256

/** Whether the index is worth being written anew. Pure. */
export const isLoose = ({ index, added, gone }: Pick<LookedUp, 'index' | 'added' | 'gone'>) =>
  index === null || gone > MOST_GONE || added.length > Math.max(LOOSE_ROWS, index.length * LOOSE_PART)

/**
 * Has the index know these tasks, too; `untidy`: it is to be written anew anyhow. Not worth an error, nor a wait: whoever looks the
 * next time does it.
 */
export async function keepIndex(
  state: string,
  found: LookedUp,
  finished: readonly FinishedTask[],
  untidy: boolean,
): Promise<void> {
  try {
    if (untidy || (isLoose(found) && (found.index || finished.length > 0))) await tidyIndex(state)
    else if (finished.length > 0) addFinished(state, finished)
  } catch {
    // A full disk, or somebody else is at it.
  }
}

/**
 * Writes the index anew: with all tasks that are over, also those that were gone on with and have ended again, and without those
 * that are gone. Throws `conflict` where somebody else is at it.
 */
export async function tidyIndex(state: string): Promise<void> {
  const lock = await lockIndex(state, 'rca, tidying up')
  const held: Lock[] = []
  try {
    const marked = reopenedTasks(state)
    const found = lookUp(state)
    const tasks = [...known(found), ...freshlyOver(state, found.fresh)]
    found.index?.close()
    const settled = marked.filter((name) => taskDirectory(state, name) === null)
    for (const name of marked) {
      const again = await overAgain(state, name, held)
      if (!again) continue
      tasks.push(again)
      settled.push(name)
    }
    writeDurable(finishedFile(state), formatFinished(tasks.filter(fits), randomId()))
    for (const name of settled) unmarkReopened(state, name)
  } finally {
    for (const one of held) one.release()
    lock.release()
  }
}

function known({ index, rows, added }: LookedUp): FinishedTask[] {
  if (!index) return []
  return [...rows.map((row) => index.row(row)), ...added]
    .map((row) => ({ ...row, json: index.jsonOf(row) }))
    .filter(({ json }) => !json.includes(0))
}

function freshlyOver(state: string, names: readonly string[]): FinishedTask[] {
  return names
    .map((name) => taskDirectory(state, name))
    .map((one) => (one ? finishedOf(one.dir) : null))
    .filter((one) => one !== null)
}

/** Under the task's lock, which is `held`: nobody goes on with it until the index says what it says now. */
async function overAgain(state: string, name: string, held: Lock[]): Promise<FinishedTask | null> {
  const dir = taskDirectory(state, name)?.dir
  if (!dir || finishedOf(dir) === null) return null
  const lock = await acquireLock(state, sessionOf(name), 'rca, tidying up', 0).catch(() => null)
  if (!lock) return null
  held.push(lock)
  return finishedOf(dir)
}
