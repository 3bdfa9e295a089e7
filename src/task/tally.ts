import type { AgentEvent, EventSummary } from '../agents/event.ts'
import { addEvent, addUsage, EMPTY_SUMMARY } from '../agents/summary.ts'

/** What a part of an attempt's output comes to, so that it need not be read again: it can be gone on with. */
export interface Tally {
  /** Of what it said on stdout. */
  readonly summary: EventSummary
  /** Whether something there says that the agent has finished, or works on. */
  readonly decides: boolean
  /** What it said on stderr, where the driver reads that: how many errors, and the last. */
  readonly errors: number
  readonly lastError: string | null
}

export type AgentError = Extract<AgentEvent, { kind: 'error' }>

export const NOTHING_SAID: Tally = { summary: EMPTY_SUMMARY, decides: false, errors: 0, lastError: null }

const INDIFFERENT = new Set<AgentEvent['kind']>(['session', 'usage', 'denied', 'error'])

/** Counts one more event on stdout in. Pure. */
export function addOutput(tally: Tally, event: AgentEvent): Tally {
  const decides = tally.decides || !INDIFFERENT.has(event.kind)
  return { ...tally, decides, summary: addEvent(tally.summary, event) }
}

/** Counts one more error on stderr in. Pure. */
export function addError(tally: Tally, error: AgentError): Tally {
  return { ...tally, errors: tally.errors + 1, lastError: error.message }
}

/** What two parts come to that follow each other. (A sum of costs may differ in its last digits.) Pure. */
export function joined(earlier: Tally, later: Tally): Tally {
  return {
    summary: joinedSummary(earlier.summary, later.summary, later.decides),
    decides: earlier.decides || later.decides,
    errors: earlier.errors + later.errors,
    lastError: later.lastError ?? earlier.lastError,
  }
}

function joinedSummary(a: EventSummary, b: EventSummary, decides: boolean): EventSummary {
  const usage = b.usageIsCumulative || b.usage === null ? b.usage : addUsage(a.usage, b.usage)
  return {
    sessionId: a.sessionId ?? b.sessionId,
    final: decides ? b.final : a.final,
    lastError: b.lastError ?? a.lastError,
    lastMessage: b.lastMessage ?? a.lastMessage,
    denials: [...a.denials, ...b.denials],
    usage: usage ?? a.usage,
    usageIsCumulative: a.usageIsCumulative || b.usageIsCumulative,
    messages: a.messages + b.messages,
    toolsStarted: a.toolsStarted + b.toolsStarted,
    toolsFinished: a.toolsFinished + b.toolsFinished,
    retries: a.retries + b.retries,
    events: a.events + b.events,
  }
}

/** The whole of it: what was said on stderr counts as said after all that was said on stdout. Pure. */
export function summaryOf({ summary, errors, lastError }: Tally): EventSummary {
  return { ...summary, events: summary.events + errors, lastError: lastError ?? summary.lastError }
}
