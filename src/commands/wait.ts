import { existsSync, readdirSync } from 'node:fs'
import type { Context } from '../context.ts'
import { EXIT, RcaError, unless } from '../errors.ts'
import { until } from '../launch/startup.ts'
import { GAVE_UP } from '../supervise/next.ts'
import { ensureMonitorFor } from '../supervise/spawn.ts'
import { attemptNumbers } from '../task/attempt.ts'
import { type TaskJson, taskJson } from '../task/json.ts'
import { isBusy, type Observed } from '../task/observe.ts'
import { sizeOf } from '../task/output.ts'
import { files } from '../task/paths.ts'
import { finishBooks, settle, unlessNoDisk } from '../task/settle.ts'
import { isLive, type State } from '../task/state.ts'
import { findTask, readTask, type Stored } from '../task/store.ts'

export interface WaitOptions {
  /** Return at the first end, not the last. */
  readonly any: boolean
  /** What is waited for instead of the end: any of these states. Empty: the end. */
  readonly states: readonly State[]
  readonly timeoutMs: number | null
  /** Whether somebody is to supervise the tasks meanwhile. */
  readonly monitor: boolean
}

export interface WaitResult {
  /** In the order asked; with `any` those that have ended, or come to what was waited for. */
  readonly tasks: readonly TaskJson[]
  readonly timedOut: boolean
  /** Whether what was waited for has come about: for one with `any`, else for all. */
  readonly reached: boolean
}

/**
 * Blocks until the tasks have ended or, where states are named, have come to one of them or can no longer. It sleeps on file events of their records; once a second it looks whether their
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
  const isReached = (task: Observed | null) => task !== null && isWanted(task, options.states)
  const waits = stored.map(async (task, index) => {
    ended[index] = await untilEnded(task, deadline, stop.signal, options, context)
  })
  try {
    await (options.any ? firstOf(waits, () => ended.some(isReached)) : Promise.all(waits))
  } finally {
    stop.abort()
  }
  await Promise.all(waits)
  const over = ended.filter((task) => task !== null)
  const reached = options.any ? over.some(isReached) : ended.every(isReached)
  return {
    tasks: (options.any && reached ? over.filter(isReached) : over).map(taskJson),
    timedOut: !reached && over.length < stored.length,
    reached,
  }
}

function isWanted({ derived }: Observed, states: readonly State[]): boolean {
  return states.length === 0 ? !isLive(derived.state) : states.includes(derived.state)
}

function dedupe(tasks: readonly Stored[]): Stored[] {
  return [...new Map(tasks.map((task) => [task.dir, task])).values()]
}

/** Resolves when one has come to what is waited for, or none will any more. */
async function firstOf(waits: readonly Promise<void>[], isReached: () => boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    for (const one of waits) one.then(() => isReached() && resolve(), reject)
    Promise.all(waits).then(() => resolve(), reject)
  })
}

/** As often as this, ms, it is seen to it that somebody is there who makes the next attempt: monitors are killed, too. */
const MONITOR_MS = 10_000

/** Silence is seen by looking: it is no event. As often as this, ms. */
const SILENCE_MS = 1_000

/** Resolves with the task once it is over, or in a state that is wanted; null: the time ran out or it was told to stop. */
async function untilEnded(
  task: Stored,
  deadline: number | null,
  signal: AbortSignal,
  { monitor, states }: WaitOptions,
  context: Context,
): Promise<Observed | null> {
  for (;;) {
    const seen = await settle(thatIsThere(task))
    if (!isLive(seen.derived.state) || isWanted(seen, states)) {
      // Whoever wrote the end down may be in the middle of it: a script looks for `done` next.
      await finishBooks(seen).catch(unlessNoDisk)
      return seen
    }
    // Nobody is to wait for what nobody does.
    const rests = monitor && seen.derived.next?.kind === 'again'
    if (rests) await ensureMonitorFor(seen, context)
    const left = deadline === null ? Number.POSITIVE_INFINITY : deadline - Date.now()
    if (signal.aborted || left <= 0) return null
    const timeoutMs = Math.min(left, rests ? MONITOR_MS : left, lookAgainMs(states))
    await news(task.dir, seen, { timeoutMs, signal, closely: states.length > 0 })
  }
}

const lookAgainMs = (states: readonly State[]) =>
  states.includes('stalled') ? SILENCE_MS : Number.POSITIVE_INFINITY

function thatIsThere({ dir, session }: Stored): Stored {
  const task = readTask(dir)
  if (task) return task
  throw new RcaError('not-found', `${session} is no more: ${dir} was removed`)
}

/** Resolves when something has happened to the task that is worth another look, or when the time has run out. */
async function news(
  dir: string,
  seen: Observed,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly closely: boolean },
): Promise<void> {
  const newest = attemptNumbers(dir).at(-1)
  const paths = [
    files.journal(dir),
    files.attempts(dir),
    ...(newest === undefined ? [] : [files.attempt(dir, newest)]),
  ]
  const journalBytes = sizeOf(files.journal(dir))
  // While no attempt is under way only the next one, or a word in the journal, is news.
  const still = () => seen.derived.next !== null && sizeOf(files.journal(dir)) === journalBytes
  const records = options.closely ? () => `${sizeOf(files.journal(dir))} ${namesIn(dir, newest)}` : () => ''
  const before = records()
  const same = () => existsSync(dir) && (isBusy(dir, newest ?? null) || still()) && records() === before
  const changed = () => (same() ? undefined : true)
  const timeoutMs = Number.isFinite(options.timeoutMs) ? options.timeoutMs : null
  await until(paths, changed, { timeoutMs, everyMs: 1_000, signal: options.signal })
}

/** What there is of the newest attempt: its agent's process among it. */
function namesIn(dir: string, attempt: number | undefined): string {
  if (attempt === undefined) return ''
  return unless(['ENOENT'], [] as string[], () => readdirSync(files.attempt(dir, attempt))).join()
}

/** The exit code for what was waited for: the worst of them. `forState`: it was no end but a state. Pure. */
export function waitExitCode(
  result: Omit<WaitResult, 'tasks'> & { readonly tasks: readonly Pick<TaskJson, 'state' | 'cause'>[] },
  forState = false,
): number {
  if (result.timedOut) return EXIT.timeout
  if (result.reached && forState) return EXIT.ok
  const states = result.tasks.map((task) => task.state)
  if (states.includes('unknown')) return EXIT.unknown
  if (result.tasks.some((task) => GAVE_UP.has(task.cause ?? ''))) return EXIT.gaveUp
  return !forState && states.every((state) => state === 'done') ? EXIT.ok : EXIT.failed
}

/** For `--exit-status`: the agent's own last exit code, 128 + n for signal n; never 0 for a task that did not end well. */
export function agentExitCode(task: TaskJson, signals: Readonly<Record<string, number>>): number {
  if (task.state === 'done') return EXIT.ok
  if (task.exit === null) return waitExitCode({ tasks: [task], timedOut: false, reached: true })
  const code = 'code' in task.exit ? task.exit.code : 128 + (signals[task.exit.signal] ?? 0)
  return code === 0 ? EXIT.failed : code
}
