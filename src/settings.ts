import * as z from 'zod/mini'
import { AGENTS } from './agents/driver.ts'
import { DURATION_EXAMPLES, durationMs } from './duration.ts'
import { RcaError } from './errors.ts'
import { nearest } from './nearest.ts'
import { oneLine } from './render/text.ts'
import { ON_STALL, type PolicyLayer, RESTART } from './task/policy.ts'
import { TERMINALS, type TerminalKind } from './terminal/kinds.ts'

/**
 * What a person may set, as config.json and flags write it. The message of an issue is one line that says what is wrong,
 * and after a line break what would be right.
 */

const say = (value: unknown, wrong: string, hint = '') =>
  `${oneLine(JSON.stringify(value) ?? 'nothing', 60)} ${wrong}\n${hint}`

const LONGEST_MS = 365 * 24 * 60 * 60_000

/** Milliseconds. A duration of none is refused: it never says what somebody wants. */
const duration = z.pipe(
  z.unknown(),
  z.transform((input, context): number => {
    const ms = typeof input === 'string' ? durationMs(input) : null
    if (ms !== null && ms > 0 && ms <= LONGEST_MS) return ms
    const wrong =
      ms === null ? 'is not a duration' : ms > 0 ? 'is longer than a year' : 'is less than a millisecond'
    context.issues.push({ code: 'custom', input, message: say(input, wrong, DURATION_EXAMPLES) })
    return z.NEVER
  }),
)

/** null and "none": without end. */
const orNone = <T>(type: z.ZodMiniType<T>) =>
  z.pipe(
    z.transform((input: unknown) => (input === 'none' ? null : input)),
    z.nullable(type),
  )

const between = (type: typeof z.int | typeof z.number, what: string, least: number, most: number) => {
  const error = (issue: { input?: unknown }) => say(issue.input, `is not ${what} from ${least} to ${most}`)
  return type({ error }).check(z.minimum(least, { error }), z.maximum(most, { error }))
}

const oneOf = <const T extends string>(allowed: readonly T[]) =>
  z.enum(allowed, { error: ({ input }) => say(input, 'is none', `One of: ${allowed.join(', ')}.`) })

const flag = z.boolean({ error: ({ input }) => say(input, 'is neither true nor false') })

/** What is wrong with something that should be an object with these keys; `below` are keys one level further down. */
const wrongObject =
  (known: readonly string[], below: readonly string[] = []) =>
  (issue: z.core.$ZodRawIssue): string => {
    if (issue.code !== 'unrecognized_keys') return say(issue.input, 'is not an object in braces')
    const meant = nearest(issue.keys[0] ?? '', [...known, ...below])
    return `no such setting\n${meant ? `Did you mean ${meant}?` : `There are: ${known.join(', ')}.`}`
  }

const object = <T extends z.core.$ZodLooseShape>(shape: T, below: readonly string[] = []) =>
  z.strictObject(shape, { error: wrongObject(Object.keys(shape), below) })

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

/** No program can be given a NUL byte. */
const argument = z
  .string({ error: ({ input }) => say(input, 'is not a string') })
  .check(z.refine((text) => !text.includes('\0'), { error: ({ input }) => say(input, 'holds a NUL byte') }))

const args = z.array(argument, { error: ({ input }) => say(input, 'is not a list', 'Like ["-m", "gpt-5"].') })

const policyKeys = Object.keys(policyShape).map((key) => `policy.${key}`)
const agentSettings = object({ args: z.optional(args), policy: z.optional(policySettings) }, policyKeys)

export const configSettings = object(
  {
    monitor: z.optional(flag),
    terminal: z.optional(z.nullable(oneOf(TERMINALS))),
    policy: z.optional(policySettings),
    agents: z.optional(z.partialRecord(z.enum(AGENTS), agentSettings, { error: wrongObject(AGENTS) })),
  },
  policyKeys,
)

/** Reads settings. Where something is wrong with them, throws what `fail` makes of the place and the first thing wrong. */
export function readSettings<T>(
  type: z.ZodMiniType<T>,
  value: unknown,
  fail: (place: readonly PropertyKey[], wrong: string, hint: string | null) => RcaError,
): T {
  const read = type.safeParse(value)
  if (read.success) return read.data
  const [issue] = read.error.issues
  const [wrong = '', hint] = (issue?.message ?? '').split('\n')
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
  throw fail([...(issue?.path ?? []), ...unknown], wrong, hint || null)
}

/** What the flags of `start` say of the policy. Throws a usage error that names the flag. */
export function policyFromFlags(options: Readonly<Record<string, unknown>>): PolicyLayer {
  const { restart, backoff, deadline, stallAfter, onStall } = options
  const maxRetries = /^\d{1,9}$/.test(String(options.maxRetries))
    ? Number(options.maxRetries)
    : options.maxRetries
  const given = { restart, backoff, deadline, maxRetries, stallAfter, onStall }
  return readSettings(policySettings, given, ([key], wrong, hint) => {
    const flag = String(key).replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
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
