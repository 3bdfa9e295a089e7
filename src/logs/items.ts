import type { AgentEvent } from '../agents/event.ts'
import type { AttemptRecord } from '../task/attempt.ts'
import type { Stretch } from '../task/stretches.ts'

/** One thing that the logs show. */
export type LogItem =
  | { readonly kind: 'attempt'; readonly number: number; readonly how: string; readonly at: string }
  | { readonly kind: 'event'; readonly attempt: number; readonly event: AgentEvent }
  | { readonly kind: 'stderr'; readonly attempt: number; readonly text: string }
  | Dropped

/** Here what is left of a file begins: so many bytes were dropped before. */
export interface Dropped {
  readonly kind: 'dropped'
  readonly attempt: number
  readonly file: 'events' | 'stderr'
  readonly bytes: number
}

/** Which of them. */
export interface Choice {
  /** Only what happened at or after this moment, ms since the epoch; null: all. */
  readonly sinceMs: number | null
  /** Only this attempt; null: all. */
  readonly attempt: number | null
}

export function isWanted(record: AttemptRecord, { attempt, sinceMs }: Choice): boolean {
  if (attempt !== null && record.number !== attempt) return false
  return sinceMs === null || record.exitAt === null || Date.parse(record.exitAt) >= sinceMs
}

export function isRecent(event: AgentEvent, sinceMs: number | null): boolean {
  return sinceMs === null || event.at === undefined || Date.parse(event.at) >= sinceMs
}

export function headingOf({ number, claim }: AttemptRecord): LogItem {
  return { kind: 'attempt', number, how: claim?.how ?? 'start', at: claim?.claimedAt ?? '' }
}

/** That the beginning of a stretch is missing, where it is. */
export function gapIn({ record, gap }: Stretch, file: 'events' | 'stderr'): LogItem[] {
  return gap[file] === 0 ? [] : [{ kind: 'dropped', attempt: record.number, file, bytes: gap[file] }]
}

export const isText = (line: string) => line.trim() !== ''
