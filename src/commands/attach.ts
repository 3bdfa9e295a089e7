import type { Context } from '../context.ts'
import { findTask, requireSpec, type Stored } from '../task/store.ts'

/** The argv that shows the task's session to the person at this terminal. Throws where there is none. */
export async function attachCommand(name: string, context: Context): Promise<string[]> {
  const task = findTask(context.state, name)
  return terminalOf(task, context).attach(task)
}

/** What the task's pane shows, with up to `lines` of its history. */
export async function paneText(name: string, lines: number | null, context: Context): Promise<string> {
  const task = findTask(context.state, name)
  return terminalOf(task, context).text(task, lines)
}

const terminalOf = (task: Stored, context: Context) => context.terminalAt(requireSpec(task).terminal)
