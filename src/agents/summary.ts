import type { AgentEvent, EventSummary, Usage } from './event.ts'

export const EMPTY_SUMMARY: EventSummary = {
  sessionId: null,
  final: null,
  lastError: null,
  lastMessage: null,
  denials: [],
  usage: null,
  usageIsCumulative: false,
  messages: 0,
  toolsStarted: 0,
  toolsFinished: 0,
  retries: 0,
  events: 0,
}

/** Folds one more event into a summary. Pure. */
export function addEvent(summary: EventSummary, event: AgentEvent): EventSummary {
  const next = { ...summary, events: summary.events + 1 }
  switch (event.kind) {
    case 'session':
      return { ...next, sessionId: summary.sessionId ?? event.id }
    case 'turn':
      return { ...next, final: null }
    case 'message':
      if (event.role === 'user') return { ...next, final: null }
      return { ...next, final: null, lastMessage: event.text, messages: summary.messages + 1 }
    case 'tool-started':
      return { ...next, final: null, toolsStarted: summary.toolsStarted + 1 }
    case 'tool-finished':
      return { ...next, final: null, toolsFinished: summary.toolsFinished + 1 }
    case 'usage':
      return event.cumulative
        ? { ...next, usage: event.usage, usageIsCumulative: true }
        : { ...next, usage: addUsage(summary.usage, event.usage) }
    case 'retry':
      return { ...next, final: null, retries: summary.retries + 1, lastError: event.message }
    case 'denied':
      return { ...next, denials: [...summary.denials, event.message] }
    case 'error':
      return { ...next, lastError: event.message }
    case 'finished':
      return { ...next, final: event }
  }
}

/** Folds events in order. */
export function summarize(events: Iterable<AgentEvent>): EventSummary {
  let summary = EMPTY_SUMMARY
  for (const event of events) summary = addEvent(summary, event)
  return summary
}

/** Two counts together; what one does not know the other says. Pure. */
export function addUsage(a: Usage | null, b: Usage): Usage {
  if (!a) return b
  const sum = (x: number | null, y: number | null) => (x === null ? y : y === null ? x : x + y)
  return {
    inputTokens: sum(a.inputTokens, b.inputTokens),
    cachedInputTokens: sum(a.cachedInputTokens, b.cachedInputTokens),
    outputTokens: sum(a.outputTokens, b.outputTokens),
    costUsd: sum(a.costUsd, b.costUsd),
  }
}

/** It has run tools: something may have been changed. Pure. */
export const hasWorked = (summary: EventSummary): boolean => summary.toolsStarted + summary.toolsFinished > 0

/** It has worked or said something. Pure. */
export const hasAnswered = (summary: EventSummary): boolean => hasWorked(summary) || summary.messages > 0
