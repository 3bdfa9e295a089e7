import type { Driver } from '../agents/driver.ts'
import type { AgentEvent } from '../agents/event.ts'
import { attemptNumbers, readAttempt } from '../task/attempt.ts'
import { type Line, readLines, readLinesBackwards } from '../task/lines.ts'
import { sizesOf } from '../task/output.ts'
import { files } from '../task/paths.ts'
import { type Offsets, type Stretch, stretchesOf } from '../task/stretches.ts'
import { Conversations } from './conversations.ts'
import { type Choice, gapIn, headingOf, isRecent, isText, isWanted, type LogItem } from './items.ts'
import { Kept } from './kept.ts'
import { lastItems } from './tail.ts'

/** About so much is read and handed on together, bytes: between two pieces whoever reads may do something else. */
const PIECE = 1 << 18

/**
 * Reads a task's logs on from where it stopped, attempt after attempt: each one's heading, its events, and then what it
 * wrote to stderr. Keeps nothing of what it has read but which conversations were told of.
 */
export class Reader {
  private read: Offsets = { events: 0, stderr: 0 }
  /** How far it has looked: the beginning of a line that has no end yet is no news a second time. */
  private seen: Offsets = { events: 0, stderr: 0 }
  private readonly kept: Kept
  private readonly announced = new Set<number>()
  private readonly sessions = new Set<string>()
  /** Of attempts whose beginning was passed over. */
  private readonly passedOver = new Map<number, Conversations>()

  constructor(
    private readonly dir: string,
    private readonly driver: Pick<Driver, 'parse'>,
    private readonly choice: Choice,
  ) {
    this.kept = new Kept(dir)
  }

  hasNews(): boolean {
    const { events, stderr } = sizesOf(this.dir)
    return events > this.seen.events || stderr > this.seen.stderr
  }

  /** What is there and was not read yet, in pieces. */
  *next(ended = 0): Generator<LogItem[]> {
    for (const stretch of this.stretches(ended)) {
      if (isWanted(stretch.record, this.choice)) yield* this.itemsOf(stretch)
      this.pass(stretch)
    }
  }

  /** The last `count` items of what is there and was not read yet; the rest is passed over. */
  last(count: number, ended = 0): LogItem[] {
    const stretches = this.stretches(ended)
    const { dir, driver, choice } = this
    const conversations = (stretch: Stretch) => this.conversationsOf(stretch)
    const items = lastItems(stretches, count, { dir, driver, choice, conversations })
    for (const stretch of stretches) {
      if (isWanted(stretch.record, this.choice)) this.announced.add(stretch.record.number)
      this.conversationsOf(stretch)
      this.read = { events: this.wholeEnd(stretch, 'events'), stderr: this.wholeEnd(stretch, 'stderr') }
    }
    return items
  }

  /** `ended`: the attempts up to this one print no more; a last line of theirs without an end counts. */
  private stretches(ended: number): Stretch[] {
    const sizes = sizesOf(this.dir)
    this.seen = sizes
    const records = attemptNumbers(this.dir).map((number) => readAttempt(this.dir, number))
    return stretchesOf(records, sizes, this.read, this.kept.now()).map((stretch) =>
      stretch.record.number <= ended ? { ...stretch, closed: true } : stretch,
    )
  }

  private *itemsOf(stretch: Stretch): Generator<LogItem[]> {
    const { record } = stretch
    if (!this.announced.has(record.number)) yield [headingOf(record)]
    this.announced.add(record.number)
    yield gapIn(stretch, 'events')
    yield* this.batches(stretch, 'events', (line) => this.eventsIn(line, record.number))
    yield gapIn(stretch, 'stderr')
    yield* this.batches(stretch, 'stderr', ({ text }) =>
      isText(text) ? [{ kind: 'stderr', attempt: record.number, text }] : [],
    )
  }

  private *batches(
    stretch: Stretch,
    which: keyof Offsets,
    itemsIn: (line: Line) => LogItem[],
  ): Generator<LogItem[]> {
    const { from, to, closed } = stretch
    let lines: Line[] = []
    let begin = from[which]
    this.read = { ...this.read, [which]: begin }
    for (const line of readLines(files[which](this.dir), begin, to[which], closed)) {
      lines.push(line)
      if (line.end - begin < PIECE) continue
      yield this.itemsOfLines(lines, stretch, which, itemsIn)
      lines = []
      begin = line.end
    }
    yield this.itemsOfLines(lines, stretch, which, itemsIn)
  }

  /** Without what was dropped while it was read: that is a hole now, and ends where a line does. */
  private itemsOfLines(
    lines: readonly Line[],
    { record }: Stretch,
    which: keyof Offsets,
    itemsIn: (line: Line) => LogItem[],
  ): LogItem[] {
    const [first] = lines
    const end = lines.at(-1)?.end ?? 0
    const kept = this.kept.now()[which]
    if (first) this.read = { ...this.read, [which]: end }
    if (!first || first.start >= kept) return lines.flatMap(itemsIn)
    const left = lines.filter((line) => line.end > kept).flatMap(itemsIn)
    const gap = { kind: 'dropped', attempt: record.number, file: which, bytes: kept } as const
    return end >= kept ? [gap, ...left] : []
  }

  private eventsIn(line: Line, attempt: number): LogItem[] {
    return this.driver
      .parse(line.text)
      .filter((event) => this.isNews(event, attempt, line.start))
      .map((event) => ({ kind: 'event', attempt, event }))
  }

  /** An agent may say with every step which conversation it works on (opencode does): once an attempt is enough. */
  private isNews(event: AgentEvent, attempt: number, at: number): boolean {
    if (!isRecent(event, this.choice.sinceMs)) return false
    if (event.kind !== 'session') return true
    const key = `${attempt} ${event.id}`
    if (this.sessions.has(key)) return false
    this.sessions.add(key)
    return !this.passedOver.get(attempt)?.areTold(event.id, at)
  }

  private conversationsOf({ record, from }: Stretch): Conversations {
    const known = this.passedOver.get(record.number)
    if (known) return known
    const path = files.events(this.dir)
    const made = new Conversations(path, from.events, this.driver, this.choice.sinceMs)
    this.passedOver.set(record.number, made)
    return made
  }

  /** What was not wanted is not wanted later, either. */
  private pass(stretch: Stretch): void {
    const { record, to, closed } = stretch
    if (closed || !isWanted(record, this.choice)) this.read = to
  }

  /** Where the last line that was read ends. */
  private wholeEnd({ from, to, closed }: Stretch, which: keyof Offsets): number {
    if (closed) return to[which]
    const [last] = readLinesBackwards(files[which](this.dir), from[which], to[which], false)
    return last?.end ?? from[which]
  }
}
