import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { RcaError, unless } from '../errors.ts'
import { ensurePrivateDirectory, readOwn, syncDirectory, writeDurable } from '../system/durable.ts'
import { pausePoint } from '../system/pause.ts'
import { ofType } from './entries.ts'
import type { FollowUp } from './follow-ups.ts'
import { appendJournal } from './journal.ts'
import type { Observed } from './observe.ts'
import { files } from './paths.ts'
import { markReopened } from './reopened.ts'
import { isLive } from './states.ts'
import { sha256 } from './store.ts'

export interface NewFollowUp {
  readonly text: Uint8Array
  readonly by: string
  readonly key: string | null
}

/**
 * Keeps a follow-up, durably: its text first, then the entry that makes it one. Its id. For whoever holds the lock of the
 * session: a text without an entry is of a sender that died, who has told nobody that it was sent, and is taken away.
 */
export function keepFollowUp({ dir, journal, derived }: Observed, wanted: NewFollowUp): number {
  if (!isLive(derived.state)) markReopened(dir)
  const known = new Set(ofType(journal.entries, 'follow-up-queued').map((one) => one.id))
  const id = Math.max(0, ...known) + 1
  const folder = files.followUps(dir)
  ensurePrivateDirectory(folder)
  for (const name of readdirSync(folder))
    if (!known.has(Number(name))) rmSync(join(folder, name), { recursive: true, force: true })
  writeDurable(files.followUp(dir, id), wanted.text)
  syncDirectory(dir)
  pausePoint('send-written')
  const { by, key } = wanted
  appendJournal(dir, { type: 'follow-up-queued', id, sha256: sha256(wanted.text), by, key })
  return id
}

/** The text of a follow-up. Throws where it is not what was sent: something else must not be delivered in its place. */
export function readFollowUp(dir: string, { id, sha256: expected }: Pick<FollowUp, 'id' | 'sha256'>): string {
  const path = files.followUp(dir, id)
  const text = unless(['ELOOP'], null, () => readOwn(path))
  if (text !== null && sha256(Buffer.from(text)) === expected) return text
  const why = text === null ? 'is gone' : 'is not what was sent'
  throw new RcaError(
    'failed',
    `The text of follow-up ${id} ${why} (${path})`,
    'rca send it again once that is mended or given up.',
    'follow-up-unreadable',
  )
}
