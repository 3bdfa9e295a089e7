import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from 'node:fs'
import { errno, RcaError } from './errors.ts'
import { quote } from './system/shell.ts'

/**
 * The text of the configuration file; null: there is none. It may be a link, as dotfile managers make them, and must be
 * this user's or root's and writable by nobody else, for it says what agents may do. Throws a `config` error.
 */
export function readConfigFile(path: string): string | null {
  const bytes = readTrusted(path)
  if (bytes === null) return null
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new RcaError('config', 'config.json is not UTF-8', path)
  }
}

/** The JSON that is in it. Throws a `config` error that names the place of a mistake. Pure. */
export function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw notJson(path, text, error instanceof Error ? error.message : String(error))
  }
}

function readTrusted(path: string): Buffer | null {
  let fd: number
  try {
    // Without O_NONBLOCK a FIFO would be waited for.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (isAbsent(path, errno(error))) return null
    throw new RcaError('config', `config.json cannot be read (${errno(error) ?? error})`, path)
  }
  try {
    const wrong = untrusted(path, fstatSync(fd), process.getuid?.() ?? null)
    if (wrong) throw wrong
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** A link to nowhere is not "no configuration": somebody wanted one. */
function isAbsent(path: string, code: string | null): boolean {
  if (code === 'ENOTDIR') return true
  return code === 'ENOENT' && lstatSync(path, { throwIfNoEntry: false }) === undefined
}

/** Why a file with this owner and mode is not to be believed, or null. Pure. */
export function untrusted(
  path: string,
  stat: Pick<Stats, 'isFile' | 'uid' | 'mode'>,
  uid: number | null,
): RcaError | null {
  if (!stat.isFile()) return new RcaError('config', 'config.json is not a regular file', path)
  if (uid !== null && stat.uid !== uid && stat.uid !== 0) {
    return new RcaError('config', `config.json belongs to user ${stat.uid}, not to you (${uid})`, path)
  }
  if ((stat.mode & 0o022) === 0) return null
  const mode = (stat.mode & 0o777).toString(8)
  return new RcaError(
    'config',
    `config.json can be written by others (mode ${mode})`,
    `chmod go-w ${quote(path)}`,
  )
}

function notJson(path: string, text: string, message: string): RcaError {
  const hint = `JSON has no comments and no comma after the last entry. (${path})`
  if (text.trim() === '')
    return new RcaError('config', 'config.json is empty', `Without settings it is {}. (${path})`)
  const offset = faultOffset(text, message)
  if (offset >= text.length) return new RcaError('config', 'config.json: it ends too early', hint)
  const before = text.slice(0, offset).split('\n')
  const what = message
    .replace(/(, |,? in JSON | after JSON ).*$/s, '')
    .replace(/^[A-Z]/, (first) => first.toLowerCase())
  const place = `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
  return new RcaError('config', `config.json: ${place}: ${what}`, hint)
}

/** Where JSON.parse found fault, by its message (as of Node 20: most name a position, those on a token do not). */
function faultOffset(text: string, message: string): number {
  const position = / at position (\d+)/.exec(message)?.[1]
  if (position !== undefined) return Number(position)
  return message.startsWith('Unexpected token') ? unexpectedToken(text) : text.length
}

/** The offset of the unexpected token: the last character of the shortest beginning that is refused for it. */
function unexpectedToken(text: string): number {
  let [without, including] = [0, text.length]
  while (including - without > 1) {
    const middle = Math.floor((without + including) / 2)
    if (isRefusedForToken(text.slice(0, middle))) including = middle
    else without = middle
  }
  return without
}

function isRefusedForToken(text: string): boolean {
  try {
    JSON.parse(text)
    return false
  } catch (error) {
    return error instanceof Error && error.message.startsWith('Unexpected token')
  }
}
