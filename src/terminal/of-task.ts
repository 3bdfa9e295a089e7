import type { Context } from '../context.ts'
import type { TerminalRecord } from '../task/schema.ts'
import { requireSpec, type Stored } from '../task/store.ts'
import { terminalOf, terminalsOf } from '../task/terminal.ts'
import { isInstalled } from './choice.ts'
import type { Terminal } from './terminal.ts'

/** Where a task runs now, to be asked. Throws `unknown-state` where the task's record cannot be read. */
export function requireTerminal(task: Stored, context: Pick<Context, 'terminalAt'>): Terminal {
  return context.terminalAt(terminalOf(task) ?? requireSpec(task).terminal)
}

/** Ends all sessions that the task has had, where they are still its own. */
export async function closeSessions(
  task: Stored,
  context: Pick<Context, 'terminalAt' | 'env'>,
): Promise<void> {
  const different = new Map(terminalsOf(task).map((one) => [JSON.stringify(one), one]))
  const [current, ...earlier] = [...different.values()].reverse()
  // An earlier one was left because it did not work: it may not do so now.
  for (const record of earlier) await close(record, task, context).catch(() => {})
  if (current) await close(current, task, context)
}

async function close(
  record: TerminalRecord,
  task: Stored,
  context: Pick<Context, 'terminalAt' | 'env'>,
): Promise<void> {
  if (isInstalled(record.kind, context.env)) await context.terminalAt(record).close(task)
}
