import { DURATION_EXAMPLES, durationMs } from './duration.ts'
import type { RcaError } from './errors.ts'
import { nearest } from './nearest.ts'
import { oneLine } from './render/text.ts'
import { bytesOf, SIZE_EXAMPLES } from './size.ts'
import * as z from './zod.ts'

/**
 * What settings are made of, as config.json and flags write them. The message of an issue is one line that says what is
 * wrong, and after a line break what would be right.
 */

export const say = (value: unknown, wrong: string, hint = '') =>
  `${oneLine(JSON.stringify(value) ?? 'nothing', 60)} ${wrong}\n${hint}`

const LONGEST_MS = 365 * 24 * 60 * 60_000

/** Milliseconds. A duration of none is refused: it never says what somebody wants. */
export const duration = z.pipe(
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

const LEAST_SIZE = 2 ** 20
const LARGEST_SIZE = 2 ** 50

/** Bytes. */
export const size = z.pipe(
  z.unknown(),
  z.transform((input, context): number => {
    const bytes = typeof input === 'string' ? bytesOf(input) : null
    if (bytes !== null && bytes >= LEAST_SIZE && bytes <= LARGEST_SIZE) return bytes
    const wrong =
      bytes === null ? 'is not a size' : bytes < LEAST_SIZE ? 'is less than 1MB' : 'is more than 1024TB'
    context.issues.push({ code: 'custom', input, message: say(input, wrong, SIZE_EXAMPLES) })
    return z.NEVER
  }),
)

/** null and "none": without end. */
export const orNone = <T>(type: z.ZodMiniType<T>) =>
  z.pipe(
    z.transform((input: unknown) => (input === 'none' ? null : input)),
    z.nullable(type),
  )

export const between = (type: typeof z.int | typeof z.number, what: string, least: number, most: number) => {
  const error = (issue: { input?: unknown }) => say(issue.input, `is not ${what} from ${least} to ${most}`)
  return type({ error }).check(z.minimum(least, { error }), z.maximum(most, { error }))
}

export const oneOf = <const T extends string>(allowed: readonly T[]) =>
  z.enum(allowed, { error: ({ input }) => say(input, 'is none', `One of: ${allowed.join(', ')}.`) })

export const flag = z.boolean({ error: ({ input }) => say(input, 'is neither true nor false') })

/** What is wrong with something that should be an object with these keys; `below` are keys one level further down. */
export const wrongObject =
  (known: readonly string[], below: readonly string[] = []) =>
  (issue: z.core.$ZodRawIssue): string => {
    if (issue.code !== 'unrecognized_keys') return say(issue.input, 'is not an object in braces')
    const meant = nearest(issue.keys[0] ?? '', [...known, ...below])
    return `no such setting\n${meant ? `Did you mean ${meant}?` : `There are: ${known.join(', ')}.`}`
  }

export const object = <T extends z.core.$ZodLooseShape>(shape: T, below: readonly string[] = []) =>
  z.strictObject(shape, { error: wrongObject(Object.keys(shape), below) })

/** No program can be given a NUL byte. */
export const argument = z
  .string({ error: ({ input }) => say(input, 'is not a string') })
  .check(z.refine((text) => !text.includes('\0'), { error: ({ input }) => say(input, 'holds a NUL byte') }))

export const args = z.array(argument, {
  error: ({ input }) => say(input, 'is not a list', 'Like ["-m", "gpt-5"].'),
})

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
