import { ofType } from './entries.ts'
import type { Entry } from './schema.ts'
import type { Offsets } from './stretches.ts'

/** One file of what an agent printed, as it is now; bytes. */
export interface LogFile {
  readonly size: number
  /** What it takes up on the disk: what was dropped takes up nothing. */
  readonly allocated: number
  /** Where what is left of it begins, as the journal says. */
  readonly from: number
}

/** Where what is left of the output begins, by the journal: readers never look at what lies before. Pure. */
export function keptFrom(entries: readonly Entry[]): Offsets {
  const from = { events: 0, stderr: 0 }
  for (const one of ofType(entries, 'log-trimmed')) from[one.file] = Math.max(from[one.file], one.from)
  return from
}

/**
 * Where a file that takes up more than it may is to be cut, about: half of what it may take up is left, so that it is not cut
 * all the time. Null: not at all. Pure.
 */
export function cutAt({ size, allocated, from }: LogFile, maxBytes: number): number | null {
  if (allocated <= maxBytes) return null
  const at = Math.max(from, size - Math.floor(maxBytes / 2))
  return at > 0 ? at : null
}
