import { rmSync } from 'node:fs'
import { errno } from '../errors.ts'
import { syncFile, writeDurable } from '../system/durable.ts'
import { pausePoint } from '../system/pause.ts'
import { endAll } from '../system/processes.ts'
import { sweepLaunch } from './attempt.ts'
import { keepDigest, readDigest } from './digest.ts'
import { ofType } from './entries.ts'
import { appendJournal, appendJournalSoon, readJournal } from './journal.ts'
import { keepNote } from './notes.ts'
import { type Observed, observe } from './observe.ts'
import { files } from './paths.ts'
import { policyOf } from './policy.ts'
import { attemptHelpers } from './processes.ts'
import { isLive } from './state.ts'
import { readTask, type Stored } from './store.ts'
import { type Counted, newestStretch } from './summarize.ts'
import { isOverfull, trim } from './trim.ts'

/**
 * Records what became of an attempt that is over, where nobody has yet: its end in the journal, the agent session id, and
 * `done` after a good end; the captured environment goes with a task that ended well or was killed (a failed one may be
 * resumed from a place that has no keys). May be called by several at once and again: the first record counts.
 */
export async function settle(task: Stored): Promise<Observed> {
  const observed = await observe(task, Date.now())
  if (!observed.pending || !observed.evidence) return observed
  try {
    if (observed.pending.exit === null) await tidyUp(observed, observed.pending.attempt)
    record(observed, observed.pending)
  } catch (error) {
    unlessNoDisk(error)
    return observed
  }
  await trimOnce(observed)
  const settled = await observe(readTask(task.dir) ?? task, Date.now())
  await closeBooks(settled)
  return settled
}

/** Without a disk to write to the verdict still stands; somebody records it later. Throws whatever else it is. */
export function unlessNoDisk(error: unknown): void {
  if (!['ENOSPC', 'EDQUOT', 'EROFS'].includes(errno(error) ?? '')) throw error
}

/** Its last words may have been too many. Whatever hinders that is no matter of the attempt's: the monitor says so of a task that lives. */
async function trimOnce({ dir, spec }: Stored): Promise<void> {
  const maxBytes = spec && policyOf(spec).maxLogBytes
  if (!spec || maxBytes === null || !isOverfull(dir, maxBytes)) return
  await trim(dir, spec, maxBytes).catch(() => {})
}

/** What a launch script that was killed could not do: its helpers run on, and its FIFOs and half-made records lie about. */
async function tidyUp({ spec, dir }: Stored, attempt: number): Promise<void> {
  if (spec) await endAll(() => attemptHelpers(spec, attempt), { graceMs: 500 })
  sweepLaunch(dir, attempt)
}

function record(task: Observed, end: NonNullable<Observed['pending']>): void {
  const { sessionId, counted, ...conclusion } = end
  keepCounted(task, counted)
  // A wrong conversation must not take the place of the right one's id.
  if (conclusion.cause !== 'wrong-session') rememberSession(task, sessionId, end.attempt)
  const at = task.evidence?.record.exitAt ?? task.lastActivityAt ?? new Date().toISOString()
  const { denials, lastActivityAt } = {
    denials: [...conclusion.denials],
    lastActivityAt: task.lastActivityAt,
  }
  pausePoint('before-attempt-ended')
  if (isRecorded(task.dir, end.attempt)) return
  appendJournalSoon(task.dir, { type: 'attempt-ended', ...conclusion, denials, at, lastActivityAt })
}

/** So much output is better not read again, bytes. */
const WORTH_KEEPING = 1 << 20

/** Sums up for whoever asks later what the attempt has printed, where reading it again would take a while. */
function keepCounted({ dir, evidence }: Observed, counted: Counted): void {
  if (!evidence) return
  const stretch = newestStretch(dir, evidence.record)
  if (stretch.to.events - stretch.from.events > WORTH_KEEPING) keepNote(dir, stretch, counted)
}

/** Another observer may have been faster: once in the journal is enough, if it can be helped. */
function isRecorded(dir: string, attempt: number): boolean {
  return ofType(readJournal(dir).entries, 'attempt-ended').some((one) => one.attempt === attempt)
}

/** What a task that has ended keeps and what it does not. */
export async function closeBooks(task: Observed): Promise<void> {
  const { state } = task.derived
  if (isLive(state)) return
  pausePoint('before-done')
  if (hasGoneOn(task)) return
  syncFile(files.journal(task.dir))
  // Before the environment goes, without which nobody knows any more what of it must not be told.
  if (task.spec?.notify) await (await import('../notify/outbox.ts')).keepNotices(task, task.spec)
  if (state === 'done') writeDurable(files.done(task.dir), `${task.derived.endedAt ?? ''}\n`)
  if ((state === 'done' || state === 'killed') && !hasGoneOn(task))
    rmSync(files.env(task.dir), { force: true })
  // Last: what has a digest is not looked at again.
  keepDigest(task)
}

/** The same where nobody has yet: whoever wrote down the end may have died since, or be about to do it. */
export async function finishBooks(task: Observed): Promise<void> {
  if (task.derived.state !== 'unknown' && readDigest(task.dir) === null) await closeBooks(task)
}

/** Whether somebody has gone on with it since that was seen: then it has not ended, and what the next attempt needs is not ours to take. */
function hasGoneOn({ dir, journal }: Observed): boolean {
  const goings = (entries: Observed['journal']['entries']) =>
    ofType(entries, 'attempt-claimed').length + ofType(entries, 'follow-up-queued').length
  return goings(readJournal(dir).entries) > goings(journal.entries)
}

/** Keeps the agent session id, durably, once it is known. */
export function rememberSession(task: Stored, id: string | null, attempt: number): void {
  if (id === null || ofType(task.journal.entries, 'agent-session').some((one) => one.id === id)) return
  writeDurable(files.sessionId(task.dir), `${id}\n`)
  appendJournal(task.dir, { type: 'agent-session', attempt, id })
}
