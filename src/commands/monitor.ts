import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { Supervisor } from '../supervise/monitor.ts'
import { announce, type Monitor, runningMonitor, trimLog, withdraw } from '../supervise/presence.ts'
import { ensurePrivateDirectory } from '../system/durable.ts'
import { isAlive } from '../system/identity.ts'
import { pausePoint } from '../system/pause.ts'
import { signal } from '../system/processes.ts'
import { acquireLock, type Lock } from '../task/lock.ts'
import { monitorLog } from '../task/paths.ts'

export interface MonitorOptions {
  /** A verb has started it: it ends when there is nothing to watch, and quietly where another one runs. */
  readonly byVerb: boolean
  /** Ends the one that runs and takes its place. */
  readonly replace: boolean
  readonly log: (line: string) => void
}

/** A monitor that a verb has started ends when there was nothing to watch for so long, ms. */
const IDLE_MS = 10 * 60_000
const LOG_BYTES = 1 << 20
const LOCK = 'monitor'
/** So long may a monitor take to end, ms: an attempt that it is making is made first. */
const GOING_MS = 45_000

/** Runs the monitor until `stop` fires. Throws `conflict` where one runs already. */
export async function runMonitor(
  options: MonitorOptions,
  context: Context,
  stop: AbortSignal,
): Promise<void> {
  ensurePrivateDirectory(context.state)
  if (options.replace) await stopMonitor(context)
  const lock = await onlyOne(context, options)
  if (!lock) return
  let held: Lock | null = lock
  while (held) {
    await watchUntilIdle(options, context, stop)
    held.release()
    // A task that was started while this one went has seen a monitor.
    held = stop.aborted || !(await hasWork(context)) ? null : await onlyOne(context, options)
  }
}

async function watchUntilIdle(options: MonitorOptions, context: Context, stop: AbortSignal): Promise<void> {
  announce(context.state, options.byVerb ? 'started by rca' : 'rca monitor')
  const supervisor = new Supervisor(context, options)
  options.log(`monitor ${process.pid} watches ${context.state}`)
  try {
    pausePoint('monitor-announced')
    supervisor.start()
    await untilStopped(supervisor, options.byVerb ? IDLE_MS : null, context.state, stop)
  } finally {
    withdraw(context.state)
    await supervisor.stop()
    options.log(`monitor ${process.pid} ends`)
  }
}

/** Resolves when it is told to stop or, where `idleMs` is given, has had nothing to watch for so long. */
async function untilStopped(
  supervisor: Supervisor,
  idleMs: number | null,
  state: string,
  stop: AbortSignal,
): Promise<void> {
  let idleSince: number | null = null
  while (!stop.aborted) {
    trimLog(monitorLog(state), LOG_BYTES)
    await sleep(Math.min(idleMs ?? 60_000, 60_000), undefined, { signal: stop }).catch(() => {})
    if (idleMs === null) continue
    if (supervisor.live > 0) idleSince = null
    else if (idleSince === null) idleSince = performance.now()
    else if (performance.now() - idleSince >= idleMs) return
  }
}

/** The lock of the one monitor; null: another one has it, and that is as it should be. */
async function onlyOne(context: Context, options: MonitorOptions): Promise<Lock | null> {
  const until = performance.now() + GOING_MS
  for (;;) {
    const lock = await acquireLock(context.state, LOCK, 'rca monitor', 1_500).catch(taken)
    if (lock) return lock
    const other = runningMonitor(context.state)
    // Who has the lock and is not announced is about to end, and sees no new task any more.
    if (!other && performance.now() < until) continue
    if (options.byVerb) return null
    const who = other ? ` (pid ${other.pid}, ${other.origin})` : ''
    throw new RcaError(
      'conflict',
      `A monitor runs already${who}`,
      'rca monitor stop ends it; --replace takes its place.',
    )
  }
}

function taken(error: unknown): null {
  if (error instanceof RcaError && error.code === 'conflict') return null
  throw error
}

/** Whether anything is left to watch. */
async function hasWork(context: Context): Promise<boolean> {
  const supervisor = new Supervisor(context, { log: () => {}, delivers: false })
  await supervisor.once()
  return supervisor.live > 0
}

/** Looks at every task once and does what is due: for cron. Safe beside a monitor that runs. */
export async function monitorOnce(context: Context, log: (line: string) => void): Promise<void> {
  ensurePrivateDirectory(context.state)
  await new Supervisor(context, { log }).once()
}

/** The monitor that runs, or null. */
export function monitorStatus(context: Context): Monitor | null {
  return runningMonitor(context.state)
}

/** Ends the monitor that runs, if one does; agents are not touched. Throws `failed` where it does not go. */
export async function stopMonitor(context: Context): Promise<Monitor | null> {
  const monitor = runningMonitor(context.state)
  if (!monitor || !signal(monitor, 'SIGTERM')) return null
  const until = Date.now() + GOING_MS
  while (isAlive(monitor)) {
    if (Date.now() > until) throw new RcaError('failed', `The monitor (pid ${monitor.pid}) does not end`)
    await sleep(20)
  }
  return monitor
}
