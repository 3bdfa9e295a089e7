import type { NoticeEvent } from './events.ts'
import type { KindName } from './index.ts'

/** A channel as config.json or a flag describes it. */
export interface Described {
  readonly type: KindName
  readonly on: readonly NoticeEvent[] | undefined
  readonly timeoutMs: number | undefined
  readonly settings: object
}

/** What config.json says of notifications. */
export interface NotifyConfig {
  readonly channels: Readonly<Record<string, Described>>
  /** The channels of a task that names none. */
  readonly default: readonly string[]
  readonly on: readonly NoticeEvent[] | undefined
  readonly progressEveryMs: number | undefined
}

export const NO_NOTIFY: NotifyConfig = {
  channels: {},
  default: [],
  on: undefined,
  progressEveryMs: undefined,
}
