import type { Driver } from '../agents/driver.ts'
import { driverFor } from '../agents/index.ts'
import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { confirm } from '../launch/confirm.ts'
import { abandonUnbegun, launchRequest } from '../launch/launch.ts'
import { agentEnvironment, hasUndelivered, keepEnvironment, recover } from '../launch/recover.ts'
import type { Launched } from '../launch/startup.ts'
import { hasPending } from '../notify/ledger.ts'
import { ensureMonitorFor } from '../supervise/spawn.ts'
import { pausePoint } from '../system/pause.ts'
import { readAttempt } from '../task/attempt.ts'
import { keepFollowUp } from '../task/follow-up-store.ts'
import { type FollowUp, followUpsOf } from '../task/follow-ups.ts'
import { appendJournal } from '../task/journal.ts'
import { type TaskJson, taskJson } from '../task/json.ts'
import { acquireLock } from '../task/lock.ts'
import { atRest, type Observed, observe } from '../task/observe.ts'
import type { Spec } from '../task/schema.ts'
import { closeBooks, settle } from '../task/settle.ts'
import { isLive } from '../task/state.ts'
import { findTask, readEnvironment, readTask, requireSpec, type Stored, sha256 } from '../task/store.ts'
import { who } from './kill.ts'

export interface SendOptions {
  readonly text: Uint8Array
  /** The sender's own name for it; null: what is sent is always another one. */
  readonly key: string | null
  /** Further variables for the agent, as for `start --env`. */
  readonly env: readonly string[]
  /** Whether somebody is to supervise the task. */
  readonly monitor: boolean
}

export interface SendResult {
  /** `queued`: it is the next turn, or one after it; `started`: an attempt has been fed it. */
  readonly answer: 'queued' | 'started'
  /** True: it was there already, under this key. */
  readonly repeated: boolean
  readonly followUp: FollowUp
  /** How many others come before it. */
  readonly before: number
  readonly task: TaskJson
}

/** How long it waits for another verb that is at work on the task, ms. */
const LOCK_WAIT_MS = 20_000

/**
 * Sends a follow-up: kept durably before anything else happens, it is the next turn of the task's conversation as soon as those
 * before it have ended well, or now where the task has ended. Throws where it is refused: then it is not kept and will not be
 * delivered.
 */
export async function send(name: string, options: SendOptions, context: Context): Promise<SendResult> {
  const found = findTask(context.state, name)
  const spec = requireSpec(found)
  const driver = await driverFor(spec.agent)
  const lock = await acquireLock(context.state, found.session, 'rca send', LOCK_WAIT_MS)
  let kept: { id: number; repeated: boolean }
  let launched: Launched | null
  try {
    pausePoint('send-locked')
    abandonUnbegun(found.dir)
    const task = await settle(await atRest(stillThere(found)))
    refuse(task, spec, driver, options)
    kept = await keep(task, spec, driver, options, context)
    pausePoint('send-kept')
    launched = await startNext(task, spec, driver, kept, options, context)
  } finally {
    lock.release()
  }
  const { id, repeated } = kept
  if (launched) await runs(launched, context)
  const now = await observe(stillThere(found), context.now())
  const followUp = now.derived.followUps.find((one) => one.id === id)
  if (!followUp) throw new RcaError('unknown-state', `${found.session}: its record does not tell of ${id}`)
  const answer = followUp.state === 'queued' ? 'queued' : 'started'
  return { answer, repeated, followUp, before: before(now, id), task: taskJson(now) }
}

function stillThere({ dir, session }: Stored): Stored {
  const task = readTask(dir)
  if (task) return task
  throw new RcaError('not-found', `${session} is no more: ${dir} was removed`)
}

const isQueued = (one: FollowUp) => one.state === 'queued'
const before = ({ derived }: Observed, id: number) =>
  derived.followUps.filter((one) => isQueued(one) && one.id < id).length

/** Throws where it cannot be delivered, whatever happens. */
function refuse(task: Observed, spec: Spec, driver: Driver, { text }: SendOptions): void {
  const { state, reason } = task.derived
  if (state === 'unknown') {
    throw new RcaError(
      'unknown-state',
      `${task.session}: ${reason}`,
      `Nothing was sent. Look at ${task.dir}.`,
    )
  }
  const refusal = driver.refuse(launchRequest(spec, task.dir, {}, text), text)
  if (refusal) throw new RcaError('usage', refusal.message, refusal.hint)
}

/** Keeps it, unless it was sent before under the same key. */
async function keep(task: Observed, spec: Spec, driver: Driver, options: SendOptions, context: Context) {
  const { text, key, env } = options
  const known = task.derived.followUps.find(
    (one) => key !== null && one.key === key && one.state !== 'withdrawn',
  )
  if (known && known.sha256 !== sha256(text)) {
    throw new RcaError(
      'conflict',
      `${task.session}: something else was sent under the key ${JSON.stringify(key)}`,
      'Choose another key.',
    )
  }
  if (known && !isQueued(known)) return { id: known.id, repeated: true }
  // Whoever begins its turn has no other place to take the agent's keys from.
  if (env.length > 0 || readEnvironment(task.dir) === null) {
    const needed = agentEnvironment(task.dir, driver, spec, { caller: context.env, env }, context)
    await keepEnvironment(task, spec, needed)
  }
  if (known) return { id: known.id, repeated: true }
  return { id: keepFollowUp(task, { text, key, by: who(context) }), repeated: false }
}

/**
 * Begins what is next, where no turn is under way: the follow-up itself, or what comes before it. Asked again only now: the turn
 * that ran may have ended in the meantime, and whoever wrote that down did not know of the follow-up yet.
 */
async function startNext(
  task: Observed,
  spec: Spec,
  driver: Driver,
  { id, repeated }: { readonly id: number; readonly repeated: boolean },
  options: SendOptions,
  context: Context,
): Promise<Launched | null> {
  const now = await settle(stillThere(task))
  const mine = now.derived.followUps.find((one) => one.id === id)
  const begins = mine?.state === 'queued' && (await beginsNow(now, driver, mine))
  if (!begins) {
    if (options.monitor) await ensureMonitorFor(now, context)
    return null
  }
  try {
    const graceMs = 3_000
    const { env } = options
    const common = { prompt: null, env, caller: context.env, by: 'person', graceMs } as const
    const launched = await recover(now, spec, { ...common, ...begins }, context)
    if (options.monitor) await ensureMonitorFor(stillThere(now), context)
    return launched
  } catch (error) {
    if (!repeated && (await takeBack(task.dir, id, context))) {
      // What it was to follow may have turned out to be the end, which nobody has told.
      const left = readTask(task.dir)
      if (left && options.monitor && hasPending(left.spec, left.journal.entries))
        await ensureMonitorFor(left, context)
      throw error
    }
    context.warn(error instanceof Error ? error.message : String(error))
    return null
  }
}

/** How the next turn begins; null: not now. A task that ended badly goes on with what was left undelivered, else with this. */
async function beginsNow({ dir, derived }: Observed, driver: Driver, mine: FollowUp) {
  const { state, next, followUps } = derived
  if (state === 'waiting' && next?.kind === 'again' && next.followUp !== undefined) return {}
  if (isLive(state)) return null
  const first = followUps.find(isQueued)?.id === mine.id && !(await hasUndelivered(dir, driver))
  return first ? { followUp: mine } : {}
}

/** Says that it will not be delivered. False: it is under way. */
async function takeBack(dir: string, id: number, context: Context): Promise<boolean> {
  const task = readTask(dir)
  if (!task) return true
  const isBegun = (one: FollowUp) => one.id === id && !isQueued(one)
  const open = task.journal.entries.findLast((one) => one.type === 'attempt-claimed')
  const running = open?.type === 'attempt-claimed' && readAttempt(dir, open.attempt).begun === 'launched'
  if (followUpsOf(task.journal.entries, running ? open.attempt : null).some(isBegun)) return false
  appendJournal(dir, { type: 'follow-up-withdrawn', id })
  await closeBooks(await observe(readTask(dir) ?? task, context.now()))
  return true
}

/** Waits until the attempt is known to run, or is over: how it ended is in the task's record. */
async function runs(launched: Launched, context: Context): Promise<void> {
  const asker = { to: 'go on', failed: async () => {}, givesUpOn: () => false }
  await confirm(launched, asker, context).catch((error) => {
    if (!(error instanceof RcaError)) throw error
  })
}
