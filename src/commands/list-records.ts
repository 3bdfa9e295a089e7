import { basename } from 'node:path'
import type { ReadingContext } from '../context.ts'
import { finishedOf, isClosed, keepDigest, readDigest } from '../task/digest.ts'
import { directoriesNamed, sessionOf } from '../task/directories.ts'
import { type TaskJson, taskJson } from '../task/json.ts'
import type { LookedUp } from '../task/look-up.ts'
import { observe } from '../task/observe.ts'
import { MOST_GONE } from '../task/seen.ts'
import { derive } from '../task/state.ts'
import { readTask } from '../task/store.ts'
import { keepIndex } from '../task/tidy.ts'

/** What the records say of the tasks of which the index does not; it then knows those that are over. */
export async function tasksOf(found: LookedUp, { state, now }: ReadingContext): Promise<TaskJson[]> {
  const directories = (names: readonly string[]) => directoriesNamed(state, names).map((one) => one.dir)
  const fresh = directories(found.fresh)
  const tasks: TaskJson[] = []
  const reopened = directories(found.reopened)
  for (const dir of [...fresh, ...reopened]) {
    const task =
      readDigest(dir) ?? (await derived(dir, now()).catch((error) => unreadable(dir, error, now())))
    if (task) tasks.push(task)
  }
  const finished = fresh.map(finishedOf).filter((one) => one !== null)
  const isGone = found.reopened.length - reopened.length > MOST_GONE
  const again = reopened.length >= MOST_REOPENED && reopened.filter(isClosed).length >= MOST_REOPENED
  await keepIndex(state, found, finished, again || isGone)
  return tasks
}

/** So many that have ended again are looked into; with more the index is written anew, where no monitor has done that. */
const MOST_REOPENED = 16

/** What cannot be looked into is in nobody else's way. */
function unreadable(dir: string, error: unknown, nowMs: number): TaskJson {
  const problems = [error instanceof Error ? error.message : String(error)]
  return taskJson({
    dir,
    session: sessionOf(basename(dir)),
    spec: null,
    journal: { entries: [], problems: [], bytes: 0 },
    problems,
    derived: derive({ spec: null, entries: [], problems, evidence: null, lastOutputMs: 0, nowMs }),
    evidence: null,
    lastActivityAt: null,
    pending: null,
  })
}

async function derived(dir: string, now: number): Promise<TaskJson | null> {
  const stored = readTask(dir)
  if (!stored) return null
  const task = await observe(stored, now)
  keepDigest(task)
  return taskJson(task)
}
