import { readdirSync } from 'node:fs'
import { unless } from '../errors.ts'
import { FinishedIndex, type FinishedRow } from './finished.ts'
import { tasksDirectory } from './paths.ts'
import { reopenedTasks } from './reopened.ts'
import { type Difference, keepSeen, readSeen, type Stamp, stampOf } from './seen.ts'

/** All that lies in the folder of the tasks. */
export interface LookedUp {
  /** Of tasks that are over; null: there is none. Whoever looked up closes it. */
  readonly index: FinishedIndex | null
  /** Rows in its blocks that hold, by their places, the newest task first. */
  readonly rows: readonly number[]
  /** Rows that were added to it, and hold. */
  readonly added: readonly FinishedRow[]
  /** How many tasks it has that are not there any more. */
  readonly gone: number
  /** Names of which it says nothing. */
  readonly fresh: readonly string[]
  /** Names of tasks of which it is not believed. */
  readonly reopened: readonly string[]
}

/**
 * Looks everything up in the index, and into none of the tasks' own folders. `select`: the rows that somebody asks for; of ten
 * thousand others it need not be known whether they hold. While no task comes or goes not even their names are read.
 */
export function lookUp(
  state: string,
  select: (index: FinishedIndex) => readonly number[] = allRows,
): LookedUp {
  const stamp = stampOf(state)
  // Before the index, and once: what that says of a task without a mark was true at some moment since.
  const marks = reopenedTasks(state)
  const index = FinishedIndex.open(state)
  if (!index) return { index, rows: [], added: [], gone: 0, ...withoutReopened(marks, namesIn(state)) }
  const seen = stamp && seenOf(state, index, stamp)
  const { fresh, gone } = seen ?? compared(state, index, stamp)
  const left = withoutReopened(marks, fresh)
  const out = new Set([...gone, ...marks])
  const added = newestOf(index, out)
  const rows = select(index).filter((row) => holds(index, row, out, added))
  const names = left.fresh.filter((name) => !added.has(name))
  return { index, rows, added: [...added.values()], gone: gone.length, ...left, fresh: names }
}

/** Rows that were added since must be of tasks that were there: who is late may add one of a task that is gone. */
function seenOf(state: string, index: FinishedIndex, stamp: Stamp): Difference | null {
  const seen = readSeen(state, index.id, stamp)
  // A power loss may have taken rows that were added, and left what was seen.
  if (!seen || (index.added[seen.added - 1]?.jsonEnd ?? 0) !== seen.addedEnd) return null
  const fresh = new Set(seen.fresh)
  return index.added.slice(seen.added).every((row) => fresh.has(row.name)) ? seen : null
}

const allRows = (index: FinishedIndex) => Array.from({ length: index.length }, (_, row) => row)

function namesIn(state: string): string[] {
  return unless(['ENOENT'], [] as string[], () => readdirSync(tasksDirectory(state)))
}

function withoutReopened(marks: readonly string[], names: readonly string[]) {
  const marked = new Set(marks)
  if (marked.size === 0) return { fresh: names, reopened: [] }
  return { fresh: names.filter((name) => !marked.has(name)), reopened: [...marked] }
}

function compared(state: string, index: FinishedIndex, stamp: Stamp | null): Difference {
  const there = new Set(namesIn(state))
  const gone: string[] = []
  const { names, added } = index
  const known = added.length === 0 ? names : new Set([...names, ...added.map((row) => row.name)])
  for (const name of known) if (!there.delete(name)) gone.push(name)
  const addedEnd = added.at(-1)?.jsonEnd ?? 0
  const difference = { fresh: [...there], gone, added: added.length, addedEnd }
  if (stamp) keepSeen(state, index.id, stamp, difference)
  return difference
}

/** Who adds a row may be late: the longest journal tells which is the newest. */
function newestOf(index: FinishedIndex, out: ReadonlySet<string>): Map<string, FinishedRow> {
  const newest = new Map<string, FinishedRow>()
  for (const row of index.added) {
    if (!out.has(row.name) && (newest.get(row.name)?.journalBytes ?? -1) < row.journalBytes)
      newest.set(row.name, row)
  }
  if (newest.size === 0) return newest
  index.names.forEach((name, row) => {
    const later = newest.get(name)
    if (later && later.journalBytes <= index.row(row).journalBytes) newest.delete(name)
  })
  return newest
}

function holds(
  index: FinishedIndex,
  row: number,
  out: ReadonlySet<string>,
  added: ReadonlyMap<string, FinishedRow>,
): boolean {
  if (out.size + added.size === 0) return true
  const name = index.nameOf(row)
  return !out.has(name) && !added.has(name)
}
