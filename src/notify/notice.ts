import { formatDuration } from '../duration.ts'
import { harmless } from '../render/text.ts'
import type { Spec } from '../task/schema.ts'
import type { State } from '../task/state.ts'
import type { NoticeEvent } from './events.ts'
import type { Occurrence } from './occurrences.ts'

/** What is delivered: to programs as this JSON, to people as its title and text. Fields are only ever added. */
export interface Notice {
  readonly schema: 1
  /** The same whenever and over whatever channel it comes: a receiver that has seen it has heard of this before. */
  readonly id: string
  readonly event: NoticeEvent | 'test'
  /** When it happened, RFC 3339. */
  readonly at: string
  /** The session name. */
  readonly name: string
  readonly agent: string
  readonly task: string
  /** What the task was then. */
  readonly state: State
  readonly attempt: number
  readonly title: string
  readonly text: string
  readonly reason: string | null
  readonly hint: string | null
  /** One word for why it did not end well. */
  readonly cause: string | null
  /** Of `waiting`: when the next attempt is due, RFC 3339. */
  readonly until: string | null
  /** The agent's last message, where the task is over. */
  readonly message: string | null
  /** From the start to this, ms. */
  readonly durationMs: number | null
  readonly cwd: string | null
  readonly taskDir: string | null
  readonly host: string
}

/** The events after which nothing is to come by itself. */
export const LAST_EVENTS: ReadonlySet<string> = new Set(['done', 'failed', 'gave-up', 'killed'])

const STATE_AFTER: Record<NoticeEvent, State> = {
  started: 'running',
  progress: 'running',
  crashed: 'waiting',
  resumed: 'running',
  waiting: 'waiting',
  stalled: 'stalled',
  done: 'done',
  failed: 'failed',
  'gave-up': 'failed',
  killed: 'killed',
}

const MESSAGE_LENGTH = 2_000
const REASON_LENGTH = 500

/** What others may read of a text. */
export type Mask = (text: string) => string

/** Makes the notice of something that happened. `message`: what the agent said last. Pure. */
export function compose(
  spec: Spec,
  taskDir: string,
  of: Occurrence,
  { message, mask }: { readonly message: string | null; readonly mask: Mask },
): Notice {
  // Masked first: a secret that was cut in two is not found any more.
  const readable = (text: string | null, length: number) =>
    text === null ? null : shorten(mask(harmless(text)).trim(), length)
  const reason = readable(of.reason, REASON_LENGTH)
  const hint = readable(of.hint, REASON_LENGTH)
  const said = readable(message, MESSAGE_LENGTH)
  const durationMs = Math.max(0, Date.parse(of.at) - Date.parse(spec.createdAt))
  const about = { ...of, reason, hint, message: said, durationMs }
  return {
    schema: 1,
    id: of.id,
    event: of.event,
    at: of.at,
    name: spec.session,
    agent: spec.agent,
    task: spec.task,
    state: STATE_AFTER[of.event],
    attempt: of.attempt,
    title: `${spec.session}: ${TITLES[of.event]}`,
    text: textOf(about),
    reason,
    hint,
    cause: of.cause,
    until: of.until,
    message: said,
    durationMs,
    cwd: spec.cwd,
    taskDir,
    host: spec.host,
  }
}

const TITLES: Record<NoticeEvent, string> = {
  started: 'started',
  progress: 'at work',
  crashed: 'broke off',
  resumed: 'goes on',
  waiting: 'waits',
  stalled: 'is silent',
  done: 'done',
  failed: 'failed',
  'gave-up': 'given up',
  killed: 'killed',
}

type About = Omit<Occurrence, 'id'> & Pick<Notice, 'message'> & { readonly durationMs: number }

/** What a person reads below the title. */
function textOf(about: About): string {
  const { reason, hint, message, attempt, durationMs } = about
  const took = `${attempt > 1 ? `${attempt} attempts, ` : ''}${formatDuration(durationMs)}`
  switch (about.event) {
    case 'started':
      return 'The agent is at work.'
    case 'progress':
      return reason ?? ''
    case 'crashed':
      return `${sentence(reason ?? 'it ended')} It goes on by itself.`
    case 'resumed':
      return `Attempt ${attempt} of the same conversation.`
    case 'waiting':
      return `Until ${about.until ?? '?'}: ${sentence(reason ?? '')}`
    case 'stalled':
      return sentence(reason ?? 'It does nothing.')
    case 'done':
      return lines(`After ${took}.`, message)
    case 'killed':
      return `${sentence(reason ?? 'killed')}`
    default:
      return lines(`${sentence(reason ?? 'It ended')} After ${took}.`, hint, message)
  }
}

const sentence = (text: string) => (/[.!?\u2026]$/.test(text) || text === '' ? text : `${text}.`)
const lines = (...all: readonly (string | null)[]) =>
  all.filter((one) => one !== null && one !== '').join('\n')

/** At most so many characters, without half a character at the end. Pure. */
export function shorten(text: string, length: number): string {
  if (text.length <= length) return text
  return `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** What `rca notify test` sends. */
export function testNotice(id: string, host: string, at: string): Notice {
  const nothing = { reason: null, hint: null, cause: null, until: null, message: null, durationMs: null }
  return {
    schema: 1,
    id: `test.${id}`,
    event: 'test',
    at,
    name: 'rca-test',
    agent: 'codex',
    task: 'test',
    state: 'done',
    attempt: 1,
    title: 'rca: a test',
    text: 'Notifications reach you here.',
    ...nothing,
    cwd: null,
    taskDir: null,
    host,
  }
}
