import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { abandon } from '../launch/launch.ts'
import { hasPending } from '../notify/ledger.ts'
import { poke } from '../supervise/presence.ts'
import { ensureMonitorFor } from '../supervise/spawn.ts'
import { isAlive } from '../system/identity.ts'
import { pausePoint } from '../system/pause.ts'
import { endAll, type Found, gone, signal } from '../system/processes.ts'
import { attemptNumbers, hasExit, readAttempt, sweepLaunch } from '../task/attempt.ts'
import { isKillOpen, killRequested } from '../task/entries.ts'
import { appendJournal } from '../task/journal.ts'
import { type TaskJson, taskJson } from '../task/json.ts'
import { acquireLock } from '../task/lock.ts'
import { type Observed, observe } from '../task/observe.ts'
import { endHelpers, survivors } from '../task/processes.ts'
import { closeBooks, settle } from '../task/settle.ts'
import { isLive } from '../task/state.ts'
import { findTask, readTask, requireSpec } from '../task/store.ts'
import { closeSessions } from '../terminal/of-task.ts'

export interface KillOptions {
  readonly graceMs: number
}

/**
 * Ends a task: its agent and all that it started, then its session; the records stay. Says nothing new about a task that
 * had ended. Throws `failed` where something would not die.
 */
export async function kill(name: string, options: KillOptions, context: Context): Promise<TaskJson> {
  const found = findTask(context.state, name)
  requireSpec(found)
  const lock = await acquireLock(context.state, found.session, 'rca kill', 30_000)
  try {
    const task = await settle(readTask(found.dir) ?? found)
    const ended = await endTask(task, `${who(context)} (rca kill)`, context, options)
    if (hasPending(ended.spec, ended.journal.entries)) await ensureMonitorFor(ended, context)
    return taskJson(ended)
  } finally {
    lock.release()
    poke(found.dir)
  }
}

export function who(context: Context): string {
  return context.env.USER || context.env.LOGNAME || `uid ${context.uid}`
}

/** The same for whoever holds the lock of the session already. */
export async function endTask(
  task: Observed,
  by: string,
  context: Context,
  options: KillOptions,
): Promise<Observed> {
  const spec = requireSpec(task)
  const { entries } = task.journal
  const asked = killRequested(entries)
  const open = isLive(task.derived.state) || isKillOpen(entries)
  // Written first: whatever ends from here on was killed, and nobody may revive it.
  if (open && !asked) appendJournal(task.dir, { type: 'kill-requested', by })
  pausePoint('kill-asked')
  if (task.evidence?.record.begun === 'no') abandon(task.dir, task.evidence.record.number)
  const before = survivors(spec)
  if (before.length > 0) context.progress(`ending ${before.length} processes of ${task.session}`)
  const left = await endProcesses(task, () => survivors(spec), options)
  context.progress(null)
  if (left.length > 0) throw wouldNotDie(task, left)
  const settled = await settle(readTask(task.dir) ?? task)
  pausePoint('kill-ended')
  if (open) appendJournal(task.dir, { type: 'killed', by, processes: before.length })
  pausePoint('killed')
  await endHelpers(spec)
  await closeSessions(settled, context)
  await launcherGone(settled)
  const ended = await observe(readTask(task.dir) ?? settled, context.now())
  await closeBooks(ended)
  return ended
}

/** Ends the agent's tree and waits for its launch script, which may be about to start the agent or to write its end. */
async function endProcesses(task: Observed, find: () => Found[], options: KillOptions): Promise<Found[]> {
  const { record } = task.evidence ?? { record: null }
  const launcher = record?.launcher ?? null
  const until = Date.now() + options.graceMs + 10_000
  for (;;) {
    const left = await endAll(find, options)
    if (left.length > 0 || !launcher || !isAlive(launcher) || hasExit(task.dir, record?.number ?? 0))
      return left
    if (Date.now() > until) signal(launcher, 'SIGKILL')
    await sleep(10)
  }
}

/** With its session a launch script that waited to be told what is next has gone, in a moment. */
async function launcherGone({ dir }: Observed): Promise<void> {
  const numbers = attemptNumbers(dir)
  const launchers = numbers.map((number) => readAttempt(dir, number).launcher)
  await gone(
    launchers.filter((one) => one !== null),
    1_000,
  )
  for (const number of numbers) sweepLaunch(dir, number)
}

function wouldNotDie(task: Observed, left: readonly Found[]): RcaError {
  const pids = left.map((one) => one.pid).join(', ')
  return new RcaError('failed', `${task.session}: ${left.length} processes would not die (pid ${pids})`)
}
