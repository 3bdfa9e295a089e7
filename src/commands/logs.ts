import type { Driver } from '../agents/driver.ts'
import type { AgentEvent } from '../agents/event.ts'
import { driverFor } from '../agents/index.ts'
import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { until } from '../launch/startup.ts'
import { type AttemptRecord, attemptNumbers, readAttempt } from '../task/attempt.ts'
import { goesOn, isBusy } from '../task/observe.ts'
import { readBytes, readLines, sizeOf } from '../task/output.ts'
import { files } from '../task/paths.ts'
import { findTask, requireSpec } from '../task/store.ts'

export interface LogsOptions {
  readonly follow: boolean
  /** Only the last so many; null: all. */
  readonly tail: number | null
  /** Only what happened at or after this moment, ms since the epoch; null: all. */
  readonly sinceMs: number | null
  /** Only this attempt; null: all. */
  readonly attempt: number | null
}

/** One thing that the logs show. */
export type LogItem =
  | { readonly kind: 'attempt'; readonly number: number; readonly how: string; readonly at: string }
  | { readonly kind: 'event'; readonly attempt: number; readonly event: AgentEvent }
  | { readonly kind: 'stderr'; readonly attempt: number; readonly text: string }

/**
 * What the task's agent said, in order: each attempt's events and then what it wrote to stderr. Ends with the last of it or,
 * with `follow`, when the task does. Most agents put no time on their events: `since` then goes by whole attempts.
 */
export async function* logs(name: string, options: LogsOptions, context: Context, signal?: AbortSignal) {
  const task = findTask(context.state, name)
  const driver = await driverFor(requireSpec(task).agent)
  checkAttempt(task.session, task.dir, options.attempt)
  const reader = new Reader(task.dir, driver, options)
  const first = [...reader.next()]
  yield* options.tail === null ? first : first.slice(Math.max(0, first.length - options.tail))
  while (options.follow && !signal?.aborted) {
    const newest = attemptNumbers(task.dir).at(-1) ?? null
    const journalBytes = sizeOf(files.journal(task.dir))
    const busy = isBusy(task.dir, newest)
    const over = !busy && !(await goesOn(task.dir))
    yield* reader.next()
    if (over) return
    const paths = [files.events(task.dir), files.stderr(task.dir), files.journal(task.dir)]
    const moved = () => (busy ? !isBusy(task.dir, newest) : sizeOf(files.journal(task.dir)) !== journalBytes)
    const changed = () => (reader.hasNews() || moved() ? true : undefined)
    await until(paths, changed, { timeoutMs: null, everyMs: 1_000, ...(signal ? { signal } : {}) })
  }
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

/** Reads on from where it stopped, attempt after attempt. */
class Reader {
  private readonly dir: string
  private readonly driver: Driver
  private readonly options: LogsOptions
  private readonly announced = new Set<number>()
  private readonly sessions = new Set<string>()
  private events = 0
  private stderr = 0

  constructor(dir: string, driver: Driver, options: LogsOptions) {
    this.dir = dir
    this.driver = driver
    this.options = options
  }

  hasNews(): boolean {
    return sizeOf(files.events(this.dir)) > this.events || sizeOf(files.stderr(this.dir)) > this.stderr
  }

  *next(): Generator<LogItem> {
    const records = attemptNumbers(this.dir).map((number) => readAttempt(this.dir, number))
    for (const [index, record] of records.entries()) {
      const following = records[index + 1]?.claim ?? null
      const events = this.lines('events', record.claim?.eventsOffset ?? 0, following?.eventsOffset ?? null)
      const stderr = this.lines('stderr', record.claim?.stderrOffset ?? 0, following?.stderrOffset ?? null)
      if (this.isWanted(record)) yield* this.items(record, events, stderr)
    }
  }

  private isWanted(record: AttemptRecord): boolean {
    const { attempt, sinceMs } = this.options
    if (attempt !== null && record.number !== attempt) return false
    return sinceMs === null || record.exitAt === null || Date.parse(record.exitAt) >= sinceMs
  }

  private *items(record: AttemptRecord, events: string[], stderr: string[]): Generator<LogItem> {
    const attempt = record.number
    if (!this.announced.has(attempt)) {
      this.announced.add(attempt)
      yield {
        kind: 'attempt',
        number: attempt,
        how: record.claim?.how ?? 'start',
        at: record.claim?.claimedAt ?? '',
      }
    }
    for (const event of events.flatMap((line) => this.driver.parse(line))) {
      if (this.isNews(attempt, event)) yield { kind: 'event', attempt, event }
    }
    for (const text of stderr) if (text.trim() !== '') yield { kind: 'stderr', attempt, text }
  }

  /** An agent may say with every step which conversation it works on (opencode does): once an attempt is enough. */
  private isNews(attempt: number, event: AgentEvent): boolean {
    const { sinceMs } = this.options
    if (sinceMs !== null && event.at !== undefined && Date.parse(event.at) < sinceMs) return false
    if (event.kind !== 'session') return true
    const key = `${attempt} ${event.id}`
    return !this.sessions.has(key) && this.sessions.add(key) !== undefined
  }

  /** Whole lines of one file that belong to one attempt and were not read yet. */
  private lines(which: 'events' | 'stderr', from: number, to: number | null): string[] {
    const path = which === 'events' ? files.events(this.dir) : files.stderr(this.dir)
    const start = Math.max(from, this[which])
    const end = to ?? sizeOf(path)
    if (start >= end) return []
    const found = [...readLines(path, start, end, to !== null)]
    this[which] = to ?? found.at(-1)?.end ?? start
    return found.map((line) => line.text)
  }
}

/** The bytes of events.jsonl, as the agent printed them. */
export async function* rawLogs(name: string, options: LogsOptions, context: Context, signal?: AbortSignal) {
  const task = findTask(context.state, name)
  checkAttempt(task.session, task.dir, options.attempt)
  const path = files.events(task.dir)
  const { from, to } = rawRange(task.dir, options.attempt)
  let at = options.tail === null ? from : tailStart(path, from, to, options.tail)
  for (;;) {
    const newest = attemptNumbers(task.dir).at(-1) ?? null
    const journalBytes = sizeOf(files.journal(task.dir))
    const busy = isBusy(task.dir, newest)
    const over = !options.follow || to !== null || (!busy && !(await goesOn(task.dir)))
    for (const chunk of readBytes(path, at, to)) {
      at += chunk.length
      yield chunk
    }
    if (over || signal?.aborted) return
    const moved = () => (busy ? !isBusy(task.dir, newest) : sizeOf(files.journal(task.dir)) !== journalBytes)
    const news = () => (sizeOf(path) > at || moved() ? true : undefined)
    const paths = [path, files.journal(task.dir)]
    await until(paths, news, { timeoutMs: null, everyMs: 1_000, ...(signal ? { signal } : {}) })
  }
}

/** Where the last `count` lines begin. */
function tailStart(path: string, from: number, to: number | null, count: number): number {
  const starts = [from]
  for (const line of readLines(path, from, to, true)) starts.push(line.end)
  return starts[Math.max(0, starts.length - 1 - count)] ?? from
}

function rawRange(dir: string, attempt: number | null): { from: number; to: number | null } {
  if (attempt === null) return { from: 0, to: null }
  const following = attemptNumbers(dir).find((number) => number > attempt)
  const offset = (number: number) => readAttempt(dir, number).claim?.eventsOffset ?? 0
  return { from: offset(attempt), to: following === undefined ? null : offset(following) }
}
