import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { abandonUnbegun } from '../launch/launch.ts'
import { launcherGone } from '../launch/recover.ts'
import { tryBeforeRemoval } from '../notify/last-tries.ts'
import { hasPending } from '../notify/ledger.ts'
import { poke } from '../supervise/presence.ts'
import { pausePoint } from '../system/pause.ts'
import { taskDirectories } from '../task/directories.ts'
import { type TaskJson, taskJson } from '../task/json.ts'
import { acquireLock } from '../task/lock.ts'
import { atRest, type Observed, observe } from '../task/observe.ts'
import { removeTask, sweepRemoved } from '../task/remove.ts'
import { settle } from '../task/settle.ts'
import { isLive } from '../task/state.ts'
import { findTask, readTask, requireSpec, type Stored, sweepHalfMade, tasksOfSession } from '../task/store.ts'
import { closeSessions } from '../terminal/of-task.ts'
import { endTask, who } from './kill.ts'

export interface RemoveOptions {
  /** Kills a task that lives first. */
  readonly force: boolean
}

/** What was removed, as it was. */
export type Removed = Pick<TaskJson, 'name' | 'state' | 'taskDir' | 'endedAt' | 'queuedFollowUps'>

/** How long it waits for another verb that is at work on the task, ms. */
const LOCK_WAIT_MS = 20_000

/**
 * Removes all records of a name: the newest task's, and those of earlier ones that had it. Throws `conflict` where one of them
 * lives, and `unknown-state` where it cannot be known; then nothing was removed.
 */
export async function remove(name: string, options: RemoveOptions, context: Context): Promise<Removed[]> {
  const { session } = findTask(context.state, name)
  sweepRemoved(context.state)
  const lock = await acquireLock(context.state, session, 'rca rm', LOCK_WAIT_MS)
  try {
    pausePoint('rm-locked')
    const tasks: Observed[] = []
    for (const stored of tasksOfSession(context.state, session)) {
      const task = await atEnd(stored)
      if (!(options.force && isLive(task.derived.state))) refuse(task)
      tasks.push(task)
    }
    const removed: Removed[] = []
    for (const task of tasks) removed.push(await takeAway(task, context))
    return removed
  } finally {
    lock.release()
  }
}

/** The same for whoever holds the lock, as it is now. */
async function atEnd(stored: Stored): Promise<Observed> {
  requireSpec(stored)
  abandonUnbegun(stored.dir)
  return settle(await atRest(readTask(stored.dir) ?? stored))
}

function refuse(task: Observed): void {
  const { state, reason } = task.derived
  if (state === 'unknown')
    throw new RcaError(
      'unknown-state',
      `${task.session}: ${reason}`,
      `Nothing was removed. Look at ${task.dir}.`,
    )
  if (!isLive(state)) return
  const hint = 'Nothing was removed. --force kills it first.'
  throw new RcaError('conflict', `${task.session} is ${state}`, hint)
}

/** Its sessions go with it: what was there to be looked at is gone. What a well-ended agent left running is left alone. */
async function takeAway(task: Observed, context: Context): Promise<Removed> {
  const ended = isLive(task.derived.state)
    ? await endTask(task, `${who(context)} (rca rm --force)`, context, { graceMs: 5_000 })
    : task
  await launcherGone(task.dir)
  await closeSessions(ended, context)
  const untold = await tryBeforeRemoval(task)
  if (untold > 0) context.warn(`${task.session}: ${untold} of its notifications did not get through`)
  removeTask(task.dir)
  poke(task.dir)
  return asRemoved(ended)
}

function asRemoved(task: Observed): Removed {
  const { name, state, taskDir, endedAt, queuedFollowUps } = taskJson(task)
  return { name, state, taskDir, endedAt, queuedFollowUps }
}

export interface PruneOptions {
  /** Only what ended so long ago, ms. */
  readonly olderThanMs: number
  /** Only what ended in one of these states; empty: in any. */
  readonly states: readonly string[]
  readonly dryRun: boolean
}

export interface PruneResult {
  readonly removed: readonly Removed[]
  /** What might have been removed, and why it was not. */
  readonly left: readonly { readonly taskDir: string; readonly reason: string }[]
  /** True: `removed` tells what would be. */
  readonly dryRun: boolean
}

/** Removes the records of tasks that ended a while ago, each for itself; what cannot be read is left, and told. */
export async function prune(options: PruneOptions, context: Context): Promise<PruneResult> {
  const removed: Removed[] = []
  const left: { taskDir: string; reason: string }[] = []
  if (!options.dryRun) sweepRemoved(context.state)
  for (const { dir } of taskDirectories(context.state)) {
    try {
      const one = await pruneOne(dir, options, context)
      if (one) removed.push(one)
    } catch (error) {
      left.push({ taskDir: dir, reason: error instanceof Error ? error.message : String(error) })
    }
  }
  return { removed, left, dryRun: options.dryRun }
}

async function pruneOne(dir: string, options: PruneOptions, context: Context): Promise<Removed | null> {
  const stored = readTask(dir)
  if (!stored && !options.dryRun) sweepHalfMade(dir, context.now())
  if (!stored || !isDue(await seen(stored), options, context.now())) return null
  refuseUntold(stored)
  if (options.dryRun) return asRemoved(await seen(stored))
  const lock = await acquireLock(context.state, stored.session, 'rca prune', 0)
  try {
    // Whoever had the lock may have gone on with it.
    const task = await atEnd(stored)
    if (!isDue(task, options, context.now())) return null
    refuseUntold(task)
    return await takeAway(task, context)
  } finally {
    lock.release()
  }
}

/** Nobody may have heard of its end. */
function refuseUntold({ spec, journal, session }: Stored): void {
  if (hasPending(spec, journal.entries))
    throw new RcaError('conflict', `${session}: notifications of it are not delivered`)
}

/** Throws where it cannot be known whether it has ended. */
async function seen(stored: Stored): Promise<Observed> {
  requireSpec(stored)
  const task = await observe(stored, Date.now())
  if (task.derived.state !== 'unknown') return task
  throw new RcaError('unknown-state', `${task.session}: ${task.derived.reason}`)
}

function isDue({ derived }: Observed, options: PruneOptions, nowMs: number): boolean {
  const { state, endedAt, updatedAt } = derived
  if (isLive(state) || (options.states.length > 0 && !options.states.includes(state))) return false
  const atMs = Date.parse(endedAt ?? updatedAt ?? '')
  return nowMs - atMs >= options.olderThanMs
}
