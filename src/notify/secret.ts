import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { RcaError } from '../errors.ts'
import { say } from '../setting-types.ts'
import * as z from '../zod.ts'
import type { Caller } from './channel.ts'

/**
 * A setting that nobody else may know: the text itself, a file that holds it (read at each delivery) or a variable of whoever
 * starts the task (kept with the task). On a command line it would be seen by everybody.
 */
export type Secret = string | { readonly file: string } | { readonly env: string }

const FORMS = 'Give a text, {"file": "/path"} or {"env": "NAME"}.'

/** `wrong` says what is wrong with such a text, or null. */
const secret = (wrong: (text: string) => string | null) =>
  z.pipe(
    z.unknown(),
    z.transform((input, context): Secret => {
      const issue = typeof input === 'string' ? wrong(input) : wrongForm(input)
      if (issue === null) return input as Secret
      // The value is a secret: it is not shown.
      context.issues.push({ code: 'custom', input: null, message: `${issue}\n${FORMS}` })
      return z.NEVER
    }),
  )

function wrongForm(input: unknown): string | null {
  const entries = typeof input === 'object' && input !== null ? Object.entries(input) : []
  const [name, value] = entries[0] ?? []
  const isForm = entries.length === 1 && typeof value === 'string' && (name === 'file' || name === 'env')
  if (!isForm) return 'is neither a text nor says where one is'
  const isPath = name !== 'file' || isAbsolute(value) || value.startsWith('~/')
  return isPath ? null : (`${say(value, 'is not an absolute path')}`.split('\n')[0] ?? null)
}

/** A line of text that may go into a header. */
export const secretLine = secret((text) =>
  /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) ? null : 'is not one line of plain characters',
)

/** An address that may be a secret itself. */
export const secretUrl = secret((text) => wrongUrl(text))

function wrongUrl(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || /\s/.test(text)) return 'is not an address'
  return url.protocol === 'https:' || url.protocol === 'http:' ? null : 'is not an address of http or https'
}

/** The same for a delivery that the caller does not live to see. Throws a usage error where a variable is not there. */
export function fixSecret<S extends Secret | undefined>(value: S, { env }: Caller): S | string {
  if (typeof value !== 'object') return value
  if ('env' in value) {
    const found = env[value.env]
    if (found) return found
    throw new RcaError('usage', `There is no variable ${value.env} here`, 'A notification channel needs it.')
  }
  return value.file.startsWith('~/') && env.HOME
    ? ({ file: join(env.HOME, value.file.slice(2)) } as S)
    : value
}

/** The text itself. Throws where its file cannot be read. */
export function readSecret(value: Secret): string {
  if (typeof value === 'string') return value
  if ('env' in value) throw new Error(`the variable ${value.env} was not kept`)
  const text = readFile(value.file).trim()
  if (!text) throw new Error(`${value.file} is empty`)
  return text
}

/** A FIFO that nobody writes to would hold up all that the reader does. */
function readFile(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    if (!fstatSync(fd).isFile()) throw new Error(`${path} is not a file`)
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

/** What of it must not be shown: the text itself, wherever it is; nothing where it cannot be read, for then nobody was told it. */
export function shownNowhere(value: Secret | undefined): string | undefined {
  try {
    return value === undefined ? undefined : readSecret(value)
  } catch {
    return undefined
  }
}

/** The host of an address, and nothing else of it. */
export function hostOf(value: Secret): string {
  if (typeof value !== 'string') return 'file' in value ? `(${value.file})` : `($${value.env})`
  return URL.canParse(value) ? `${new URL(value).protocol}//${new URL(value).host}/…` : '…'
}
