import { driverFor } from '../agents/index.ts'
import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { confirm, RESUMER } from '../launch/confirm.ts'
import { abandonUnbegun } from '../launch/launch.ts'
import { hasUndelivered, type RecoverOptions, recover } from '../launch/recover.ts'
import { ensureMonitorFor } from '../supervise/spawn.ts'
import { pausePoint } from '../system/pause.ts'
import { type TaskJson, taskJson } from '../task/json.ts'
import { acquireLock } from '../task/lock.ts'
import { atRest, type Observed } from '../task/observe.ts'
import type { Spec } from '../task/schema.ts'
import { settle } from '../task/settle.ts'
import { isLive } from '../task/state.ts'
import { findTask, requireSpec } from '../task/store.ts'

export interface ResumeOptions extends RecoverOptions {
  /** Whether somebody is to supervise it from now on. */
  readonly monitor: boolean
}

export interface ResumeResult {
  readonly task: TaskJson
  /** False: there was nothing to do; `note` says why. */
  readonly resumed: boolean
  readonly note: string | null
}

/**
 * Goes on with the task's own conversation, or with a follow-up (`prompt`). Nothing is done, successfully, where the agent
 * runs or the task is done.
 */
export async function resume(name: string, options: ResumeOptions, context: Context): Promise<ResumeResult> {
  const found = findTask(context.state, name)
  const spec = requireSpec(found)
  const lock = await acquireLock(context.state, found.session, 'rca resume', 20_000)
  let launched: Awaited<ReturnType<typeof recover>>
  try {
    pausePoint('resume-locked')
    abandonUnbegun(found.dir)
    const task = await settle(await atRest(found))
    const nothing = nothingToDo(task, options.prompt !== null)
    if (nothing) return { task: taskJson(task), resumed: false, note: nothing }
    if (options.prompt !== null) await refuseToOvertake(task, spec)
    launched = await recover(task, spec, options, context)
    if (options.monitor) await ensureMonitorFor(found, context)
  } finally {
    lock.release()
  }
  const task = await confirm(launched, RESUMER, context)
  return { task: taskJson(task), resumed: true, note: launched.note }
}

/** What was sent comes first, in its order: a prompt that goes before it would take its place in the conversation. */
async function refuseToOvertake(task: Observed, spec: Spec): Promise<void> {
  const states = task.derived.followUps.map((one) => one.state)
  const fed = states.includes('running') && (await hasUndelivered(task.dir, await driverFor(spec.agent)))
  if (!fed && !states.includes('queued')) return
  throw new RcaError(
    'conflict',
    `${task.session} has follow-ups that are not delivered yet`,
    `rca resume ${task.session} goes on with them; rca send ${task.session} puts another behind them.`,
  )
}

/** Why nothing is to be done, or null. Throws where something else is wrong. Pure. */
function nothingToDo(task: Observed, followUp: boolean): string | null {
  const { session } = task
  const { state, reason } = task.derived
  if (state === 'unknown') {
    throw new RcaError('unknown-state', `${session}: ${reason}`, `Nothing was touched. Look at ${task.dir}.`)
  }
  if (state === 'done') return followUp ? null : `${session} is done; -p continues the conversation`
  // Made, and nothing launched: whoever was about to has died, for the lock is ours.
  if (!isLive(state) || state === 'waiting' || (state === 'starting' && !task.evidence)) return null
  if (!followUp) return `${session} is ${state}; nothing to do`
  const hint = `Wait for its end (rca wait ${session}) or end it (rca kill ${session}).`
  throw new RcaError('conflict', `${session} is ${state}: a follow-up has to wait`, hint)
}
