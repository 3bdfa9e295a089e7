import { RcaError } from '../errors.ts'
import { argument, oneOf, say } from '../setting-types.ts'
import { which } from '../system/which.ts'
import * as z from '../zod.ts'
import { channelKind } from './channel.ts'
import { type Notice, shorten } from './notice.ts'
import { runProgram } from './program.ts'

const TEXT_LENGTH = 1_500

const word = argument.check(
  z.refine((text) => text.trim() !== '', { error: ({ input }) => say(input, 'is empty') }),
)

const shape = {
  /** The program, an absolute path; it is found at the start of a task. */
  program: z.optional(word),
  /** Where to send a message: OpenClaw's channel (telegram, slack …) and the recipient there. */
  channel: z.optional(word),
  to: z.optional(word),
  account: z.optional(word),
  thread: z.optional(word),
  /** The session that hears of it where no message is sent; without it the agent's main session. */
  session: z.optional(word),
  mode: z.optional(oneOf(['now', 'next-heartbeat'])),
}

interface Context {
  readonly channel?: string | undefined
  readonly to?: string | undefined
  readonly account?: string | undefined
  readonly thread?: string | undefined
  readonly session?: string | undefined
  readonly mode?: string | undefined
}

/** OpenClaw keeps no ids: whoever reads two with the same one has heard of it before. */
const words = ({ title, text, id }: Notice) =>
  `${shorten([title, text].filter(Boolean).join('\n'), TEXT_LENGTH)}\n[rca ${id}]`

/** `--name=value`: a value that begins with a dash is no flag. (openclaw 2026.9.6, `message send --help`.) Pure. */
export function messageArguments(notice: Notice, { channel, to, account, thread }: Context): string[] {
  return [
    ...['message', 'send', `--channel=${channel}`, `--target=${to}`, `--message=${words(notice)}`],
    ...(account === undefined ? [] : [`--account=${account}`]),
    ...(thread === undefined ? [] : [`--thread-id=${thread}`]),
  ]
}

/** (openclaw 2026.9.6, `system event --help`.) Pure. */
export function eventArguments(notice: Notice, { session, mode }: Context): string[] {
  const target = session === undefined ? [] : [`--session-key=${session}`]
  return ['system', 'event', `--text=${words(notice)}`, `--mode=${mode ?? 'now'}`, ...target]
}

/**
 * OpenClaw, the orchestrator: a message to a person where a delivery context is given, else, or where that does not get
 * through, a system event that wakes its agent. The gateway is the one that the caller's own `openclaw` reaches.
 */
export const openclaw = channelKind({
  type: 'openclaw',
  timeoutMs: 60_000,
  shape,
  runs: true,
  inline: (text) => {
    if (text === null) return {}
    const [channel, ...to] = text.split(':')
    return to.length === 0 ? { channel } : { channel, to: to.join(':') }
  },
  fix: (settings, { env, cwd }) => {
    if ((settings.channel === undefined) !== (settings.to === undefined)) {
      throw new RcaError(
        'usage',
        'openclaw: give a channel and a recipient, or neither',
        'Like openclaw:telegram:@me.',
      )
    }
    const program = which(settings.program ?? 'openclaw', env.PATH ?? '', cwd)
    if (program) return { ...settings, program }
    throw new RcaError('usage', 'There is no program openclaw', 'Install it: npm install -g openclaw')
  },
  address: ({ channel }) => (channel === undefined ? 'a system event' : `a message over ${channel}`),
  secrets: ({ to }) => [to],
  deliver: async ({ notice, settings, env, signal }) => {
    const openclaw = (args: string[]) =>
      runProgram({ argv: [settings.program ?? 'openclaw', ...args], env, signal })
    const event = () => openclaw(eventArguments(notice, settings))
    if (settings.channel === undefined) return event()
    const sent = await openclaw(messageArguments(notice, settings))
    if (sent.ok) return sent
    const told = await event()
    const failed = `message send: ${sent.error}`
    return told.ok
      ? { ok: true, note: `as a system event, for ${failed}` }
      : { ...told, error: `${failed}; system event: ${told.error}` }
  },
})
