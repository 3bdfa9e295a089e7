import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '../context.ts'
import { confirmLaunch, recoverNow } from '../supervise/act.ts'
import { stateOf } from '../task/paths.ts'
import { settle } from '../task/settle.ts'
import { readTask } from '../task/store.ts'

/** So long it waits for another verb that is at work on the task, ms. */
const BUSY_MS = 30_000

/**
 * Begins the follow-up whose turn it is, of a task that no monitor is to be started for. Whoever else has begun it meanwhile was
 * faster, and nothing is done.
 */
export async function deliver(dir: string, context: Context): Promise<void> {
  const there = { ...context, state: stateOf(dir) }
  const until = Date.now() + BUSY_MS
  while (Date.now() < until) {
    const task = readTask(dir)
    const next = task && (await settle(task)).derived.next
    if (!task || next?.kind !== 'again' || next.followUp === undefined) return
    const outcome = await recoverNow(task, 0, there)
    if (outcome.kind === 'launched') return confirmLaunch(outcome.launched, there)
    if (outcome.kind === 'acted') return
    await sleep(50)
  }
}
