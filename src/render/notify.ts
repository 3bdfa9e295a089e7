import type { ChannelJson, NotifyTestJson } from '../commands/notify.ts'
import type { StatusJson } from '../commands/status.ts'
import { formatDuration, formatWait } from '../duration.ts'
import type { Paint } from './paint.ts'
import { oneLine } from './text.ts'

/** What `rca notify test` tells a person. Pure. */
export function renderNotifyTest(result: NotifyTestJson, paint: Paint): string {
  const where = `${paint.bold(result.channel)} (${oneLine(result.address, 100)})`
  const took = formatTook(result.tookMs)
  const error = result.error === null ? '' : `: ${oneLine(result.error, 300)}`
  return result.delivered
    ? `${where}: delivered in ${took}${error}\n`
    : `${where}: not delivered (${took})${error}\n`
}

const formatTook = (ms: number) => (ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`)

/** What `rca notify list` shows. Pure. */
export function renderChannels(channels: readonly ChannelJson[], paint: Paint): string {
  if (channels.length === 0) return 'config.json names no channel (docs/notifications.md)\n'
  return channels
    .map(({ name, type, address, on, problem, default: usual }) => {
      const about = problem ?? `${address}  ${on.join(', ')}`
      return `${paint.bold(name)}  ${type}  ${oneLine(about, 160)}${usual ? '  (default)' : ''}\n`
    })
    .join('')
}

/** One line for each notice of a task and channel. Pure. */
export function noticeLine(one: StatusJson['notices'][number], nowMs: number): string {
  const tries = one.tries > 1 ? ` (try ${one.tries})` : ''
  const why = one.error === null ? '' : `: ${one.error}`
  return `${one.event} to ${one.channel}: ${stateOf(one, nowMs)}${tries}${why}`
}

function stateOf(one: StatusJson['notices'][number], nowMs: number): string {
  const ago = one.triedAt === null ? '' : ` ${formatDuration(nowMs - Date.parse(one.triedAt))} ago`
  if (one.state === 'delivered') return `delivered${ago}`
  if (one.state === 'gave-up') return `given up${ago}`
  if (one.blockedBy !== null)
    return 'not yet delivered; no monitor runs (rca monitor, or rca service install)'
  const inMs = one.nextAt === null ? 0 : Date.parse(one.nextAt) - nowMs
  return inMs > 0 ? `not yet delivered, next try in ${formatWait(inMs)}` : 'about to be delivered'
}
