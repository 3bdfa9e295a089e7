import { rmSync } from 'node:fs'
import { writeDurable } from '../system/durable.ts'
import { appendJournal } from './journal.ts'
import { type Observed, observe } from './observe.ts'
import { lastOutputMs } from './output.ts'
import { files } from './paths.ts'
import { ofType } from './state.ts'
import { readTask, type Stored } from './store.ts'

/**
 * Records what became of an attempt that is over, where nobody has yet: its end in the journal, the agent session id, and
 * `done` after a good end; the captured environment goes with a task that ended well or was killed (a failed one may be
 * resumed from a place that has no keys). May be called by several at once and again: the first record counts.
 */
export async function settle(task: Stored): Promise<Observed> {
  const observed = await observe(task, Date.now())
  const end = observed.pending
  if (!end || !observed.evidence) return observed
  const { sessionId, ...conclusion } = end
  // A wrong conversation must not take the place of the right one's id.
  if (conclusion.cause !== 'wrong-session') rememberSession(observed, sessionId, end.attempt)
  const at = observed.evidence.record.exitAt ?? new Date().toISOString()
  const outputMs = lastOutputMs(task.dir)
  const lastActivityAt = outputMs === 0 ? null : new Date(outputMs).toISOString()
  appendJournal(task.dir, {
    type: 'attempt-ended',
    ...conclusion,
    denials: [...conclusion.denials],
    at,
    lastActivityAt,
  })
  const settled = await observe(readTask(task.dir) ?? task, Date.now())
  closeBooks(settled)
  return settled
}

/** What a task that has ended keeps and what it does not. */
export function closeBooks(task: Observed): void {
  const { state } = task.derived
  if (state === 'done') writeDurable(files.done(task.dir), `${task.derived.endedAt ?? ''}\n`)
  if (state === 'done' || state === 'killed') rmSync(files.env(task.dir), { force: true })
}

/** Keeps the agent session id, durably, once it is known. */
export function rememberSession(task: Stored, id: string | null, attempt: number): void {
  if (id === null || ofType(task.journal.entries, 'agent-session').some((one) => one.id === id)) return
  writeDurable(files.sessionId(task.dir), `${id}\n`)
  appendJournal(task.dir, { type: 'agent-session', attempt, id })
}
