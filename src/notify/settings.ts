import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { nearest } from '../nearest.ts'
import { duration, object, oneOf, readSettings, say } from '../setting-types.ts'
import type { ChannelRecord, NotifySpec } from '../task/schema.ts'
import * as z from '../zod.ts'
import type { Caller } from './channel.ts'
import type { Described, NotifyConfig } from './config.ts'
import { DEFAULT_EVENTS, EVENT_WORDS, eventsOf, type NoticeEvent } from './events.ts'
import { isKind, KIND_NAMES, KINDS } from './index.ts'

const PROGRESS_EVERY_MS = 10 * 60_000
const LONGEST_TRY_MS = 10 * 60_000

const events = z.pipe(
  z.array(oneOf(EVENT_WORDS), {
    error: ({ input }) => say(input, 'is not a list', 'Like ["done", "failed"].'),
  }),
  z.transform((words) => eventsOf(words) ?? []),
)

const tryTime = duration.check(
  z.refine((ms) => ms <= LONGEST_TRY_MS, {
    error: 'is more than ten minutes\nA receiver that takes longer is tried again.',
  }),
)

const common = { on: z.optional(events), timeout: z.optional(tryTime) }

type Issue = { readonly wrong: string; readonly hint: string }

/** The settings that a text such as `ntfy:topic` stands for. */
function inlineOf(text: string): Record<string, unknown> | Issue {
  const at = text.indexOf(':')
  const type = at < 0 ? text : text.slice(0, at)
  if (!isKind(type)) return noKind(type)
  const settings = KINDS[type].inline(at < 0 ? null : text.slice(at + 1))
  if (settings) return { type, ...settings }
  const wrong = at < 0 ? `${type} needs to know where` : `${type} takes nothing behind it`
  return {
    wrong,
    hint: at < 0 ? `Like ${type}:${type === 'command' ? '/path/to/program' : 'https://…'}.` : '',
  }
}

function noKind(name: string): Issue {
  const hint = `One of: ${KIND_NAMES.join(', ')}.`
  return { wrong: `${JSON.stringify(name.slice(0, 60))} is no kind of channel`, hint }
}

/** One channel: an object with its `type`, or the short form that flags take. */
const described = z.pipe(
  z.unknown(),
  z.transform((input, context): Described => {
    const fail = ({ wrong, hint }: Issue) => {
      context.issues.push({ code: 'custom', input: null, message: `${wrong}\n${hint}` })
      return z.NEVER
    }
    const given = typeof input === 'string' ? inlineOf(input) : input
    if (typeof given !== 'object' || given === null)
      return fail({ wrong: 'is no channel', hint: 'Like {"type": "desktop"}.' })
    if ('wrong' in given && 'hint' in given) return fail(given as Issue)
    const type = 'type' in given ? given.type : undefined
    if (typeof type !== 'string' || !isKind(type)) return fail(noKind(String(type)))
    const read = object({ type: z.literal(type), ...common, ...KINDS[type].shape }).safeParse(given)
    if (read.success) {
      const { type: _, on, timeout, ...settings } = read.data
      return { type, on, timeoutMs: timeout, settings }
    }
    for (const { code, path, message, ...more } of read.error.issues) {
      const unknown = code === 'unrecognized_keys' && 'keys' in more ? more.keys.slice(0, 1) : []
      context.issues.push({ code: 'custom', input: null, path: [...path, ...unknown], message })
    }
    return z.NEVER
  }),
)

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/
const name = z.string().check(
  z.refine((text) => NAME.test(text) && text !== 'none', {
    error: ({ input }) => say(input, 'cannot be the name of a channel', 'Use letters, digits and dashes.'),
  }),
)

/** The part of config.json on notifications. */
export const notifySettings = z.pipe(
  object({
    channels: z.optional(z.record(name, described)),
    default: z.optional(
      z.array(z.string(), { error: ({ input }) => say(input, 'is not a list', 'Like ["phone"].') }),
    ),
    on: z.optional(events),
    progressEvery: z.optional(duration),
  }),
  z.transform(
    ({ channels = {}, default: usual = [], on, progressEvery }): NotifyConfig => ({
      channels,
      default: usual,
      on,
      progressEveryMs: progressEvery,
    }),
  ),
)

/** What the flags of a start say of notifications; null or empty: nothing. */
export interface NotifyFlags {
  readonly channels: readonly string[]
  /** Words with commas between. */
  readonly on: string | null
  readonly progressEvery: string | null
}

/** The side of whoever starts a task. */
export function callerOf({ env, cwd, newTerminal }: Pick<Context, 'env' | 'cwd' | 'newTerminal'>): Caller {
  const tmux = newTerminal('tmux')
  return { env, cwd, socket: tmux.kind === 'tmux' ? tmux.socket : null }
}

/**
 * What a task's spec says of notifications: everything that a delivery needs, whatever becomes of config.json and of whoever
 * starts it. Undefined: nobody wants to hear. Throws usage errors, and `config` errors for what config.json alone names.
 */
export function notifySpec(flags: NotifyFlags, config: NotifyConfig, caller: Caller): NotifySpec | undefined {
  const on = flags.on === null ? undefined : wordsOf(flags.on)
  const every =
    flags.progressEvery === null ? undefined : readFlag('--progress-every', duration, flags.progressEvery)
  const channels: ChannelRecord[] = []
  for (const text of wantedOf(flags, config)) {
    const { described: one, name: wanted } = find(text, config, flags.channels.length > 0 ? '--notify' : null)
    const record = recordOf(one, nameFor(wanted, channels), on ?? one.on ?? config.on, caller)
    if (!channels.some((other) => isSame(other, record))) channels.push(record)
  }
  if (channels.length === 0) return undefined
  return { channels, progressEveryMs: every ?? config.progressEveryMs ?? PROGRESS_EVERY_MS }
}

/** The channel that somebody names, with nothing of a start about it. Throws a usage error. */
export function channelRecord(text: string, config: NotifyConfig, caller: Caller): ChannelRecord {
  const { described: one, name: wanted } = find(text, config, 'notify test')
  return recordOf(one, wanted, one.on ?? config.on, caller)
}

function wantedOf({ channels }: NotifyFlags, config: NotifyConfig): readonly string[] {
  if (channels.length === 0) return config.default
  return channels.filter((one) => one !== 'none')
}

function wordsOf(text: string): readonly NoticeEvent[] {
  const words = text.split(',').map((word) => word.trim())
  const found = eventsOf(words)
  if (found) return found
  const wrong = words.find((word) => !EVENT_WORDS.includes(word)) ?? ''
  const meant = nearest(wrong, EVENT_WORDS)
  const hint = meant ? `Did you mean ${meant}?` : `There are: ${EVENT_WORDS.join(', ')}.`
  throw new RcaError('usage', `--notify-on: ${say(wrong, 'is none').trim()}`, hint)
}

/** `asked`: where somebody has named it; null: config.json has. */
function find(text: string, config: NotifyConfig, asked: string | null) {
  const known = Object.hasOwn(config.channels, text) ? config.channels[text] : undefined
  if (known) return { described: known, name: text }
  if (asked === null) {
    throw new RcaError(
      'config',
      `config.json: notify.default: there is no channel ${JSON.stringify(text)}`,
      namesOf(config),
    )
  }
  const kind = text.split(':')[0] ?? ''
  if (!isKind(kind)) {
    const names = [...Object.keys(config.channels), ...KIND_NAMES]
    const meant = nearest(kind, names)
    const hint = meant ? `Did you mean ${meant}?` : `${namesOf(config)} Or a kind: ${KIND_NAMES.join(', ')}.`
    throw new RcaError('usage', `${asked}: there is no channel ${JSON.stringify(kind.slice(0, 60))}`, hint)
  }
  return { described: readFlag(`${asked} ${kind}`, described, text), name: kind }
}

function namesOf(config: NotifyConfig): string {
  const names = Object.keys(config.channels)
  return names.length === 0 ? 'config.json names none.' : `config.json names: ${names.join(', ')}.`
}

function readFlag<T>(flag: string, type: z.ZodMiniType<T>, value: unknown): T {
  return readSettings(type, value, (place, wrong, hint) => {
    const where = place.length === 0 ? flag : `${flag}: ${place.join('.')}`
    return new RcaError('usage', `${where}: ${wrong}`, hint)
  })
}

function recordOf(
  { type, timeoutMs, settings }: Described,
  called: string,
  on: readonly NoticeEvent[] = DEFAULT_EVENTS,
  caller: Caller,
): ChannelRecord {
  const kind = KINDS[type]
  const fixed = kind.fix(settings, caller)
  return { ...fixed, name: called, type, on: [...on], timeoutMs: timeoutMs ?? kind.timeoutMs }
}

/** The journal knows a channel by its name. */
function nameFor(wanted: string, others: readonly ChannelRecord[]): string {
  for (let count = 1; ; count++) {
    const free = count === 1 ? wanted : `${wanted}-${count}`
    if (!others.some((one) => one.name === free)) return free
  }
}

/** Who asks for the same channel twice wants to hear once. */
function isSame(a: ChannelRecord, b: ChannelRecord): boolean {
  return JSON.stringify({ ...a, name: '' }) === JSON.stringify({ ...b, name: '' })
}
