import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { RcaError } from '../errors.ts'
import { harmless } from '../render/text.ts'
import { pausePoint } from '../system/pause.ts'
import { appendJournal, readJournal } from '../task/journal.ts'
import { lockFolder } from '../task/lock.ts'
import { files } from '../task/paths.ts'
import type { ChannelRecord, EntryOf, Spec } from '../task/schema.ts'
import type { Channel, Outcome } from './channel.ts'
import { channelOf } from './index.ts'
import { type Delivery, isPending, isWornOut, ledgerOf, waitMs } from './ledger.ts'
import { withoutSecrets } from './mask.ts'
import { type Notice, shorten } from './notice.ts'
import { ensureOutbox, keepNotices, readNotice } from './outbox.ts'

/** What came of a round: how many notices got through, and what went wrong. `busy`: somebody else delivers. */
export type Round = { readonly kind: 'busy' } | { readonly kind: 'done'; readonly lines: readonly string[] }

const ERROR_LENGTH = 300

/**
 * Delivers what is due of one task over one channel, in the order in which it happened, and writes into the journal what
 * came of each try. Under a lock of its own: of two who do this at once, one does it. Between a delivery and its record
 * this process may be killed; then the notice comes again, with the same id.
 */
export async function deliverDue(
  dir: string,
  spec: Spec,
  record: ChannelRecord,
  stop: AbortSignal,
): Promise<Round> {
  ensureOutbox(dir)
  const folder = join(files.outbox(dir), 'lock', record.name)
  const lock = await lockFolder(folder, `channel ${record.name}`, 'a delivery', 0).catch(taken)
  if (!lock) return { kind: 'busy' }
  try {
    const lines: string[] = []
    for (const one of dueNow(dir, spec, record)) {
      if (stop.aborted) break
      lines.push(await deliverOne(dir, spec, one, stop))
    }
    return { kind: 'done', lines }
  } finally {
    lock.release()
  }
}

function taken(error: unknown): null {
  if (error instanceof RcaError && error.code === 'conflict') return null
  throw error
}

/** Read anew, under the lock: what another one has just delivered is not due. */
function dueNow(dir: string, spec: Spec, { name }: ChannelRecord): Delivery[] {
  return ledgerOf(spec, readJournal(dir).entries).filter(
    (one) => one.channel.name === name && isPending(one) && waitMs(one, Date.now()) === 0,
  )
}

async function deliverOne(dir: string, spec: Spec, due: Delivery, stop: AbortSignal): Promise<string> {
  const { notice: of, channel: record } = due
  const channel = channelOf(record)
  await keepNotices({ dir, journal: readJournal(dir) }, spec)
  const notice = readNotice(dir, of.id)
  if (!notice) return `${of.event} to ${record.name}: nothing to deliver`
  const outcome: Outcome = channel
    ? await tryOnce(channel, notice, due.tries + 1, stop)
    : { ok: false, error: `this release knows no channel like ${record.name} (${record.type})` }
  pausePoint('notify-delivered')
  const entry = entryOf(dir, due, outcome)
  appendJournal(dir, entry)
  return describe(entry)
}

/** One try, which ends when its time is up whatever the channel does. Its words hold nothing secret. */
export async function tryOnce(
  channel: Channel,
  notice: Notice,
  tries: number,
  stop: AbortSignal,
): Promise<Outcome> {
  const { record, secrets } = channel
  const signal = AbortSignal.any([stop, AbortSignal.timeout(record.timeoutMs)])
  const began = performance.now()
  const failed = (error: unknown): Outcome => ({
    ok: false,
    error: error instanceof Error ? error.message : String(error),
  })
  const outcome = await channel.deliver({ notice, tries, signal }).catch(failed)
  const words = (text: string) => shorten(withoutSecrets(harmless(text), secrets()), ERROR_LENGTH)
  if (outcome.ok) return outcome.note === undefined ? outcome : { ...outcome, note: words(outcome.note) }
  const late = stop.aborted ? 'cut off' : `${outcome.error} (${Math.round(performance.now() - began)} ms)`
  return { ...outcome, error: words(signal.aborted ? late : outcome.error) }
}

type Notified = Pick<
  EntryOf<'notified'>,
  'type' | 'notice' | 'event' | 'channel' | 'outcome' | 'tries' | 'error' | 'notBefore'
>

function entryOf(dir: string, { notice, channel, tries }: Delivery, outcome: Outcome): Notified {
  const about = {
    type: 'notified',
    notice: notice.id,
    event: notice.event,
    channel: channel.name,
    tries: tries + 1,
  } as const
  if (outcome.ok) return { ...about, outcome: 'delivered', error: outcome.note ?? null }
  const nowMs = Date.now()
  const isLast = outcome.hopeless || isWornOut(readJournal(dir).entries, notice.id, channel.name, nowMs)
  const notBefore =
    outcome.retryAfterMs === undefined ? null : new Date(nowMs + outcome.retryAfterMs).toISOString()
  return { ...about, outcome: isLast ? 'gave-up' : 'failed', error: outcome.error, notBefore }
}

function describe({ event, channel, outcome, error, tries }: Notified): string {
  const what = outcome === 'delivered' ? 'delivered' : outcome === 'failed' ? 'not delivered' : 'given up'
  return `${event} to ${channel}: ${what}${tries > 1 ? `, try ${tries}` : ''}${error ? `: ${error}` : ''}`
}
