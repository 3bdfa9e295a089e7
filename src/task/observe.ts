import { setTimeout as sleep } from 'node:timers/promises'
import type { Driver } from '../agents/driver.ts'
import { driverFor } from '../agents/index.ts'
import { isAlive, isHere } from '../system/identity.ts'
import { type AttemptRecord, attemptNumbers, readAttempt } from './attempt.ts'
import { type Concluded, concludeAttempt } from './conclude.ts'
import { killRequested, ofType } from './entries.ts'
import { lastOutputMs } from './output.ts'
import { type Derived, derive, type Evidence, isLive, phaseOf } from './state.ts'
import { readTask, type Stored } from './store.ts'

/** A task with everything that could be seen of it at one moment. */
export interface Observed extends Stored {
  readonly derived: Derived
  readonly evidence: Evidence | null
  /** When the agent last printed anything, RFC 3339, or null. */
  readonly lastActivityAt: string | null
  /** A verdict that is not in the journal yet, with the conversation's id. */
  readonly pending: Concluded | null
}

/**
 * Looks at a task: its journal and, unless all its attempts' ends are recorded, the newest attempt's records and
 * processes, and the output of an attempt that is over and not yet judged. Writes nothing.
 */
export async function observe(task: Stored, nowMs: number): Promise<Observed> {
  const open = openAttempt(task)
  if (open === null) return finished(task, nowMs)
  const record = readAttempt(task.dir, open)
  const seen = look(record)
  // What was made on another machine may live there: nothing that is seen from here is its end.
  const over = seen.here && phaseOf(seen, nowMs) === 'over'
  const driver = task.spec && over ? await driverFor(task.spec.agent) : null
  const pending = driver && (await judgeNow(task, record, driver))
  const evidence = { ...seen, conclusion: pending }
  const outputMs = lastOutputMs(task.dir)
  return {
    ...task,
    evidence,
    pending,
    lastActivityAt: outputMs === 0 ? null : new Date(outputMs).toISOString(),
    derived: derive(facts(task, evidence, outputMs, nowMs)),
  }
}

function finished(task: Stored, nowMs: number): Observed {
  const lastActivityAt = ofType(task.journal.entries, 'attempt-ended').at(-1)?.lastActivityAt ?? null
  const derived = derive(facts(task, null, 0, nowMs))
  return { ...task, evidence: null, pending: null, lastActivityAt, derived }
}

function facts(task: Stored, evidence: Evidence | null, outputMs: number, nowMs: number) {
  const { spec, problems } = task
  return { spec, entries: task.journal.entries, problems, evidence, lastOutputMs: outputMs, nowMs }
}

/** The newest attempt whose end is not in the journal, or null. */
function openAttempt(task: Stored): number | null {
  const { entries } = task.journal
  const ended = new Set(ofType(entries, 'attempt-ended').map((one) => one.attempt))
  const claimed = ofType(entries, 'attempt-claimed')
  const allEnded = claimed.length > 0 && claimed.every((one) => ended.has(one.attempt))
  if (allEnded && task.journal.problems.length === 0) return null
  const newest = attemptNumbers(task.dir).at(-1)
  return newest === undefined || ended.has(newest) ? null : newest
}

function look(record: AttemptRecord): Evidence {
  return {
    record,
    claimantAlive: record.claim !== null && isAlive(record.claim.claimant),
    launcherAlive: record.launcher !== null && isAlive(record.launcher),
    agentAlive: record.agent !== null && isAlive(record.agent),
    here: record.claim === null || isHere({ ...record.claim, boot: record.claim.claimant.boot }),
    conclusion: null,
  }
}

async function judgeNow(task: Stored, record: AttemptRecord, driver: Driver) {
  if (!task.spec) return null
  return concludeAttempt(task.dir, task.spec, driver, record, killRequested(task.journal.entries))
}

/**
 * Whether nothing has happened that is worth another look at a task whose newest attempt is `attempt`: that attempt still
 * runs (or is being launched) and no other was claimed. Cheap: reads one attempt's records and two processes.
 */
export function isBusy(dir: string, attempt: number | null): boolean {
  if ((attemptNumbers(dir).at(-1) ?? null) !== attempt) return false
  if (attempt === null) return true
  const phase = phaseOf(look(readAttempt(dir, attempt)), Date.now())
  return phase === 'working' || phase === 'preparing' || phase === 'launching'
}

/** Whether more is to come from a task: an attempt is under way, or the next one is due sooner or later. */
export async function goesOn(dir: string): Promise<boolean> {
  const task = readTask(dir)
  return task !== null && isLive((await observe(task, Date.now())).derived.state)
}

/**
 * The task once an attempt that is ending has ended: where its agent is gone and its launch script is about to write the
 * record, that is waited for (10 s at most).
 */
export async function atRest(task: Stored): Promise<Stored> {
  const until = Date.now() + 10_000
  for (;;) {
    const now = readTask(task.dir) ?? task
    const open = openAttempt(now)
    const evidence = open === null ? null : look(readAttempt(task.dir, open))
    const ending = evidence && !evidence.agentAlive && phaseOf(evidence, Date.now()) === 'working'
    if (!ending || Date.now() > until) return now
    await sleep(1)
  }
}
