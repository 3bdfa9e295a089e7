import { closeSync, constants, fstatSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openOwn } from '../system/durable.ts'
import { VERSION } from '../version.ts'
import { isHere } from './directories.ts'
import { finishedFile, tasksDirectory } from './paths.ts'

/**
 * The index of the tasks that are over and closed: what `list` says of each, in one file, so that of ten thousand none is looked
 * into. It is made of digests (digest.ts), and may be thrown away at any time. What it says of a task holds until somebody
 * goes on with it, who puts its name among the reopened first (reopened.ts).
 *
 * The file begins with blocks of columns, the newest task first: names, a line each; what is asked of every task, as wide in
 * every row; what the rows were made from, likewise; and the tasks as `--json` prints them, with commas between. So what is
 * not asked for is not even read. Behind the blocks are lines of tasks that were added since; of several rows of one task
 * that of the longest journal is the newest.
 */
export interface FinishedTask {
  /** The name of its directory. */
  readonly name: string
  /** RFC 3339 with milliseconds: as long as all others, and in their order in order of time. */
  readonly startedAt: string
  /** When it ended or, where that is not known, was last heard of. */
  readonly at: string
  readonly state: string
  /** What its digest was made from. */
  readonly journalBytes: number
  readonly spec: string
  /** As `--json` prints it. */
  readonly json: Buffer
}

/** The same, its JSON still in the file. */
export interface FinishedRow extends Omit<FinishedTask, 'json'> {
  readonly jsonStart: number
  readonly jsonEnd: number
}

const MAGIC = `rca finished 1 ${VERSION}`
/** `2026-11-29T00:53:37.000Z` */
const TIME = 24
const STATE = 6
const NUMBER = 12
const SPEC = 60
/** When it started, the latest end of this row's and all that come after it, its own end, how it ended, and where its JSON ends. */
const KEY = 3 * TIME + STATE + NUMBER
/** The same of a row that was added: there is nothing that comes after it. */
const ADDED_KEY = 2 * TIME + STATE + NUMBER
const ORIGIN = NUMBER + SPEC
const HEADER_BYTES = 128

/** Whether its values have the widths of the columns; another is read from its own records. Pure. */
export function fits({ startedAt, at, state, journalBytes, spec, name }: FinishedTask): boolean {
  const ascii = /^[!-~ ]*$/
  return (
    startedAt.length === TIME &&
    at.length === TIME &&
    state.length <= STATE &&
    spec.length <= SPEC &&
    journalBytes < 10 ** NUMBER &&
    [startedAt, at, state, spec, name].every((word) => ascii.test(word)) &&
    // In a line that is added it ends at a space.
    !name.includes(' ')
  )
}

/** The file for these tasks, which fit; `id`: another than any file had before. Pure. */
export function formatFinished(tasks: readonly FinishedTask[], id: string): Buffer {
  const rows = [...tasks].sort(newestFirst)
  const names = rows.map((one) => `${one.name}\n`).join('')
  const json = rows.flatMap((one, index) => (index === 0 ? [one.json] : [Buffer.from(','), one.json]))
  const latest = latestFrom(rows)
  let end = -1
  const keys = rows.map((one, row) => {
    end += one.json.length + 1
    return `${one.startedAt}${latest[row]}${one.at}${one.state.padEnd(STATE)}${number(end)}`
  })
  const origins = rows.map((one) => `${number(one.journalBytes)}${one.spec.padEnd(SPEC)}`)
  const columns = `${names}${keys.join('')}`
  const numbers = [rows.length, names.length, end + 1, sumOf(columns)]
  const header = [MAGIC, ...numbers, id].join(' ').padEnd(HEADER_BYTES - 1)
  const text = `${header}\n${columns}${origins.join('')}`
  return Buffer.concat([Buffer.from(text, 'latin1'), ...json, Buffer.from('\n')])
}

/** For every row the latest end of it and of all that come after it. */
function latestFrom(rows: readonly FinishedTask[]): string[] {
  let latest = ''
  return rows
    .toReversed()
    .map(({ at }) => {
      if (at > latest) latest = at
      return latest
    })
    .reverse()
}

/** What is added to the file for a task, which fits. It begins with a line break: what a killed writer left torn ends there. Pure. */
function formatAdded(task: FinishedTask): Buffer {
  const { startedAt, at, state, journalBytes, spec, name, json } = task
  const words = `\n${startedAt}${at}${state.padEnd(STATE)}${number(json.length)}${number(journalBytes)}${spec.padEnd(SPEC)}${name} `
  return Buffer.concat([Buffer.from(words, 'latin1'), json, Buffer.from('\n')])
}

/** Of every 64th character: what a disk loses are whole pages. */
function sumOf(text: string): number {
  let sum = text.length
  for (let at = 0; at < text.length; at += 64) sum = (Math.imul(sum, 31) + text.charCodeAt(at)) | 0
  return sum >>> 0
}

const number = (value: number) => String(value).padStart(NUMBER)

/** By code units, which RFC 3339 in UTC is made for; localeCompare first loads the rules of all languages (10 ms). */
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

type Place = Pick<FinishedTask, 'startedAt' | 'name'>

/** The order of a list. */
export function newestFirst(a: Place, b: Place): number {
  return compare(b.startedAt, a.startedAt) || compare(a.name, b.name)
}

/** The index as it lies on disk; whoever opened it closes it. */
export class FinishedIndex {
  /** How many rows are in the blocks. */
  readonly length: number
  /** Rows that were added since, in the order in which they were. */
  readonly added: readonly FinishedRow[]

  private constructor(
    private readonly fd: number,
    /** Which file it is: an inode is given to another when it is free. */
    readonly id: string,
    private readonly nameColumn: string,
    private readonly keys: string,
    private readonly originsStart: number,
    private readonly jsonStart: number,
    jsonBytes: number,
  ) {
    this.length = keys.length / KEY
    const start = jsonStart + jsonBytes
    this.added = parseAdded(read(fd, start, fstatSync(fd).size), start)
  }

  /** Null: there is none, none that this release has made, or it is damaged. */
  static open(state: string): FinishedIndex | null {
    let fd: number | null = null
    let index: FinishedIndex | null = null
    try {
      fd = openOwn(finishedFile(state))
      const parsed = FinishedIndex.parse(fd)
      if (parsed?.isOf(state)) index = parsed
    } catch {
      // Whatever is the matter with it, it is made anew.
    }
    if (fd !== null && index === null) closeSync(fd)
    return index
  }

  private static parse(fd: number): FinishedIndex | null {
    const header = read(fd, 0, HEADER_BYTES)
    if (!header.startsWith(`${MAGIC} `) || header.length < HEADER_BYTES) return null
    const [, ...words] = header.slice(MAGIC.length).trimEnd().split(' ')
    const [count = -1, nameBytes = -1, jsonBytes = -1, sum] = words.map(Number)
    if (![count, nameBytes, jsonBytes].every((one) => Number.isSafeInteger(one) && one >= 0)) return null
    const keysStart = HEADER_BYTES + nameBytes
    const originsStart = keysStart + count * KEY
    const jsonStart = originsStart + count * ORIGIN
    if (fstatSync(fd).size < jsonStart + jsonBytes) return null
    const columns = read(fd, HEADER_BYTES, originsStart)
    if (sumOf(columns) !== sum) return null
    const names = columns.slice(0, Math.max(0, nameBytes - 1))
    return new FinishedIndex(
      fd,
      words[4] ?? '',
      names,
      columns.slice(nameBytes),
      originsStart,
      jsonStart,
      jsonBytes,
    )
  }

  /** Whether its tasks are this state directory's: it may have been copied or moved with them. */
  private isOf(state: string): boolean {
    const first = this.length > 0 ? this.place(0) : this.added[0]
    if (!first) return true
    return isHere(JSON.parse(this.jsonOf(first).toString()).taskDir, join(tasksDirectory(state), first.name))
  }

  close(): void {
    closeSync(this.fd)
  }

  /** The rows of tasks that ended later than this. */
  rowsSince(time: string): number[] {
    const rows: number[] = []
    for (let row = 0; row < this.length && this.key(row, TIME, TIME) > time; row++)
      if (this.atOf(row) > time) rows.push(row)
    return rows
  }

  stateOf(row: number): string {
    return this.key(row, 3 * TIME, STATE).trimEnd()
  }

  private atOf(row: number): string {
    return this.key(row, 2 * TIME, TIME)
  }

  private key(row: number, start: number, width: number): string {
    const at = row * KEY + start
    return this.keys.slice(at, at + width)
  }

  /** One of the rows in the blocks; its origin is read from the file. */
  row(row: number): FinishedRow {
    const start = this.originsStart + row * ORIGIN
    return {
      ...this.place(row),
      at: this.atOf(row),
      state: this.stateOf(row),
      ...origin(read(this.fd, start, start + ORIGIN)),
    }
  }

  /** What a list needs of such a row. */
  place(row: number) {
    const startedAt = this.key(row, 0, TIME)
    const jsonStart = row === 0 ? this.jsonStart : this.jsonEnd(row - 1) + 1
    return { name: this.nameOf(row), startedAt, jsonStart, jsonEnd: this.jsonEnd(row) }
  }

  /** Of all rows in the blocks. */
  get names(): readonly string[] {
    this.allNames ??= this.nameColumn === '' ? [] : this.nameColumn.split('\n')
    return this.allNames
  }
  private allNames: readonly string[] | null = null

  /** The first ones are found without all others: it is them who are mostly asked for. */
  nameOf(row: number): string {
    if (this.allNames || row > 256) return this.names[row] ?? ''
    while (this.nameStarts.length <= row + 1)
      this.nameStarts.push(
        this.nameColumn.indexOf('\n', this.nameStarts.at(-1)) + 1 || this.nameColumn.length + 1,
      )
    return this.nameColumn.slice(this.nameStarts[row], (this.nameStarts[row + 1] ?? 0) - 1)
  }
  private readonly nameStarts = [0]

  private jsonEnd(row: number): number {
    return this.jsonStart + Number(this.key(row, KEY - NUMBER, NUMBER))
  }

  /** What the list says of a task, as it is in the file. */
  jsonOf({ jsonStart, jsonEnd }: { readonly jsonStart: number; readonly jsonEnd: number }): Buffer {
    const json = Buffer.allocUnsafe(jsonEnd - jsonStart)
    this.readInto(json, 0, jsonStart, jsonEnd)
    return json
  }

  /** Reads a part of the file into a buffer. */
  readInto(target: Buffer, at: number, start: number, end: number): void {
    for (let done = 0; done < end - start; ) {
      const got = readSync(this.fd, target, at + done, end - start - done, start + done)
      if (got === 0) throw new Error('the index of finished tasks ends too soon')
      done += got
    }
  }
}

function read(fd: number, start: number, end: number): string {
  const buffer = Buffer.allocUnsafe(Math.max(0, end - start))
  const got = readSync(fd, buffer, 0, buffer.length, start)
  return buffer.toString('latin1', 0, got)
}

const origin = (text: string) => ({
  journalBytes: Number(text.slice(0, NUMBER)),
  spec: text.slice(NUMBER, ORIGIN).trimEnd(),
})

/** Lines of `formatAdded`; what is torn is passed over. `start`: where the text begins in the file, bytes. Pure. */
function parseAdded(text: string, start: number): FinishedRow[] {
  const rows: FinishedRow[] = []
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at)
    const end = newline < 0 ? text.length : newline
    const row = newline < 0 ? null : parseLine(text.slice(at, end), start + at)
    if (row) rows.push(row)
    at = end + 1
  }
  return rows
}

function parseLine(line: string, start: number): FinishedRow | null {
  const nameStart = ADDED_KEY + ORIGIN
  const nameEnd = line.indexOf(' ', nameStart)
  const jsonBytes = Number(line.slice(ADDED_KEY - NUMBER, ADDED_KEY))
  if (nameEnd < 0 || line.length - nameEnd - 1 !== jsonBytes || line[nameEnd + 1] !== '{') return null
  return {
    name: line.slice(nameStart, nameEnd),
    startedAt: line.slice(0, TIME),
    at: line.slice(TIME, 2 * TIME),
    state: line.slice(2 * TIME, 2 * TIME + STATE).trimEnd(),
    ...origin(line.slice(ADDED_KEY, nameStart)),
    jsonStart: start + nameEnd + 1,
    jsonEnd: start + line.length,
  }
}

/** Adds tasks to the index that is there; throws ENOENT where there is none. */
export function addFinished(state: string, tasks: readonly FinishedTask[]): void {
  const fd = openOwn(finishedFile(state), constants.O_WRONLY | constants.O_APPEND)
  try {
    writeSync(fd, Buffer.concat(tasks.filter(fits).map(formatAdded)))
  } finally {
    closeSync(fd)
  }
}
