import type { ChannelRecord } from '../task/schema.ts'
import * as z from '../zod.ts'
import type { Notice } from './notice.ts'
import { programEnvironment } from './program.ts'

/** What came of one try. A channel never throws for what its receiver does. */
export type Outcome =
  | { readonly ok: true /** Worth telling, or null. */; readonly note?: string }
  | {
      readonly ok: false
      readonly error: string
      /** It will never work: not tried again. */
      readonly hopeless?: boolean
      /** The receiver asked not to be tried again for so long, ms. */
      readonly retryAfterMs?: number
    }

/** One try to deliver a notice. */
interface Try<Settings> {
  readonly notice: Notice
  readonly settings: Settings
  /** Which try it is, from 1 on. */
  readonly tries: number
  /** Fires when its time is up or nobody wants it any more: everything is let go of then. */
  readonly signal: AbortSignal
  /** For kinds that run programs: what they need of the environment of whoever started the task. */
  readonly env: Readonly<Record<string, string>>
}

/** The caller's side of a start, of which a channel may keep what a delivery needs later. */
export interface Caller {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** The tmux server that the caller reaches. */
  readonly socket: string | null
}

type Shape = z.core.$ZodLooseShape
type SettingsOf<S extends Shape> = z.output<z.ZodMiniObject<S, z.core.$strip>>

/** What the file of one kind of channel says. */
interface KindOf<S extends Shape> {
  readonly type: string
  /** How long a try may take, ms. */
  readonly timeoutMs: number
  /** Its settings in config.json, and in a task's spec, beside `type`, `on` and `timeout`. */
  readonly shape: S
  /** It runs a program, which needs its caller's environment. */
  readonly runs?: true
  /** The settings that `type:text` stands for; null: a text is needed, or none is. */
  inline(text: string | null): Record<string, unknown> | null
  /** Makes what a delivery needs independent of the caller. Throws a usage error. */
  fix?(settings: SettingsOf<S>, caller: Caller): SettingsOf<S>
  /** Where it leads, with nothing secret in it. */
  address(settings: SettingsOf<S>): string
  /** What of the settings nobody may read. */
  secrets(settings: SettingsOf<S>): readonly (string | undefined)[]
  deliver(one: Try<SettingsOf<S>>): Promise<Outcome>
}

/** A kind of channel, for those who do not care which. */
export interface Kind {
  readonly type: string
  readonly timeoutMs: number
  readonly shape: Shape
  readonly inline: (text: string | null) => Record<string, unknown> | null
  /** What goes into the task's spec, of settings that were read with the shape. */
  readonly fix: (settings: object, caller: Caller) => Record<string, unknown>
  /** The channel of a task's spec; null: its settings are none that this release knows. */
  readonly open: (record: ChannelRecord) => Channel | null
}

/** One channel of one task, ready for use. */
export interface Channel {
  readonly record: ChannelRecord
  readonly address: string
  /** What nobody may read, as it is now: some of it is kept in files. */
  readonly secrets: () => readonly string[]
  readonly deliver: (one: Omit<Try<unknown>, 'settings' | 'env'>) => Promise<Outcome>
}

const kept = z.looseObject({ env: z.optional(z.record(z.string(), z.string())) })

/** Makes a kind of channel of what its file says. */
export function channelKind<S extends Shape>(kind: KindOf<S>): Kind {
  const stored = z.looseObject(kind.shape)
  const fix: Kind['fix'] = (given, caller) => {
    const settings = given as SettingsOf<S>
    const fixed = kind.fix ? kind.fix(settings, caller) : settings
    return { ...fixed, ...(kind.runs ? { env: programEnvironment(caller.env) } : {}) }
  }
  const open: Kind['open'] = (record) => {
    const read = stored.safeParse(record)
    if (!read.success) return null
    const settings = read.data as SettingsOf<S>
    const env = kept.safeParse(record).data?.env ?? {}
    return {
      record,
      address: kind.address(settings),
      secrets: () => [...kind.secrets(settings), ...secretsIn(env)].filter((one) => one !== undefined),
      deliver: (one) => kind.deliver({ ...one, settings, env }),
    }
  }
  const { type, timeoutMs, shape, inline } = kind
  return { type, timeoutMs, shape, inline: (text) => inline(text), fix, open }
}

/** OPENCLAW_GATEWAY_TOKEN and the like. */
const secretsIn = (env: Readonly<Record<string, string>>) =>
  Object.entries(env).flatMap(([name, value]) => (/TOKEN|PASSWORD|SECRET/.test(name) ? [value] : []))
