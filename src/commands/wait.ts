import { existsSync } from 'node:fs'
import type { Context } from '../context.ts'
import { EXIT, RcaError } from '../errors.ts'
import { until } from '../launch/startup.ts'
import { GAVE_UP } from '../supervise/next.ts'
import { ensureMonitorFor } from '../supervise/spawn.ts'
import { attemptNumbers } from '../task/attempt.ts'
import { type TaskJson, taskJson } from '../task/json.ts'
import { isBusy, type Observed } from '../task/observe.ts'
import { sizeOf } from '../task/output.ts'
import { files } from '../task/paths.ts'
import { settle } from '../task/settle.ts'
import { isLive } from '../task/state.ts'
import { findTask, readTask, type Stored } from '../task/store.ts'

export interface WaitOptions {
  /** Return at the first end, not the last. */
  readonly any: boolean
  readonly timeoutMs: number | null
  /** Whether somebody is to supervise the tasks meanwhile. */
  readonly monitor: boolean
}

export interface WaitResult {
  /** In the order asked; with `any` those that have ended. */
  readonly tasks: readonly TaskJson[]
  readonly timedOut: boolean
}

/**
 * Blocks until the tasks have ended. It sleeps on file events of their records; once a second it looks whether their
 * processes still live, for the one end that makes no event (the launch script was killed before its agent ended).
 */
export async function wait(
  names: readonly string[],
  options: WaitOptions,
  context: Context,
  signal?: AbortSignal,
): Promise<WaitResult> {
  const stored = dedupe(names.map((name) => findTask(context.state, name)))
  const stop = new AbortController()
  signal?.addEventListener('abort', () => stop.abort())
  const deadline = options.timeoutMs === null ? null : Date.now() + options.timeoutMs
  const ended: (Observed | null)[] = stored.map(() => null)
  const waits = stored.map(async (task, index) => {
    ended[index] = await untilEnded(task, deadline, stop.signal, options.monitor, context)
  })
  try {
    await (options.any ? firstEnd(waits, ended) : Promise.all(waits))
  } finally {
    stop.abort()
  }
  await Promise.all(waits)
  const over = ended.filter((task) => task !== null)
  return {
    tasks: over.map(taskJson),
    timedOut: options.any ? over.length === 0 : over.length < stored.length,
  }
}

function dedupe(tasks: readonly Stored[]): Stored[] {
  return [...new Map(tasks.map((task) => [task.dir, task])).values()]
}

/** Resolves when one has ended, or all have given up. */
async function firstEnd(waits: readonly Promise<void>[], ended: readonly unknown[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    for (const one of waits) one.then(() => ended.some((task) => task !== null) && resolve(), reject)
    Promise.all(waits).then(() => resolve(), reject)
  })
}

/** As often as this, ms, it is seen to it that somebody is there who makes the next attempt: monitors are killed, too. */
const MONITOR_MS = 10_000

/** Resolves with the task once it is over; null: the time ran out or it was told to stop. */
async function untilEnded(
  task: Stored,
  deadline: number | null,
  signal: AbortSignal,
  monitor: boolean,
  context: Context,
): Promise<Observed | null> {
  for (;;) {
    const seen = await settle(thatIsThere(task))
    if (!isLive(seen.derived.state)) return seen
    // Nobody is to wait for what nobody does.
    const rests = monitor && seen.derived.next?.kind === 'again'
    if (rests) await ensureMonitorFor(seen, context)
    const left = deadline === null ? null : deadline - Date.now()
    if (signal.aborted || (left !== null && left <= 0)) return null
    await news(task.dir, seen, rests ? Math.min(left ?? MONITOR_MS, MONITOR_MS) : left, signal)
  }
}

function thatIsThere({ dir, session }: Stored): Stored {
  const task = readTask(dir)
  if (task) return task
  throw new RcaError('not-found', `${session} is no more: ${dir} was removed`)
}

/** Resolves when something has happened to the task that is worth another look, or when the time has run out. */
async function news(dir: string, seen: Observed, timeoutMs: number | null, signal: AbortSignal) {
  const newest = attemptNumbers(dir).at(-1)
  const paths = [
    files.journal(dir),
    files.attempts(dir),
    ...(newest === undefined ? [] : [files.attempt(dir, newest)]),
  ]
  const journalBytes = sizeOf(files.journal(dir))
  // While no attempt is under way only the next one, or a word in the journal, is news.
  const still = () => seen.derived.next !== null && sizeOf(files.journal(dir)) === journalBytes
  const same = () => existsSync(dir) && (isBusy(dir, newest ?? null) || still())
  const changed = () => (same() ? undefined : true)
  await until(paths, changed, { timeoutMs, everyMs: 1_000, signal })
}

/** The exit code for what was waited for: the worst of them. Pure. */
export function waitExitCode(result: WaitResult): number {
  if (result.timedOut) return EXIT.timeout
  const states = result.tasks.map((task) => task.state)
  if (states.includes('unknown')) return EXIT.unknown
  if (result.tasks.some((task) => GAVE_UP.has(task.cause ?? ''))) return EXIT.gaveUp
  return states.every((state) => state === 'done') ? EXIT.ok : EXIT.failed
}

/** For `--exit-status`: the agent's own last exit code, 128 + n for signal n; never 0 for a task that did not end well. */
export function agentExitCode(task: TaskJson, signals: Readonly<Record<string, number>>): number {
  if (task.state === 'done') return EXIT.ok
  if (task.exit === null) return waitExitCode({ tasks: [task], timedOut: false })
  const code = 'code' in task.exit ? task.exit.code : 128 + (signals[task.exit.signal] ?? 0)
  return code === 0 ? EXIT.failed : code
}
