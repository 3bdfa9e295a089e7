import { linkSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { driverFor } from '../agents/index.ts'
import { summarize } from '../agents/summary.ts'
import { unless } from '../errors.ts'
import { readOwn, syncDirectory, writeSynced } from '../system/durable.ts'
import { randomId } from '../system/random.ts'
import { attemptNumbers, readAttempt } from '../task/attempt.ts'
import { readJournal } from '../task/journal.ts'
import { readLines } from '../task/lines.ts'
import { sizeOf } from '../task/output.ts'
import { files } from '../task/paths.ts'
import type { Spec } from '../task/schema.ts'
import { readEnvironment, type Stored } from '../task/store.ts'
import { isPending, ledgerOf } from './ledger.ts'
import { maskFor } from './mask.ts'
import { compose, LAST_EVENTS, type Mask, type Notice } from './notice.ts'
import type { Occurrence } from './occurrences.ts'

/** Where an agent's last message is looked for: the end of what it printed, bytes. */
const TAIL_BYTES = 1 << 18
/** An environment that cannot be read is as good as gone: nobody can say what must not be told. */
const DAMAGED = ['unknown-state', 'EACCES', 'EISDIR', 'ELOOP']

/**
 * Writes down every notice that is still to be delivered, as it will be: with nothing of the captured environment in it, which
 * is there as long as a notice of the task has not been written. May be called by several at once and again: the first counts.
 */
export async function keepNotices(task: Pick<Stored, 'dir' | 'journal'>, spec: Spec): Promise<void> {
  const { dir, journal } = task
  const pending = ledgerOf(spec, journal.entries).filter(isPending)
  const wanted = [...new Set(pending.map((one) => one.notice))]
  if (wanted.length === 0) return
  // First this, then what is there: where it is gone, what needed it was written before.
  const env = unless(DAMAGED, null, () => readEnvironment(dir))
  const there = new Set(namesIn(dir))
  const missing = wanted.filter((one) => !there.has(nameOf(one.id)))
  if (missing.length === 0) return
  ensureOutbox(dir)
  for (const one of missing) keepFirst(dir, await noticeOf(dir, spec, one, env))
  syncDirectory(files.outbox(dir))
}

/** The folder of a task's notices and of the locks of its channels. Throws ENOENT where the task was removed: it is not made anew. */
export function ensureOutbox(dir: string): void {
  for (const folder of [files.outbox(dir), join(files.outbox(dir), 'lock')])
    unless(['EEXIST'], null, () => mkdirSync(folder, { mode: 0o700 }))
}

/** A notice as it was written down; null: it was not, or is delivered. */
export function readNotice(dir: string, id: string): Notice | null {
  const text = readOwn(join(files.outbox(dir), nameOf(id)))
  return text === null ? null : (JSON.parse(text) as Notice)
}

/** Takes away what nobody waits for any more. */
export function sweepOutbox({ dir }: Pick<Stored, 'dir'>, spec: Spec): void {
  // First these: what tells of a notice is in the journal before that is written down.
  const names = namesIn(dir)
  const pending = ledgerOf(spec, readJournal(dir).entries).filter(isPending)
  const wanted = new Set(pending.map((one) => nameOf(one.notice.id)))
  for (const name of names) if (!wanted.has(name)) rmSync(join(files.outbox(dir), name), { force: true })
}

const nameOf = (id: string) => `${id}.json`

function namesIn(dir: string): string[] {
  const names = unless(['ENOENT'], [] as string[], () => readdirSync(files.outbox(dir)))
  return names.filter((one) => one.endsWith('.json'))
}

/** Whole from its first moment, and never over one that is there: that may have been written when more was known. */
function keepFirst(dir: string, notice: Notice): void {
  const temp = join(files.outbox(dir), `.${randomId()}`)
  try {
    writeSynced(temp, `${JSON.stringify(notice)}\n`)
    unless(['EEXIST'], null, () => linkSync(temp, join(files.outbox(dir), nameOf(notice.id))))
  } finally {
    rmSync(temp, { force: true })
  }
}

/** Where the environment is gone although a notice was not written, nothing in the agent's words can be told from a secret. */
const WITHHELD: Mask = () => '(withheld: what must not be told is not known any more)'

async function noticeOf(
  dir: string,
  spec: Spec,
  of: Occurrence,
  env: Readonly<Record<string, string>> | null,
): Promise<Notice> {
  const message = LAST_EVENTS.has(of.event) ? await lastMessage(dir, spec, of.attempt) : null
  return compose(spec, dir, of, { message, mask: env === null ? WITHHELD : maskFor(env) })
}

/** What the agent said last in an attempt. */
async function lastMessage(dir: string, spec: Spec, attempt: number): Promise<string | null> {
  const driver = await driverFor(spec.agent)
  const path = files.events(dir)
  const following = attemptNumbers(dir).find((number) => number > attempt)
  const from = offsetOf(dir, attempt) ?? 0
  const end = following === undefined ? sizeOf(path) : (offsetOf(dir, following) ?? sizeOf(path))
  const lines = [...readLines(path, Math.max(from, end - TAIL_BYTES), end, true)]
  return summarize(lines.flatMap(({ text }) => driver.parse(text))).lastMessage
}

const offsetOf = (dir: string, attempt: number) => readAttempt(dir, attempt).claim?.eventsOffset ?? null
