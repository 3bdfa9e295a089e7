import { setImmediate as turn } from 'node:timers/promises'
import type { Driver } from '../agents/driver.ts'
import type { EventSummary } from '../agents/event.ts'
import { type AttemptRecord, attemptNumbers, readAttempt } from './attempt.ts'
import { readLines } from './lines.ts'
import { readNote } from './notes.ts'
import { sizesOf } from './output.ts'
import { files } from './paths.ts'
import { type Offsets, type Stretch, stretchesOf } from './stretches.ts'
import { addError, addOutput, joined, NOTHING_SAID, summaryOf, type Tally } from './tally.ts'

type Parser = Pick<Driver, 'parse' | 'parseStderr'>

/** What the whole lines of a stretch come to, and where the last of them ends. */
export interface Counted {
  readonly tally: Tally
  readonly to: Offsets
}

/** After so many bytes others get their turn: whoever sums up has more to do. */
const PIECE = 1 << 22

/** Sums up what an attempt has printed so far; `over`: it prints no more, and a last line without an end counts. */
export async function summarizeAttempt(
  dir: string,
  driver: Parser,
  record: AttemptRecord,
  over: boolean,
): Promise<{ summary: EventSummary; counted: Counted }> {
  const stretch = newestStretch(dir, record)
  const counted = await count(dir, driver, stretch)
  const tally = over ? withTail(dir, driver, counted, stretch) : counted.tally
  return { summary: summaryOf(tally), counted }
}

/** What each attempt has printed so far, summed up, the first one first; `over`: the last one prints no more. */
export async function tallies(
  dir: string,
  driver: Parser,
  over: boolean,
): Promise<{ attempt: number; tally: Tally }[]> {
  const records = attemptNumbers(dir).map((number) => readAttempt(dir, number))
  const found = []
  for (const stretch of stretchesOf(records, sizesOf(dir))) {
    const counted = await countAll(dir, driver, stretch, stretch.closed || over)
    found.push({ attempt: stretch.record.number, tally: counted.tally })
  }
  return found
}

/** Sums up the output of the attempts, from the newest one back until that is `enough`; `over`: the newest prints no more. */
export async function summarizeTask(
  dir: string,
  driver: Parser,
  over: boolean,
  enough: (summary: EventSummary) => boolean = () => false,
): Promise<EventSummary> {
  const records = attemptNumbers(dir).map((number) => readAttempt(dir, number))
  let sum = NOTHING_SAID
  for (const stretch of stretchesOf(records, sizesOf(dir)).reverse()) {
    sum = joined((await countAll(dir, driver, stretch, stretch.closed || over)).tally, sum)
    if (enough(summaryOf(sum))) break
  }
  return summaryOf(sum)
}

/** What the newest attempt has printed: all from its beginning on. */
export function newestStretch(dir: string, record: AttemptRecord): Stretch {
  const { eventsOffset: events = 0, stderrOffset: stderr = 0 } = record.claim ?? {}
  const gap = { events: 0, stderr: 0 }
  return { record, from: { events, stderr }, to: sizesOf(dir), gap, closed: false }
}

/** With a last line that has no end where the stretch is `over`. */
export async function countAll(
  dir: string,
  driver: Parser,
  stretch: Stretch,
  over: boolean,
): Promise<Counted> {
  const counted = await count(dir, driver, stretch)
  return over ? { tally: withTail(dir, driver, counted, stretch), to: stretch.to } : counted
}

/** Goes on from what was noted down, and reads the rest. */
async function count(dir: string, driver: Parser, stretch: Stretch): Promise<Counted> {
  const { tally, to } = readNote(dir, stretch) ?? { tally: NOTHING_SAID, to: stretch.from }
  const [said, events] = await fold(dir, 'events', to, stretch, tally, adderOf(driver, 'events'))
  const [all, stderr] = await fold(dir, 'stderr', to, stretch, said, adderOf(driver, 'stderr'))
  return { tally: all, to: { events, stderr } }
}

type Adder = (tally: Tally, line: string) => Tally

function adderOf(driver: Parser, which: keyof Offsets): Adder | null {
  if (which === 'events') return (tally, line) => driver.parse(line).reduce(addOutput, tally)
  return driver.parseStderr
    ? (tally, line) => (driver.parseStderr?.(line) ?? []).reduce(addError, tally)
    : null
}

async function fold(
  dir: string,
  which: keyof Offsets,
  from: Offsets,
  stretch: Stretch,
  tally: Tally,
  add: Adder | null,
): Promise<[Tally, number]> {
  if (!add) return [tally, stretch.to[which]]
  let sum = tally
  let at = from[which]
  let next = at + PIECE
  for (const { text, end } of readLines(files[which](dir), at, stretch.to[which], false)) {
    sum = add(sum, text)
    at = end
    if (at < next) continue
    await turn()
    next = at + PIECE
  }
  return [sum, at]
}

/** With the last lines, which have no end. */
function withTail(dir: string, driver: Parser, { tally, to }: Counted, stretch: Stretch): Tally {
  let sum = tally
  for (const which of ['events', 'stderr'] as const) {
    const add = adderOf(driver, which)
    if (!add) continue
    for (const { text } of readLines(files[which](dir), to[which], stretch.to[which], true))
      sum = add(sum, text)
  }
  return sum
}
