import { closeSync, constants, fstatSync, fsyncSync, readSync, writeSync } from 'node:fs'
import { openOwn, readOwn } from '../system/durable.ts'
import { files } from './paths.ts'
import { markReopened, mayBeIndexed } from './reopened.ts'
import { type Entry, entrySchema } from './schema.ts'

export interface Journal {
  readonly entries: readonly Entry[]
  /** Lines that could not be read, for people: kept in the file, never overwritten. */
  readonly problems: readonly string[]
  /** How long it was when it was read. */
  readonly bytes: number
}

type NewEntry = Entry extends infer E ? (E extends Entry ? Omit<E, 'at'> & { at?: string } : never) : never

/**
 * Appends facts, durably: one write with O_APPEND, then fsync. A line that an earlier writer left torn is closed first, so
 * that it cannot swallow this one. Throws what the file system throws (ENOSPC among it).
 */
export function appendJournal(task: string, ...entries: readonly NewEntry[]): void {
  append(task, entries, true)
}

/** The same without the fsync: for a fact that is on its way to the disk with the next one, or can be found out again. */
export function appendJournalSoon(task: string, ...entries: readonly NewEntry[]): void {
  append(task, entries, false)
}

function append(task: string, entries: readonly NewEntry[], synced: boolean): void {
  const now = new Date().toISOString()
  const text = entries.map((entry) => `${JSON.stringify({ at: now, ...entry })}\n`).join('')
  const path = files.journal(task)
  // Before a line is there that the index does not know.
  const marked = mayBeIndexed(task)
  if (marked) markReopened(task)
  const fd = openOwn(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT)
  try {
    const bytes = Buffer.from(endsTorn(fd) ? `\n${text}` : text)
    const written = writeSync(fd, bytes)
    if (written !== bytes.length) throw Object.assign(new Error(`${path}: short write`), { code: 'ENOSPC' })
    if (synced) fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  // Somebody may have taken it as over in this very moment.
  if (!marked && mayBeIndexed(task)) markReopened(task)
}

function endsTorn(fd: number): boolean {
  const { size } = fstatSync(fd)
  if (size === 0) return false
  const last = Buffer.alloc(1)
  readSync(fd, last, 0, 1, size - 1)
  return last[0] !== 0x0a
}

/** What was read of a journal so far: a long one is read again and again, and only ever grows. */
interface Known {
  /** Its whole lines. */
  readonly text: string
  readonly lines: number
  readonly entries: readonly Entry[]
  readonly problems: readonly string[]
}

/** Of the journals that were read last. */
const known = new Map<string, Known>()
const MOST_KNOWN = 512
const NOTHING: Known = { text: '', lines: 0, entries: [], problems: [] }

/** Reads a task's journal. A torn last line is normal (a writer was killed) and passed over in silence. */
export function readJournal(task: string): Journal {
  const text = readOwn(files.journal(task)) ?? ''
  const before = known.get(task)
  const now = parseOn(before && text.startsWith(before.text) ? before : NOTHING, text)
  known.delete(task)
  known.set(task, now)
  const [oldest] = known.keys()
  if (known.size > MOST_KNOWN && oldest !== undefined) known.delete(oldest)
  return withTorn(now, text)
}

/** Parses JSON Lines, split on `\n` alone. Pure. */
export function parseJournal(text: string): Journal {
  return withTorn(parseOn(NOTHING, text), text)
}

/** The whole lines that `text` has beyond what is known of it. Pure. */
function parseOn(before: Known, text: string): Known {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  if (whole === before.text) return before
  const entries = [...before.entries]
  const problems = [...before.problems]
  const lines = whole.slice(before.text.length, -1).split('\n')
  lines.forEach((line, index) => {
    const parsed = parseEntry(line)
    if (parsed === 'unreadable')
      problems.push(`journal.jsonl line ${before.lines + index + 1} cannot be read`)
    else if (parsed) entries.push(parsed)
  })
  return { text: whole, lines: before.lines + lines.length, entries, problems }
}

/** With a last line without an end, where that is whole nevertheless. Pure. */
function withTorn({ text: whole, entries, problems }: Known, text: string): Journal {
  const torn = text.slice(whole.length)
  const last = torn ? parseEntry(torn) : null
  const all = last && last !== 'unreadable' ? [...entries, last] : entries
  return { entries: all, problems, bytes: Buffer.byteLength(text) }
}

function parseEntry(line: string): Entry | 'unreadable' | null {
  if (line === '') return null
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    // A line that a killed writer left torn in the middle of the file was closed by the next one: normal as well,
    // when it is the beginning of an object.
    return line.startsWith('{') && !line.endsWith('}') ? null : 'unreadable'
  }
  const entry = entrySchema.safeParse(value)
  if (entry.success) return entry.data
  return isNewerType(value) ? null : 'unreadable'
}

/** A well-formed entry of a type that a newer release writes. */
function isNewerType(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('at' in value)) return false
  const { type } = value
  return typeof type === 'string' && !entrySchema.def.options.some((one) => isOfType(one, type))
}

const isOfType = (option: (typeof entrySchema.def.options)[number], type: string) =>
  option.shape.type.def.values.some((one) => one === type)
