import { setTimeout as sleep } from 'node:timers/promises'
import { endTask } from '../commands/kill.ts'
import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { confirm, RESUMER } from '../launch/confirm.ts'
import { letGo } from '../launch/handover.ts'
import { abandonUnbegun } from '../launch/launch.ts'
import { recover } from '../launch/recover.ts'
import type { Launched } from '../launch/startup.ts'
import { isAlive } from '../system/identity.ts'
import { pausePoint } from '../system/pause.ts'
import { endAll, gone, signal } from '../system/processes.ts'
import { attemptNumbers, hasExit } from '../task/attempt.ts'
import { taskDirectories } from '../task/directories.ts'
import { ofType } from '../task/entries.ts'
import { appendJournal, appendJournalSoon } from '../task/journal.ts'
import { acquireLock } from '../task/lock.ts'
import { atRest, type Observed } from '../task/observe.ts'
import { sizeOf } from '../task/output.ts'
import { files } from '../task/paths.ts'
import { attemptHelpers, attemptProcesses } from '../task/processes.ts'
import { settle } from '../task/settle.ts'
import { readTask, requireSpec, type Stored, tasksOfSession } from '../task/store.ts'
import { type Action, decide } from './decide.ts'
import { factsOf, NOTHING_REMEMBERED } from './facts.ts'

/** Another verb is at work on the task: look again soon. */
export type Outcome =
  | { readonly kind: 'acted' | 'busy' }
  | { readonly kind: 'launched'; readonly launched: Launched }

const ACTED: Outcome = { kind: 'acted' }
const BUSY: Outcome = { kind: 'busy' }

/**
 * Carries out what was decided about a task. Whatever touches processes does so under the lock of the session, and decides
 * anew there. Throws what the file system throws (a full disk): then nothing has happened, and it can be tried again.
 */
export async function act(
  action: Action,
  task: Observed,
  waitedMs: number,
  context: Context,
): Promise<Outcome> {
  switch (action.kind) {
    case 'nothing':
      return ACTED
    case 'settle':
      return settleNow(task)
    case 'recover':
      return recoverNow(task, waitedMs, context)
    case 'end':
      return underLock(task, context, () => endAgent(task, action))
    case 'free-launcher':
      return underLock(task, context, () => freeLauncher(task))
    case 'finish-kill':
      return underLock(task, context, () => finishKill(task, context))
    case 'note-gave-up':
      return underLock(task, context, () => noteGaveUp(task, waitedMs))
    default:
      note(action, task)
      return ACTED
  }
}

/** Makes the next attempt; for one that is known to be over without another look: what is to be done is decided under the lock. */
export function recoverNow(task: Stored, waitedMs: number, context: Context): Promise<Outcome> {
  return underLock(task, context, () => makeNextAttempt(task, waitedMs, context))
}

/** What could not be written down (a full disk) is still to be: that is tried again after a while, not at once. */
async function settleNow(task: Observed): Promise<Outcome> {
  const { pending } = await settle(task)
  if (pending) throw new Error(`the end of attempt ${pending.attempt} cannot be written down`)
  return ACTED
}

type Note = Extract<Action, { kind: 'note-wait' | 'note-stall' | 'note-active' | 'note-progress' }>

/** Writes into the journal what others want to know. */
function note(action: Note, task: Observed): void {
  if (action.kind === 'note-wait') freeShell(task)
  const attempt = task.evidence?.record.number ?? 0
  if (action.kind === 'note-active') appendJournal(task.dir, { type: 'active', attempt })
  else if (action.kind === 'note-progress') {
    const eventsBytes = sizeOf(files.events(task.dir))
    appendJournalSoon(task.dir, { type: 'progress', attempt, text: action.text, eventsBytes })
  } else if (action.kind === 'note-stall') {
    const since = task.lastActivityAt ?? new Date().toISOString()
    const eventsBytes = sizeOf(files.events(task.dir))
    appendJournal(task.dir, { type: 'stalled', attempt, since, evidence: action.evidence, eventsBytes })
  } else {
    const { dueMs, why, reason, guess } = action.next
    appendJournal(task.dir, { type: 'waiting', until: new Date(dueMs).toISOString(), why, reason, guess })
  }
}

/** Says that nothing is tried any more. */
function giveUp(
  task: Pick<Observed, 'dir'>,
  why: { cause: string; reason: string; hint: string | null },
): void {
  const { cause, reason, hint } = why
  appendJournal(task.dir, { type: 'gave-up', cause, reason, hint })
}

async function underLock(
  task: Pick<Stored, 'session'>,
  context: Context,
  action: () => Promise<Outcome>,
): Promise<Outcome> {
  const lock = await acquireLock(context.state, task.session, 'rca monitor', 0).catch(busy)
  if (!lock) return BUSY
  try {
    return await action()
  } finally {
    lock.release()
  }
}

function busy(error: unknown): null {
  if (error instanceof RcaError && error.code === 'conflict') return null
  throw error
}

/** The task as it is now, under the lock, with what is to be done about it now. */
async function lookAgain(task: Stored, waitedMs: number) {
  const now = await settle(await atRest(readTask(task.dir) ?? task))
  const spec = requireSpec(now)
  const remembered = { ...NOTHING_REMEMBERED, waitedMs }
  return { now, spec, decision: decide(await factsOf(now, spec, remembered, Date.now())) }
}

async function makeNextAttempt(task: Stored, waitedMs: number, context: Context): Promise<Outcome> {
  pausePoint('monitor-locked')
  abandonUnbegun(task.dir)
  const { now, spec, decision } = await lookAgain(task, waitedMs)
  if (decision.action.kind !== 'recover') return ACTED
  if (isSuperseded(now, context.state)) {
    giveUp(now, { cause: 'superseded', reason: 'its name was used for another task since', hint: null })
    return ACTED
  }
  const known = attemptNumbers(now.dir).at(-1) ?? null
  pausePoint('monitor-before-recover')
  try {
    const options = { prompt: null, env: [], caller: {}, by: 'monitor', graceMs: 3_000 } as const
    return { kind: 'launched', launched: await recover(now, spec, options, context) }
  } catch (error) {
    return notLaunched(now, known, error)
  }
}

/** Whether a newer task has its name. */
function isSuperseded({ dir, session }: Stored, state: string): boolean {
  const ofThatName = taskDirectories(state, (one) => one === session)
  return ofThatName.length > 1 && tasksOfSession(state, session)[0]?.dir !== dir
}

/** Why a next attempt could not be made: for good, for now, or because somebody else is at it. */
function notLaunched(task: Observed, known: number | null, error: unknown): Outcome {
  if (!(error instanceof RcaError)) throw error
  const newest = attemptNumbers(task.dir).at(-1) ?? null
  if (error.code === 'conflict' && newest !== known) return BUSY
  const { message: reason, hint, hopeless } = error
  if (hopeless === null) appendJournal(task.dir, { type: 'recovery-failed', reason, hint })
  else giveUp(task, { cause: hopeless, reason, hint })
  return ACTED
}

/** Watches an attempt that was just made until its agent is known to run: its conversation must be the right one. */
export async function confirmLaunch(launched: Launched, context: Context): Promise<void> {
  await confirm(launched, RESUMER, context).catch((error) => {
    if (!(error instanceof RcaError)) throw error
  })
}

async function endAgent(task: Observed, wanted: Extract<Action, { kind: 'end' }>): Promise<Outcome> {
  const { now, spec, decision } = await lookAgain(task, 0)
  const { evidence } = now
  if (decision.action.kind !== 'end' || decision.action.why !== wanted.why || !evidence) return ACTED
  const { why, evidence: words } = decision.action
  const attempt = evidence.record.number
  if (!ofType(now.journal.entries, 'ending').some((one) => one.attempt === attempt && one.why === why))
    appendJournal(now.dir, { type: 'ending', attempt, why, evidence: words })
  pausePoint('monitor-before-end')
  // What a finished agent left running (a dev server) is left alone, unless the agent does not go by itself.
  if (why === 'finished' && evidence.record.agent) {
    signal(evidence.record.agent, 'SIGTERM')
    if (await gone([evidence.record.agent], 5_000)) return ACTED
  }
  const left = await endAll(() => attemptProcesses(spec, attempt), { graceMs: 5_000 })
  // Tried again, but not at once: meanwhile somebody else may want the lock.
  if (left.length > 0) throw new RcaError('failed', `${left.length} processes of its agent would not die`)
  await settle(await atRest(readTask(now.dir) ?? now))
  return ACTED
}

/**
 * Ends what a launch script waits for. One that was stopped (Ctrl-Z at the pane) is told to go on; one that does not write
 * down its agent's end even so is ended: the attempt is judged without it.
 */
async function freeLauncher({ dir, spec, evidence }: Observed): Promise<Outcome> {
  if (!spec || !evidence?.record.launcher) return ACTED
  const { number, launcher } = evidence.record
  await endAll(() => attemptHelpers(spec, number), { graceMs: 500 })
  signal(launcher, 'SIGCONT')
  const until = Date.now() + FREED_MS
  const stuck = () => isAlive(launcher) && !hasExit(dir, number)
  while (stuck() && Date.now() < until) await sleep(10)
  if (stuck()) signal(launcher, 'SIGKILL')
  return ACTED
}

/** A launch script that nothing is in the way of writes down its agent's end in so long, ms. */
const FREED_MS = 3_000

/** Whoever was killed may have been resumed since: that is nobody's to end. */
async function finishKill(task: Observed, context: Context): Promise<Outcome> {
  const { now, decision } = await lookAgain(task, 0)
  if (decision.action.kind !== 'finish-kill') return ACTED
  const by = ofType(now.journal.entries, 'kill-requested').at(-1)?.by ?? 'rca kill'
  await endTask(now, by, context, { graceMs: 5_000 })
  return ACTED
}

/**
 * Under the lock, for a person who resumes the task in this very moment begins its supervision anew. What was claimed by
 * somebody who has died could still begin, and end well: nothing would have been given up.
 */
async function noteGaveUp(task: Observed, waitedMs: number): Promise<Outcome> {
  abandonUnbegun(task.dir)
  const { now, decision } = await lookAgain(task, waitedMs)
  if (decision.action.kind !== 'note-gave-up') return ACTED
  freeShell(now)
  giveUp(now, decision.action.next)
  return ACTED
}

/** The launch script need not wait for what is not due yet, or never. */
function freeShell({ dir }: Stored): void {
  const newest = attemptNumbers(dir).at(-1)
  if (newest !== undefined) letGo(dir, newest)
}
