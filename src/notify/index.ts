import type { ChannelRecord } from '../task/schema.ts'
import { bell } from './bell.ts'
import type { Channel } from './channel.ts'
import { command } from './command.ts'
import { desktop } from './desktop.ts'
import { discord } from './discord.ts'
import { ntfy } from './ntfy.ts'
import { openclaw } from './openclaw.ts'
import { slack } from './slack.ts'
import { webhook } from './webhook.ts'

/** All kinds of channels: a further one is a file and a line here. */
export const KINDS = { desktop, bell, command, webhook, slack, discord, ntfy, openclaw } as const
export type KindName = keyof typeof KINDS
export const KIND_NAMES = Object.keys(KINDS) as KindName[]

export const isKind = (name: string): name is KindName => Object.hasOwn(KINDS, name)

/** What a record of a task's spec describes; null: a kind, or settings, that this release does not know. */
export function channelOf(record: ChannelRecord): Channel | null {
  return isKind(record.type) ? KINDS[record.type].open(record) : null
}
