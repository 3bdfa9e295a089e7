import type { Driver } from '../agents/driver.ts'
import type { AgentEvent } from '../agents/event.ts'
import { type Line, readLinesBackwards } from '../task/lines.ts'
import { files } from '../task/paths.ts'
import type { Stretch } from '../task/stretches.ts'
import type { Conversations } from './conversations.ts'
import { type Choice, gapIn, headingOf, isRecent, isText, isWanted, type LogItem } from './items.ts'

/** Where and how the end of a task's logs is read. */
export interface Source {
  readonly dir: string
  readonly driver: Pick<Driver, 'parse'>
  readonly choice: Choice
  /** What an attempt has told of its conversations. */
  readonly conversations: (stretch: Stretch) => Conversations
}

/**
 * The last `count` items of these stretches, exactly as if all were read and the rest thrown away; reads no more than that
 * takes. With a `sinceMs` that few events are behind, that is everything: an agent's clock may have been set back, and only its
 * own times tell what is older.
 */
export function lastItems(stretches: readonly Stretch[], count: number, source: Source): LogItem[] {
  const found: LogItem[] = []
  if (count === 0) return found
  for (const item of itemsBackwards(stretches, source)) if (found.push(item) === count) break
  return found.reverse()
}

function* itemsBackwards(stretches: readonly Stretch[], source: Source): Generator<LogItem> {
  for (const stretch of [...stretches].reverse()) {
    if (!isWanted(stretch.record, source.choice)) continue
    const attempt = stretch.record.number
    for (const { text } of linesOf(stretch, 'stderr', source.dir))
      if (isText(text)) yield { kind: 'stderr', attempt, text }
    yield* gapIn(stretch, 'stderr')
    const conversations = source.conversations(stretch)
    for (const line of linesOf(stretch, 'events', source.dir))
      for (const event of shownOf(line, source, conversations).reverse())
        yield { kind: 'event', attempt, event }
    yield* gapIn(stretch, 'events')
    yield headingOf(stretch.record)
  }
}

function linesOf({ from, to, closed }: Stretch, which: 'events' | 'stderr', dir: string): Generator<Line> {
  return readLinesBackwards(files[which](dir), from[which], to[which], closed)
}

function shownOf(line: Line, { driver, choice }: Source, conversations: Conversations): AgentEvent[] {
  const told = new Set<string>()
  return driver.parse(line.text).filter((event) => {
    if (!isRecent(event, choice.sinceMs)) return false
    if (event.kind !== 'session') return true
    const isNews = !told.has(event.id) && !conversations.areTold(event.id, line.start)
    told.add(event.id)
    return isNews
  })
}
