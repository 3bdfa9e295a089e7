import { setTimeout as sleep } from 'node:timers/promises'
import { readTask, type Stored } from '../task/store.ts'
import { Courier } from './courier.ts'
import { isPending, ledgerOf } from './ledger.ts'

/** So long, ms, in which a receiver may be told of a task whose records are about to be removed. */
const PATIENCE_MS = 5_000

/**
 * Tries the notices of a task that nobody has tried yet, for with its records they are gone. Returns how many did not get
 * through. Whoever delivers already goes on.
 */
export async function tryBeforeRemoval({ dir }: Pick<Stored, 'dir'>): Promise<number> {
  if (pendingOf(dir).length === 0) return 0
  const courier = new Courier({ log: () => {} }, true)
  const until = Date.now() + PATIENCE_MS
  do {
    courier.consider(dir)
    await Promise.race([courier.drained(), sleep(PATIENCE_MS, null, { ref: false })])
    if (!pendingOf(dir).some((one) => one.tries === 0)) break
    await sleep(100)
  } while (Date.now() < until)
  await courier.stop()
  return pendingOf(dir).length
}

function pendingOf(dir: string) {
  const task = readTask(dir)
  return task ? ledgerOf(task.spec, task.journal.entries).filter(isPending) : []
}
