import type { Context } from '../context.ts'
import { findTask } from '../task/store.ts'
import { requireTerminal } from '../terminal/of-task.ts'

/** The argv that shows the task's session to the person at this terminal. Throws where there is none. */
export async function attachCommand(name: string, context: Context): Promise<string[]> {
  const task = findTask(context.state, name)
  return requireTerminal(task, context).attach(task)
}

/** What the task's session shows, with up to `lines` of its history. */
export async function paneText(name: string, lines: number | null, context: Context): Promise<string> {
  const task = findTask(context.state, name)
  return requireTerminal(task, context).text(task, lines)
}
