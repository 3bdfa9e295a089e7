import type { AttemptEnd, Cause, Verdict } from './driver.ts'
import { type Reason, reasonOf, signalOf } from './reason.ts'
import { limitFacts, OVERLOADED, USAGE_LIMIT } from './usage-limit.ts'

type Known = { readonly match: RegExp; readonly cause: Cause; readonly hint: string | null }

/** What Claude Code 2.1.197 says, in its result or on stderr. The first match counts. */
const KNOWN: readonly Known[] = [
  {
    match: /No conversation found/,
    cause: 'no-such-session',
    hint: 'it is stored per directory: was the project moved?',
  },
  {
    match: /Session ID .* is already in use/,
    cause: 'crashed',
    hint: '`rca resume` continues that conversation',
  },
  { match: OVERLOADED, cause: 'api-error', hint: null },
  { match: USAGE_LIMIT, cause: 'usage-limit', hint: null },
  // "API Error: Request rejected (429) · this may be a temporary capacity issue"
  { match: /\b429\b/, cause: 'usage-limit', hint: null },
  {
    match:
      /Not logged in|\/login|Invalid API key|Failed to authenticate|authentication_failed|API Error: 40[13]\b|OAuth token/i,
    cause: 'not-logged-in',
    hint: 'run `claude` and type /login (or set ANTHROPIC_API_KEY), then `rca resume`',
  },
  {
    match: /cannot be used with root/,
    cause: 'permission',
    hint: 'use --access write, or run as another user',
  },
  {
    match: /Prompt is too long|Context limit reached|Input must be provided/i,
    cause: 'bad-prompt',
    hint: 'start a new task with another prompt',
  },
  {
    match: /issue with the selected model/,
    cause: 'bad-arguments',
    hint: 'choose another model: rca start claude NAME -- --model MODEL',
  },
  {
    match: /^error: |unknown option|Invalid (session|settings|MCP)|Settings file not found|is not a valid/i,
    cause: 'bad-arguments',
    hint: 'see `claude --help` for what this version takes',
  },
  {
    match: /maximum number of turns|maximum budget|error_max_/i,
    cause: 'unfinished',
    hint: 'raise that bound in the arguments of the agent, then `rca resume`',
  },
]

/** From the events first: a result without an error is the end, whatever the process did afterwards. */
export function judgeClaude(end: AttemptEnd): Verdict {
  const final = end.summary.final
  if (final?.outcome === 'completed') return { outcome: 'completed' }
  const reason = reasonOf(end)
  if (isInterrupted(end)) {
    const text = reason.source === 'final' ? reason.text : 'ended without an answer, as after an interrupt'
    return { outcome: 'interrupted', cause: 'interrupted', reason: text, hint: '`rca resume` continues it' }
  }
  const known = explain(reason)
  if (known?.cause === 'usage-limit') return limited(end, reason)
  if (known) return { outcome: 'failed', cause: known.cause, reason: reason.text, hint: known.hint }
  return unexplained(end, reason)
}

/** SIGINT before the first answer: exit 0 and no result at all. In a tool: a result that says so, exit 0 or 1. */
function isInterrupted({ summary, exit }: AttemptEnd): boolean {
  if (summary.final) return summary.final.outcome === 'interrupted'
  if (signalOf(exit) === 'SIGINT') return true
  return exit !== null && 'code' in exit && exit.code === 0 && summary.sessionId !== null
}

/** An error that the agent got over says nothing about a later crash, so those are not looked up. */
function explain(reason: Reason): Known | null {
  if (reason.source !== 'final' && reason.source !== 'stderr') return null
  return KNOWN.find(({ match }) => match.test(reason.text)) ?? null
}

/** The result tells the reset in local words ("resets 3pm"); the event before it tells it exactly. */
function limited(end: AttemptEnd, { text }: Reason): Verdict {
  const { final, lastError } = end.summary
  const exact = / resets at \S+Z/.exec(lastError ?? '')?.[0] ?? ''
  const reason = exact === '' ? text : `${text},${exact}`
  const limit = limitFacts(final?.message ?? text, end, exact)
  return { outcome: 'failed', cause: 'usage-limit', reason, ...limit }
}

function unexplained({ summary, exit }: AttemptEnd, { text }: Reason): Verdict {
  if (summary.final) return { outcome: 'failed', cause: 'api-error', reason: text, hint: null }
  if (exit && 'code' in exit && exit.code === 0) {
    return { outcome: 'unfinished', cause: 'unfinished', reason: `no result: ${text}`, hint: null }
  }
  return { outcome: 'failed', cause: 'crashed', reason: text, hint: null }
}
