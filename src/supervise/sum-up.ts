import { driverFor } from '../agents/index.ts'
import { readAttempt } from '../task/attempt.ts'
import { keepNote } from '../task/notes.ts'
import { sizeOf } from '../task/output.ts'
import { files } from '../task/paths.ts'
import { readTask } from '../task/store.ts'
import { newestStretch, summarizeAttempt } from '../task/summarize.ts'
import type { Tracked } from './tracked.ts'

/** So much output is summed up while the agent works, bytes: at its end it would hold up the next attempt. */
const AHEAD = 1 << 24

/** Whether an agent that works has printed a lot that is not summed up yet. Cheap: one stat. */
export function wantsSum({ dir, seen, logs }: Tracked): boolean {
  if (!seen || seen.workingOn === null || logs.summing) return false
  return sizeOf(files.events(dir)) - logs.summedTo > AHEAD
}

/** Sums up what the attempt that runs has printed, for whoever judges it or asks for its status. */
export async function sumUp({ dir, seen, logs }: Tracked): Promise<void> {
  const task = readTask(dir)
  if (!task?.spec || !seen || seen.workingOn === null) return
  logs.summing = true
  try {
    const record = readAttempt(dir, seen.workingOn)
    const { counted } = await summarizeAttempt(dir, await driverFor(task.spec.agent), record, false)
    keepNote(dir, newestStretch(dir, record), counted)
    logs.summedTo = counted.to.events
  } finally {
    logs.summing = false
  }
}
