import { AGENTS } from './agents/driver.ts'
import { RcaError } from './errors.ts'
import { notifySettings } from './notify/settings.ts'
import {
  args,
  between,
  duration,
  flag,
  object,
  oneOf,
  orNone,
  readSettings,
  size,
  wrongObject,
} from './setting-types.ts'
import { ON_STALL, type PolicyLayer, RESTART } from './task/policy.ts'
import { TERMINALS, type TerminalKind } from './terminal/kinds.ts'
import * as z from './zod.ts'

/** What a person may set, as config.json and flags write it. */

const policyShape = {
  restart: z.optional(oneOf(RESTART)),
  backoff: z.optional(duration),
  deadline: z.optional(orNone(duration)),
  maxRetries: z.optional(orNone(between(z.int, 'a whole number', 0, 10_000))),
  maxResumesPerHour: z.optional(between(z.int, 'a whole number', 1, 10_000)),
  jitter: z.optional(between(z.number, 'a number', 0, 1)),
  stallAfter: z.optional(orNone(duration)),
  onStall: z.optional(oneOf(ON_STALL)),
  exitGrace: z.optional(duration),
  maxLogBytes: z.optional(orNone(size)),
}

const policySettings = z.pipe(
  object(policyShape),
  z.transform(
    ({ backoff, deadline, stallAfter, exitGrace, ...same }): PolicyLayer => ({
      ...same,
      backoffMs: backoff,
      deadlineMs: deadline,
      stallAfterMs: stallAfter,
      exitGraceMs: exitGrace,
    }),
  ),
)

const policyKeys = Object.keys(policyShape).map((key) => `policy.${key}`)
const agentSettings = object({ args: z.optional(args), policy: z.optional(policySettings) }, policyKeys)

export const configSettings = object(
  {
    monitor: z.optional(flag),
    terminal: z.optional(z.nullable(oneOf(TERMINALS))),
    policy: z.optional(policySettings),
    notify: z.optional(notifySettings),
    agents: z.optional(z.partialRecord(z.enum(AGENTS), agentSettings, { error: wrongObject(AGENTS) })),
  },
  policyKeys,
)

/** What the flags of `start` say of the policy. Throws a usage error that names the flag. */
export function policyFromFlags(options: Readonly<Record<string, unknown>>): PolicyLayer {
  const { restart, backoff, deadline, stallAfter, onStall, maxLogSize: maxLogBytes } = options
  const maxRetries = /^\d{1,9}$/.test(String(options.maxRetries))
    ? Number(options.maxRetries)
    : options.maxRetries
  const given = { restart, backoff, deadline, maxRetries, stallAfter, onStall, maxLogBytes }
  return readSettings(policySettings, given, ([key], wrong, hint) => {
    const option = key === 'maxLogBytes' ? 'maxLogSize' : String(key)
    const flag = option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    return new RcaError('usage', `--${flag}: ${wrong}`, hint)
  })
}

/** What a flag or, without one, the environment says of where a task is to run; null: nothing. Throws where it is no terminal. */
export function terminalFrom(
  option: string | null,
  env: Readonly<Record<string, string | undefined>>,
): TerminalKind | null {
  const value = option ?? (env.RCA_TERMINAL || null)
  if (value === null) return null
  return readSettings(oneOf(TERMINALS), value, (_, wrong, hint) =>
    option === null
      ? new RcaError('config', `RCA_TERMINAL: ${wrong}`, hint)
      : new RcaError('usage', `--terminal: ${wrong}`, hint),
  )
}
