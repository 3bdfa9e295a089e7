import type { Driver } from '../agents/driver.ts'
import type { AgentEvent } from '../agents/event.ts'
import { summarize } from '../agents/summary.ts'
import { readOwn, writeDurable } from '../system/durable.ts'
import { readLines } from './lines.ts'
import { sizeOf } from './output.ts'
import { files } from './paths.ts'

/** What an agent that runs was last seen doing. */
export interface Activity {
  /** It has said that its work is done, and nothing since. */
  readonly finished: boolean
  /** All that it says is that it tries the model again, in its words. */
  readonly retrying: string | null
  /** In words, for people. */
  readonly doing: string
  /** What it said or did last, in words, for people; null: nothing yet. */
  readonly latest: string | null
  /** Where the last line that shows work ends in events.jsonl, bytes. */
  readonly workEnd: number
}

/** Enough to see what is going on; one line of a tool's output may be longer, then it is not understood. */
const TAIL_BYTES = 1 << 18

/** Reads the end of what an attempt has printed so far; `from` is where its output begins, bytes. */
export function readActivity(dir: string, driver: Pick<Driver, 'parse'>, from: number): Activity {
  const path = files.events(dir)
  const start = Math.max(from, sizeOf(path) - TAIL_BYTES)
  const events: AgentEvent[] = []
  let workEnd = from
  for (const { text, end } of readLines(path, start, null, false)) {
    const found = driver.parse(text)
    events.push(...found)
    if (found.length === 0 || found.some(isWork)) workEnd = end
  }
  return { ...activityOf(events), workEnd }
}

/** To say that it tries again, or what went wrong, is not work. */
const isWork = (event: AgentEvent) => event.kind !== 'retry' && event.kind !== 'error'

/** What a run of events shows. Pure. */
export function activityOf(events: readonly AgentEvent[]): Omit<Activity, 'workEnd'> {
  const finished = summarize(events).final?.outcome === 'completed'
  const retry = events.findLast((event) => event.kind === 'retry')
  const retrying =
    retry?.kind === 'retry' && !events.slice(events.indexOf(retry)).some(isWork) ? retry.message : null
  const latest = latestOf(events)
  return { finished, retrying, latest, doing: finished ? 'it has finished' : doing(events, retrying) }
}

function doing(events: readonly AgentEvent[], retrying: string | null): string {
  if (retrying !== null) return `it keeps trying to reach the model: ${retrying}`
  const open = openTool(events)
  if (open) return `it runs ${open.name}: ${open.input}`
  return events.length === 0 ? 'it has printed nothing yet' : 'it waits for the model'
}

function latestOf(events: readonly AgentEvent[]): string | null {
  const last = events.findLast((one) => one.kind === 'tool-started' || isAnswer(one))
  if (last?.kind === 'message') return last.text
  return last?.kind === 'tool-started' ? `${last.name}: ${last.input}` : null
}

const isAnswer = (event: AgentEvent) => event.kind === 'message' && event.role === 'assistant'

function openTool(events: readonly AgentEvent[]) {
  const ended = new Set(events.flatMap((event) => (event.kind === 'tool-finished' ? [event.id] : [])))
  const open = events.findLast((event) => event.kind === 'tool-started' && !ended.has(event.id))
  return open?.kind === 'tool-started' ? open : null
}

/**
 * Since when an agent that only retries has done no work, ms since the epoch. Its lines carry no time, so whoever sees it
 * first notes it down; the note may be thrown away at any time.
 */
export function retryingSince(dir: string, workEnd: number, lastOutputMs: number): number {
  const path = files.quiet(dir)
  const [end, since] = (readOwn(path) ?? '').split(' ').map(Number)
  if (end === workEnd && since) return since
  writeDurable(path, `${workEnd} ${Math.round(lastOutputMs)}\n`)
  return lastOutputMs
}
