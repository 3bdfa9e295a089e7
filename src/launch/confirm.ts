import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { readAttempt } from '../task/attempt.ts'
import { ofType } from '../task/entries.ts'
import { appendJournal } from '../task/journal.ts'
import { atRest, type Observed, observe } from '../task/observe.ts'
import { endUnfinished } from '../task/processes.ts'
import type { EntryOf } from '../task/schema.ts'
import { closeBooks, rememberSession, settle } from '../task/settle.ts'
import { isLive } from '../task/state.ts'
import { readTask, requireSpec, type Stored } from '../task/store.ts'
import { type Launched, untilRunning } from './startup.ts'

/** Who waits for an attempt to run. */
interface Asker {
  /** What it did not do where it failed: `start`, `go on`. */
  readonly to: string
  readonly failed: (task: Observed) => Promise<void>
  /** Whether such an end is the last word, although supervision would go on. */
  readonly givesUpOn: (end: EntryOf<'attempt-ended'>) => boolean
}

/** Whoever goes on with a task: an attempt that fails is for supervision to judge. */
export const RESUMER: Asker = { to: 'go on', failed: async () => {}, givesUpOn: () => false }

/**
 * Waits until the agent of an attempt that has begun is known to run, or is over and has done its work, and keeps its
 * conversation's id. Throws `failed` with the agent's own words where it is over and did not end well, and where it opened
 * another conversation than it was told to: that one is ended. An end after which supervision goes on by itself is no
 * failure, unless the asker gives up on such an end.
 */
export async function confirm(
  launched: Launched,
  asker: Asker,
  context: Pick<Context, 'progress' | 'now'>,
): Promise<Observed> {
  const { dir, attempt } = launched
  context.progress(`waiting for ${launched.driver.name} to ${asker.to}`)
  const startup = launched.begun === 'over' ? ({ kind: 'over' } as const) : await untilRunning(launched)
  context.progress(null)
  const stored = readTask(dir)
  if (!stored) throw new RcaError('unknown-state', `The task directory ${dir} is gone`)
  if (startup.kind === 'running') {
    await keepSession(stored, attempt, startup.sessionId)
    const seen = await observe(readTask(dir) ?? stored, context.now())
    if (isLive(seen.derived.state)) return seen
  }
  const task = await giveUpIf(asker, await settle(readTask(dir) ?? stored), attempt)
  if (task.derived.state === 'done' || isLive(task.derived.state)) return task
  await asker.failed(task)
  throw new RcaError(
    'failed',
    `${task.session} did not ${asker.to}: ${task.derived.reason ?? task.derived.state}`,
    task.derived.hint ?? `See: rca logs ${task.session}`,
  )
}

/** Says, before anybody goes on with it, that this end is not to be recovered from. */
async function giveUpIf(asker: Asker, task: Observed, attempt: number): Promise<Observed> {
  const end = ofType(task.journal.entries, 'attempt-ended').find((one) => one.attempt === attempt)
  if (task.derived.next?.kind !== 'again' || !end || !asker.givesUpOn(end)) return task
  const reason = end.reason ?? end.outcome
  appendJournal(task.dir, { type: 'gave-up', cause: 'failed-start', reason, hint: end.hint })
  const now = await observe(readTask(task.dir) ?? task, Date.now())
  await closeBooks(now)
  return now
}

async function keepSession(task: Stored, attempt: number, opened: string | null): Promise<void> {
  const expected = readAttempt(task.dir, attempt).claim?.sessionId ?? null
  if (expected === null || opened === null || opened === expected)
    return rememberSession(task, opened, attempt)
  const spec = requireSpec(task)
  await endUnfinished(spec, task.journal.entries, { graceMs: 2_000 })
  await settle(await atRest(task))
  throw new RcaError(
    'failed',
    `${task.session}: the agent opened conversation ${opened} instead of ${expected} and was ended`,
    'The id of the right one is kept. Look at the logs before you resume again.',
  )
}
