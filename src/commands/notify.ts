import { performance } from 'node:perf_hooks'
import { loadConfig } from '../config.ts'
import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import type { Channel } from '../notify/channel.ts'
import { tryOnce } from '../notify/deliver.ts'
import { channelOf } from '../notify/index.ts'
import { testNotice } from '../notify/notice.ts'
import { callerOf, channelRecord } from '../notify/settings.ts'
import { host } from '../system/identity.ts'
import { randomId } from '../system/random.ts'

/** One channel as config.json names it, with nothing secret. */
export interface ChannelJson {
  readonly name: string
  readonly type: string
  readonly address: string
  readonly on: readonly string[]
  /** Every task that names no channel is told of here. */
  readonly default: boolean
  /** Why it cannot be used from here, or null. */
  readonly problem: string | null
}

export interface NotifyTestJson {
  readonly channel: string
  readonly type: string
  readonly address: string
  readonly notice: string
  readonly delivered: boolean
  readonly error: string | null
  readonly tookMs: number
}

/** The channels that config.json names. Throws a `config` error where it cannot be read. */
export function notifyList(context: Context): ChannelJson[] {
  const { notify } = loadConfig(context.env)
  return Object.entries(notify.channels).map(([name, { type, on }]) => {
    const isDefault = notify.default.includes(name)
    try {
      const { record, address } = opened(name, context)
      return { name, type, address, on: record.on, default: isDefault, problem: null }
    } catch (error) {
      if (!(error instanceof RcaError)) throw error
      return { name, type, address: '', on: on ?? [], default: isDefault, problem: error.message }
    }
  })
}

/** Sends one test notice over a channel, named in config.json or in the short form of --notify. Writes nothing anywhere. */
export async function notifyTest(
  text: string,
  context: Context,
  signal: AbortSignal,
): Promise<NotifyTestJson> {
  const channel = opened(text, context)
  const id = randomId()
  const notice = testNotice(id, host(), new Date(context.now()).toISOString())
  const began = performance.now()
  context.progress(`telling ${channel.record.name}`)
  const outcome = await tryOnce(channel, notice, 1, signal)
  context.progress(null)
  return {
    channel: channel.record.name,
    type: channel.record.type,
    address: channel.address,
    notice: notice.id,
    delivered: outcome.ok,
    error: outcome.ok ? (outcome.note ?? null) : outcome.error,
    tookMs: Math.round(performance.now() - began),
  }
}

function opened(text: string, context: Context): Channel {
  const record = channelRecord(text, loadConfig(context.env).notify, callerOf(context))
  const channel = channelOf(record)
  if (!channel) throw new RcaError('usage', `The settings of ${record.name} make no channel`)
  return channel
}
