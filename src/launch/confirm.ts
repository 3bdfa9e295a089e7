import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { endAll } from '../system/processes.ts'
import { readAttempt } from '../task/attempt.ts'
import { atRest, type Observed, observe } from '../task/observe.ts'
import { unfinishedProcesses } from '../task/processes.ts'
import { rememberSession, settle } from '../task/settle.ts'
import { isLive } from '../task/state.ts'
import { readTask, requireSpec, type Stored } from '../task/store.ts'
import { type Launched, untilRunning } from './startup.ts'

/**
 * Waits until the agent of an attempt that has begun is known to run, or is over and has done its work, and keeps its
 * conversation's id. Throws `failed` with the agent's own words where it is over and did not end well, and where it opened
 * another conversation than it was told to: that one is ended. `words` says what it did not do (`start`, `go on`).
 */
export async function confirm(
  launched: Launched,
  words: { readonly to: string; readonly failed: (task: Observed) => void },
  context: Pick<Context, 'progress' | 'now'>,
): Promise<Observed> {
  const { dir, attempt } = launched
  context.progress(`waiting for ${launched.driver.name} to ${words.to}`)
  const startup = launched.begun === 'over' ? ({ kind: 'over' } as const) : await untilRunning(launched)
  context.progress(null)
  const stored = readTask(dir)
  if (!stored) throw new RcaError('unknown-state', `The task directory ${dir} is gone`)
  if (startup.kind === 'running') {
    await keepSession(stored, attempt, startup.sessionId)
    const seen = await observe(readTask(dir) ?? stored, context.now())
    if (isLive(seen.derived.state)) return seen
  }
  const task = await settle(readTask(dir) ?? stored)
  if (task.derived.state === 'done' || isLive(task.derived.state)) return task
  words.failed(task)
  throw new RcaError(
    'failed',
    `${task.session} did not ${words.to}: ${task.derived.reason ?? task.derived.state}`,
    task.derived.hint ?? `See: rca logs ${task.session}`,
  )
}

async function keepSession(task: Stored, attempt: number, opened: string | null): Promise<void> {
  const expected = readAttempt(task.dir, attempt).claim?.sessionId ?? null
  if (expected === null || opened === null || opened === expected)
    return rememberSession(task, opened, attempt)
  const spec = requireSpec(task)
  await endAll(() => unfinishedProcesses(spec, task.journal.entries), { graceMs: 2_000 })
  await settle(await atRest(task))
  throw new RcaError(
    'failed',
    `${task.session}: the agent opened conversation ${opened} instead of ${expected} and was ended`,
    'The id of the right one is kept. Look at the logs before you resume again.',
  )
}
