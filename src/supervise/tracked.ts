import { closeSync, constants, openSync, statSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { isAlive, type ProcessIdentity } from '../system/identity.ts'
import { hasExit } from '../task/attempt.ts'
import type { Observed } from '../task/observe.ts'
import { sizeOf } from '../task/output.ts'
import { attemptFiles, files } from '../task/paths.ts'
import { policyOf } from '../task/policy.ts'
import { phaseOf } from '../task/state.ts'
import { terminalOf } from '../task/terminal.ts'

/** What the monitor keeps in memory of one task that is not over: enough to see cheaply that nothing has happened. */
export interface Tracked {
  readonly dir: string
  /** Of the tmux server that it runs in, or null. */
  socket: string | null
  /** The size of its journal before the last look: what came since was not seen. */
  journalBytes: number
  /** A look is under way; `again`: something happened meanwhile. */
  busy: boolean
  again: boolean
  /** When to look again at the latest, by the monotonic clock, ms; null: when something happens. */
  dueMs: number | null
  /** How often in a row a look has failed (a full disk). */
  failures: number
  /** How often in a row somebody else was at work on it. */
  busyCount: number
  seen: Seen | null
  /** When the newest end was first seen, by the monotonic clock, and which: its attempt and its place in the journal. */
  end: { readonly key: string; readonly sinceMs: number } | null
  lingeringSinceMs: number | null
  /** Its logs. */
  readonly logs: Logs
  alive: { readonly attempt: number; ended: boolean; readonly close: () => void } | null
}

interface Logs {
  /** How much they may take up, bytes; null: any. */
  maxBytes: number | null
  /** Somebody is cutting them; it was seen that nobody can. */
  busy: boolean
  stuck: boolean
  /** When the agent had printed last when they were tended last, ms since the epoch. */
  printedMs: number
  /** Somebody is summing them up; how far that has come, bytes. */
  summing: boolean
  summedTo: number
}

/** What the last look rested on. */
interface Seen {
  /** The number of the attempt that was at work, or null. */
  readonly workingOn: number | null
  readonly processes: readonly ProcessIdentity[]
  readonly outputMs: number
  /** The agent printed something shortly before the look: it may have finished since. */
  readonly fresh: boolean
}

/** Whether the attempt that was at work at the last look has an exit record now. */
export function hasJustEnded({ dir, seen }: Tracked): boolean {
  return seen !== null && seen.workingOn !== null && hasExit(dir, seen.workingOn)
}

export function track(dir: string): Tracked {
  const nothing = {
    socket: null,
    journalBytes: 0,
    dueMs: null,
    seen: null,
    end: null,
    lingeringSinceMs: null,
    alive: null,
  }
  const logs = { maxBytes: null, busy: false, stuck: false, printedMs: 0, summing: false, summedTo: 0 }
  return { dir, logs, busy: false, again: false, failures: 0, busyCount: 0, ...nothing }
}

/** An agent that has been quiet for so long may have finished without exiting, ms. */
const QUIET_MS = 10_000

/** Whether something has happened since the last look. Cheap: three stats and as many processes as the attempt has. */
export function hasNews(tracked: Tracked, nowMs: number): boolean {
  const { seen, dir } = tracked
  if (!seen) return true
  if (sizeOf(files.journal(dir)) !== tracked.journalBytes) return true
  if (!seen.processes.every(isAlive)) return true
  const outputMs = outputTime(dir)
  const changed = outputMs !== seen.outputMs || seen.fresh
  return changed && nowMs - outputMs > QUIET_MS
}

/** Whether the agent has printed anything since this was asked last. */
export function hasPrinted({ dir, logs }: Tracked): boolean {
  const printedMs = outputTime(dir)
  const isNew = printedMs !== logs.printedMs
  logs.printedMs = printedMs
  return isNew
}

function outputTime(dir: string): number {
  return statSync(files.events(dir), { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** Keeps what a look has shown; `onEnd` is told when the launch script of the attempt that runs is gone. */
export function remember(tracked: Tracked, task: Observed, nowMs: number, onEnd: () => void): void {
  const { evidence } = task
  const phase = evidence && phaseOf(evidence, nowMs)
  const outputMs = outputTime(task.dir)
  const terminal = terminalOf(task)
  tracked.socket = terminal?.kind === 'tmux' ? terminal.socket : null
  tracked.seen = {
    workingOn: evidence && phase === 'working' ? evidence.record.number : null,
    processes: phase === 'working' ? living(evidence) : [],
    outputMs,
    fresh: nowMs - outputMs <= QUIET_MS,
  }
  if (task.spec) tracked.logs.maxBytes = policyOf(task.spec).maxLogBytes
  rememberEnd(tracked, task)
  const lingers = phase === 'working' && !evidence?.agentAlive
  tracked.lingeringSinceMs = lingers ? (tracked.lingeringSinceMs ?? performance.now()) : null
  const attempt = phase === 'working' && evidence?.launcherAlive ? evidence.record.number : null
  watchLauncher(tracked, attempt, onEnd)
}

function living(evidence: Observed['evidence']): ProcessIdentity[] {
  if (!evidence) return []
  const { launcher, agent } = evidence.record
  const alive = [evidence.launcherAlive ? launcher : null, evidence.agentAlive ? agent : null]
  return alive.filter((one) => one !== null)
}

function rememberEnd(tracked: Tracked, task: Observed): void {
  const { next, attempts } = task.derived
  if (next?.kind !== 'again') {
    tracked.end = null
    return
  }
  const key = `${attempts} ${next.delayMs} ${next.dueMs}`
  if (tracked.end?.key !== key) tracked.end = { key, sinceMs: performance.now() }
}

/**
 * The launch script holds a FIFO open for as long as it lives: its end, by whatever means, is the FIFO's end. That wakes
 * without polling where no exit record is written.
 */
function watchLauncher(tracked: Tracked, attempt: number | null, onEnd: () => void): void {
  if (tracked.alive?.attempt === attempt) return
  tracked.alive?.close()
  tracked.alive = attempt === null ? null : openAlive(tracked.dir, attempt, onEnd)
}

/**
 * A process that dies closes its files before it counts as dead: the launch script, seen alive by the look that its FIFO's end
 * woke, is about to go, and nothing else will tell of that.
 */
export function isDying({ alive }: Tracked): boolean {
  return alive?.ended ?? false
}

function openAlive(dir: string, attempt: number, onEnd: () => void): Tracked['alive'] {
  const path = join(files.attempt(dir, attempt), attemptFiles.alive)
  let fd: number | null = null
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const pipe = new Socket({ fd, readable: true, writable: false })
    const alive = { attempt, ended: false, close: () => void pipe.removeAllListeners('close').destroy() }
    pipe.on('error', () => {})
    pipe.on('close', () => {
      alive.ended = true
      onEnd()
    })
    pipe.resume()
    return alive
  } catch {
    // No such FIFO (an older release's script): the timer sees it.
    if (fd !== null) closeSync(fd)
    return null
  }
}

/** Lets go of everything that is held open for a task. */
export function release(tracked: Tracked): void {
  tracked.alive?.close()
  tracked.alive = null
}
