import type { Context } from '../context.ts'
import { hasPending } from '../notify/ledger.ts'
import { deliverApart, ensureMonitorFor } from '../supervise/spawn.ts'
import { type TaskJson, taskJson } from '../task/json.ts'
import { stateOf } from '../task/paths.ts'
import { settle } from '../task/settle.ts'
import { readTask } from '../task/store.ts'

/** Called by the launch script when its agent has ended: records what became of the attempt. */
export async function settleAttempt(dir: string, context: Context): Promise<TaskJson | null> {
  const task = readTask(dir)
  if (!task) return null
  const settled = await settle(task)
  // Whoever started it may be long gone, and the monitor with it: nobody else would go on, or tell anybody.
  const { next } = settled.derived
  const there = { ...context, state: stateOf(dir) }
  if (next?.kind === 'again' || hasPending(settled.spec, settled.journal.entries))
    await ensureMonitorFor(settled, there)
  if (next?.kind === 'again' && next.followUp !== undefined && task.spec?.monitor === false)
    await deliverApart(dir, there)
  return taskJson(settled)
}
