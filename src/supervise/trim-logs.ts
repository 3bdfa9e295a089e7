import { RcaError } from '../errors.ts'
import { formatSize } from '../size.ts'
import { readTask } from '../task/store.ts'
import { isOverfull, type Trimmed, trim } from '../task/trim.ts'
import type { Tracked } from './tracked.ts'

/** Whether the logs of a task take up more than they may, and it is worth a try to cut them. Cheap: two stats. */
export function wantsTrim({ dir, logs }: Tracked): boolean {
  return logs.maxBytes !== null && !logs.busy && !logs.stuck && isOverfull(dir, logs.maxBytes)
}

/** Cuts the logs of a task that lives, and tells what came of it: once, where it cannot be done. */
export async function trimLogs(one: Tracked, log: (line: string) => void): Promise<void> {
  const { logs, dir } = one
  const task = readTask(dir)
  if (!task?.spec || logs.maxBytes === null) return
  logs.busy = true
  try {
    for (const done of await trim(dir, task.spec, logs.maxBytes)) {
      logs.stuck ||= done.failed !== null
      log(`${task.session}: ${inWords(done)}`)
    }
  } catch (error) {
    // Somebody else is at it.
    if (!(error instanceof RcaError && error.code === 'conflict')) throw error
  } finally {
    logs.busy = false
  }
}

function inWords({ file, from, failed }: Trimmed): string {
  const name = file === 'events' ? 'events.jsonl' : 'stderr.log'
  if (failed === null) return `${formatSize(from)} of ${name} dropped`
  return `${name} is longer than it should be and stays so: ${failed}`
}
