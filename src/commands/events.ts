import type { ReadingContext } from '../context.ts'
import { type TaskDirectory, taskDirectories } from '../task/directories.ts'
import { Feed, type JournalEvent } from '../task/feed.ts'
import { findTask, tasksOfSession } from '../task/store.ts'

export interface EventsOptions {
  readonly follow: boolean
  /** Only the last so many of what is there; null: all. */
  readonly tail: number | null
  /** Of what is there, only what happened at or after this moment, ms since the epoch; null: all. */
  readonly sinceMs: number | null
}

/**
 * The journals of all tasks, or of the named ones, in one stream: what is there by time and then, with `follow`, what
 * comes, as it comes, until the signal fires. A name stands for the newest task of that name, and for those that come.
 */
export async function* events(
  names: readonly string[],
  options: EventsOptions,
  context: ReadingContext,
  signal: AbortSignal,
): AsyncGenerator<JournalEvent> {
  const feed = new Feed({
    state: context.state,
    find: taskDirectories,
    wants: chosen(names, context),
    warn: context.warn,
    signal: options.follow ? signal : null,
  })
  try {
    yield* wanted(feed.next(), options)
    while (options.follow && !signal.aborted) {
      await feed.news()
      yield* feed.next()
    }
  } finally {
    feed.close()
  }
}

function chosen(names: readonly string[], { state }: ReadingContext): (task: TaskDirectory) => boolean {
  if (names.length === 0) return () => true
  const sessions = new Set(names.map((name) => findTask(state, name).session))
  const older = new Set(
    [...sessions].flatMap((one) => tasksOfSession(state, one).slice(1)).map(({ dir }) => dir),
  )
  return ({ dir, session }) => sessions.has(session) && !older.has(dir)
}

function wanted(found: readonly JournalEvent[], { tail, sinceMs }: EventsOptions): readonly JournalEvent[] {
  const late = sinceMs === null ? found : found.filter((one) => Date.parse(one.at) >= sinceMs)
  return tail === null ? late : late.slice(Math.max(0, late.length - tail))
}
