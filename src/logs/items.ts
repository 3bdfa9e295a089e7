import type { AgentEvent } from '../agents/event.ts'
import type { AttemptRecord } from '../task/attempt.ts'

/** One thing that the logs show. */
export type LogItem =
  | { readonly kind: 'attempt'; readonly number: number; readonly how: string; readonly at: string }
  | { readonly kind: 'event'; readonly attempt: number; readonly event: AgentEvent }
  | { readonly kind: 'stderr'; readonly attempt: number; readonly text: string }

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

export const isText = (line: string) => line.trim() !== ''
