import { setTimeout as sleep } from 'node:timers/promises'
import type { ReadingContext } from '../context.ts'
import { Feed } from '../task/feed.ts'
import type { TaskJson } from '../task/json.ts'
import { tasksNotOver } from '../task/not-over.ts'
import { type ListOptions, list } from './list.ts'

/** Not more often than this, ms: when a hundred tasks start at once, one look shows all of them. */
const GAP_MS = 100

/**
 * The list now, and again whenever it may have changed, until the signal fires: file events tell, and every two seconds it is
 * looked at anyhow, for what makes none (a process that was killed).
 */
export async function* watchList(
  options: ListOptions,
  context: ReadingContext,
  signal: AbortSignal,
): AsyncGenerator<TaskJson[]> {
  const feed = new Feed({
    state: context.state,
    find: tasksNotOver,
    wants: () => true,
    warn: () => {},
    signal,
  })
  try {
    while (!signal.aborted) {
      // What happens from here on is news.
      feed.next()
      yield await list(options, context)
      await sleep(GAP_MS, undefined, { signal }).catch(() => {})
      await feed.news()
    }
  } finally {
    feed.close()
  }
}

/** A task that is in the list no more. */
export interface GoneJson {
  readonly schema: 1
  readonly name: string
  readonly taskDir: string | null
  readonly gone: true
}

/** What `changes` has told already: a text for every task. */
export type Told = ReadonlyMap<string, { readonly text: string; readonly task: TaskJson }>

/** Which tasks are new, or are not as they were told, and which are gone. That an agent printed something is no change. Pure. */
export function changes(
  told: Told,
  tasks: readonly TaskJson[],
): { lines: (TaskJson | GoneJson)[]; told: Told } {
  const now: Told = new Map(
    tasks.map((task) => [
      task.taskDir ?? task.name,
      { task, text: JSON.stringify({ ...task, lastActivityAt: null }) },
    ]),
  )
  const changed = [...now]
    .filter(([key, { text }]) => told.get(key)?.text !== text)
    .map(([, { task }]) => task)
  const gone = [...told].filter(([key]) => !now.has(key)).map(([, { task }]) => goneJson(task))
  return { lines: [...changed, ...gone], told: now }
}

const goneJson = ({ name, taskDir }: TaskJson): GoneJson => ({ schema: 1, name, taskDir, gone: true })
