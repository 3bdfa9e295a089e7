import { isClosed, stampOfSpec } from '../task/digest.ts'
import { directoriesNamed, taskDirectory } from '../task/directories.ts'
import type { FinishedRow } from '../task/finished.ts'
import { type LookedUp, lookUp } from '../task/look-up.ts'
import { sizeOf } from '../task/output.ts'
import { files } from '../task/paths.ts'
import { markReopened } from '../task/reopened.ts'
import { isLoose } from '../task/tidy.ts'

/** With every look one in so many of the tasks that are over is held against its records. */
const ONE_IN = 10
/** But no more than about so many: a look at ten thousand would cost more than all that live. */
const MOST_HELD = 100
/** So many that are over may be missing in the index before it is written anew. */
const MOST_MISSING = 64

/** What a look through all tasks has found. */
export interface Scanned {
  /** Those that may not be over. */
  readonly dirs: readonly string[]
  /** The index is worth being written anew. */
  readonly untidy: boolean
}

/**
 * Finds tasks that nobody announced: all of which the index says nothing. Of the others some are looked at each time, and all of
 * them the first time: an index that says of a task what its records do not is found out.
 */
export class Scanner {
  private round = 0

  constructor(private readonly state: string) {}

  next(): Scanned {
    const round = this.round++
    const found = lookUp(this.state)
    try {
      const belied = this.belied(found, round)
      const fresh = this.directoriesOf(found.fresh)
      const reopened = this.directoriesOf(found.reopened)
      const isMissing = fresh.length > MOST_MISSING && fresh.filter(seemsClosed).length > MOST_MISSING
      const isGone = found.reopened.length - reopened.length > MOST_MISSING
      return {
        dirs: [...fresh, ...reopened, ...belied],
        untidy: isMissing || isGone || reopened.some(seemsClosed) || (found.index !== null && isLoose(found)),
      }
    } finally {
      found.index?.close()
    }
  }

  private directoriesOf(names: readonly string[]): string[] {
    return directoriesNamed(this.state, names).map((one) => one.dir)
  }

  /** Those of which the index is believed no more. */
  private belied({ index, rows, added }: LookedUp, round: number): string[] {
    if (!index) return []
    const part = heldIn(rows, round)
    return [...part.map((row) => index.row(row)), ...added].flatMap((row) => this.isBelied(row) ?? [])
  }

  /** What cannot be looked at is for whoever looks at the task itself. */
  private isBelied(row: FinishedRow): string | null {
    const dir = taskDirectory(this.state, row.name)?.dir
    if (!dir || holds(dir, row)) return null
    try {
      markReopened(dir)
    } catch {
      // A full disk.
    }
    return dir
  }
}

/** Which of these rows are held against their records in this round: all in the first, and all in so many after it. Pure. */
export function heldIn(rows: readonly number[], round: number): readonly number[] {
  const oneIn = Math.max(ONE_IN, Math.ceil(rows.length / MOST_HELD))
  return round === 0 ? rows : rows.filter((row) => row % oneIn === round % oneIn)
}

function holds(dir: string, row: FinishedRow): boolean {
  try {
    return sizeOf(files.journal(dir)) === row.journalBytes && stampOfSpec(dir) === row.spec
  } catch {
    return false
  }
}

function seemsClosed(dir: string): boolean {
  try {
    return isClosed(dir)
  } catch {
    return false
  }
}
