import { type TaskJson, taskJson } from '../task/json.ts'
import { settle } from '../task/settle.ts'
import { readTask } from '../task/store.ts'

/** Called by the launch script when its agent has ended: records what became of the attempt. */
export async function settleAttempt(dir: string): Promise<TaskJson | null> {
  const task = readTask(dir)
  return task && taskJson(await settle(task))
}
