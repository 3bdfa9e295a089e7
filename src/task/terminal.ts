import { ofType } from './entries.ts'
import type { TerminalRecord } from './schema.ts'
import type { Stored } from './store.ts'

type Task = Pick<Stored, 'spec' | 'journal'>

/** Everything that a task has run in, the newest last; empty: its record cannot be read. Pure. */
export function terminalsOf({ spec, journal }: Task): TerminalRecord[] {
  if (!spec) return []
  const changes = ofType(journal.entries, 'terminal-changed').map((one) => one.terminal)
  return [spec.terminal, ...changes]
}

/** Where a task runs now; null: its record cannot be read. Pure. */
export function terminalOf(task: Task): TerminalRecord | null {
  return terminalsOf(task).at(-1) ?? null
}
