import { setImmediate as turn } from 'node:timers/promises'
import { driverFor } from '../agents/index.ts'
import type { ReadingContext } from '../context.ts'
import { RcaError } from '../errors.ts'
import { until } from '../launch/startup.ts'
import type { Choice, LogItem } from '../logs/items.ts'
import { Kept } from '../logs/kept.ts'
import { rawPieces, rawRange, tailStart } from '../logs/raw.ts'
import { Reader } from '../logs/reader.ts'
import { attemptNumbers } from '../task/attempt.ts'
import { goesOn, isBusy } from '../task/observe.ts'
import { sizeOf } from '../task/output.ts'
import { files } from '../task/paths.ts'
import { findTask, requireSpec } from '../task/store.ts'

export interface LogsOptions extends Choice {
  readonly follow: boolean
  /** Only the last so many; null: all. */
  readonly tail: number | null
}

/**
 * What the task's agent said, in order and in pieces: each attempt's events and then what it wrote to stderr. Ends with the
 * last of it or, with `follow`, when the task does. Most agents put no time on their events: `sinceMs` then goes by whole
 * attempts. With `tail` it is read from the end; in no case more is kept in memory than a piece.
 */
export async function* logs(
  name: string,
  options: LogsOptions,
  context: ReadingContext,
  signal?: AbortSignal,
): AsyncGenerator<readonly LogItem[]> {
  const task = findTask(context.state, name)
  const driver = await driverFor(requireSpec(task).agent)
  checkAttempt(task.session, task.dir, options.attempt)
  const reader = new Reader(task.dir, driver, options)
  const { ended } = newestOf(task.dir)
  if (options.tail === null) yield* inTurns(reader.next(ended), signal)
  else yield* inTurns(inPieces(reader.last(options.tail, ended)), signal)
  while (options.follow && !signal?.aborted) {
    const { over, ended, moved } = await lookAhead(task.dir)
    yield* inTurns(reader.next(ended), signal)
    if (over) return
    const news = () => (reader.hasNews() || moved() ? true : undefined)
    await untilNews([files.events(task.dir), files.stderr(task.dir)], task.dir, news, signal)
  }
}

/** The newest attempt, whether it prints on, and which is the newest that prints no more. */
function newestOf(dir: string): { newest: number | null; busy: boolean; ended: number } {
  const newest = attemptNumbers(dir).at(-1) ?? null
  const busy = isBusy(dir, newest)
  return { newest, busy, ended: (newest ?? 0) - (busy ? 1 : 0) }
}

/** More than 512 MiB are no string. */
function* inPieces(items: readonly LogItem[]): Generator<readonly LogItem[]> {
  for (let at = 0; at < items.length; at += 256) yield items.slice(at, at + 256)
}

/** A signal or a reader that has left is noticed between two pieces. */
async function* inTurns<T>(pieces: Iterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  for (const piece of pieces) {
    yield piece
    await turn()
    if (signal?.aborted) return
  }
}

/**
 * Whether what a task has printed by now is all, up to which attempt it is, and a question that says when that may be another
 * matter.
 */
async function lookAhead(dir: string): Promise<{ over: boolean; ended: number; moved: () => boolean }> {
  const journalBytes = sizeOf(files.journal(dir))
  const { newest, busy, ended } = newestOf(dir)
  const moved = () => (busy ? !isBusy(dir, newest) : sizeOf(files.journal(dir)) !== journalBytes)
  return { over: !busy && !(await goesOn(dir)), ended, moved }
}

const THE_END = { over: true, moved: () => false }

async function untilNews(
  paths: readonly string[],
  dir: string,
  news: () => true | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const options = { timeoutMs: null, everyMs: 1_000, ...(signal ? { signal } : {}) }
  await until([...paths, files.journal(dir)], news, options)
}

function checkAttempt(session: string, dir: string, attempt: number | null): void {
  const numbers = attemptNumbers(dir)
  if (attempt === null || numbers.includes(attempt)) return
  throw new RcaError(
    'usage',
    `${session} has no attempt ${attempt}`,
    `Attempts: ${numbers.join(', ') || 'none'}.`,
  )
}

/** The bytes of events.jsonl, as the agent printed them. */
export async function* rawLogs(
  name: string,
  options: LogsOptions,
  context: ReadingContext,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const task = findTask(context.state, name)
  checkAttempt(task.session, task.dir, options.attempt)
  const path = files.events(task.dir)
  const kept = new Kept(task.dir)
  const { from, to } = rawRange(task.dir, options.attempt)
  const begin = Math.max(from, kept.now().events)
  let at = options.tail === null ? begin : tailStart(path, begin, to ?? sizeOf(path), options.tail)
  const follows = options.follow && to === null
  for (;;) {
    const { over, moved } = follows ? await lookAhead(task.dir) : THE_END
    for await (const { bytes, end } of inTurns(rawPieces(path, { from: at, to }, kept), signal)) {
      at = end
      yield bytes
    }
    if (over || signal?.aborted) return
    const news = () => (sizeOf(path) > at || moved() ? true : undefined)
    await untilNews([path], task.dir, news, signal)
  }
}
