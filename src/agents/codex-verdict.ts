import type { AttemptEnd, Cause, Verdict } from './driver.ts'
import { errorLine, type Reason, reasonOf, signalOf } from './reason.ts'
import { limitFacts, OVERLOADED, USAGE_LIMIT } from './usage-limit.ts'

type Known = { readonly match: RegExp; readonly cause: Cause; readonly hint: string | null }

/** What codex-cli 0.169.0 says, in events or on stderr. The first match counts. */
const KNOWN: readonly Known[] = [
  {
    match: /Missing environment variable/,
    cause: 'not-logged-in',
    hint: 'set that variable and hand it on: rca start --env NAME',
  },
  {
    match: /401 Unauthorized|not logged in|(log|sign) ?in again|token .*(expired|revoked|refresh)/i,
    cause: 'not-logged-in',
    hint: 'run `codex login` (or set the API key of the model provider), then `rca resume`',
  },
  { match: OVERLOADED, cause: 'api-error', hint: null },
  { match: USAGE_LIMIT, cause: 'usage-limit', hint: null },
  { match: /no rollout found|thread not found/i, cause: 'no-such-session', hint: 'start the task anew' },
  {
    match: /already has an active writer/,
    cause: 'crashed',
    hint: 'another codex works on this thread: end that one first',
  },
  {
    match:
      /No prompt provided|not contain valid UTF-8|not valid UTF-8|ran out of room in the model's context/i,
    cause: 'bad-prompt',
    hint: 'start a new task with a smaller or plainer prompt',
  },
  {
    match:
      /Not inside a trusted directory|(unexpected|required) argument|the argument '|invalid value|a value is required/i,
    cause: 'bad-arguments',
    hint: 'see `codex exec --help` for what this version takes',
  },
  {
    match: /Error loading config|Error parsing -c|Model provider .* not found|unknown configuration/i,
    cause: 'bad-arguments',
    hint: 'correct config.toml or the -c options',
  },
  {
    match: /model\b.*(not supported|does not exist|not found|not have access)/i,
    cause: 'bad-arguments',
    hint: 'choose another model: rca start codex NAME -- -m MODEL',
  },
]

/** From the events first: a finished turn is finished, whatever the process did afterwards. */
export function judgeCodex(end: AttemptEnd): Verdict {
  const final = end.summary.final
  if (final?.outcome === 'completed') return { outcome: 'completed' }
  const reason = reasonOf(end)
  if (isInterrupted(end)) {
    const text =
      reason.source === 'final' ? reason.text : 'ended in the middle of its turn, as after an interrupt'
    return { outcome: 'interrupted', cause: 'interrupted', reason: text, hint: '`rca resume` continues it' }
  }
  const known = explain(reason)
  if (known) {
    const { cause, hint } = known
    const limit = cause === 'usage-limit' ? limitFacts(final?.message ?? reason.text, end) : {}
    return { outcome: 'failed', cause, reason: reason.text, hint, ...limit }
  }
  return unexplained(end, reason)
}

/** After SIGINT codex exits 1 with no final event and nothing on stderr but log lines. */
function isInterrupted({ summary, exit, stderrTail }: AttemptEnd): boolean {
  if (summary.final) return summary.final.outcome === 'interrupted'
  if (signalOf(exit) === 'SIGINT') return true
  if (!exit || !('code' in exit) || exit.code !== 1) return false
  return summary.sessionId !== null && errorLine(stderrTail) === null
}

/** An error that the agent got over says nothing about a later crash, so those are not looked up. */
function explain(reason: Reason): Known | null {
  if (reason.source !== 'final' && reason.source !== 'stderr') return null
  return KNOWN.find(({ match }) => match.test(reason.text)) ?? null
}

function unexplained({ summary, exit }: AttemptEnd, { text }: Reason): Verdict {
  if (summary.final) return { outcome: 'failed', cause: 'api-error', reason: text, hint: null }
  if (exit && 'code' in exit && exit.code === 2) {
    return { outcome: 'failed', cause: 'bad-arguments', reason: text, hint: 'see `codex exec --help`' }
  }
  if (exit && 'code' in exit && exit.code === 0) {
    return { outcome: 'unfinished', cause: 'unfinished', reason: `no final event: ${text}`, hint: null }
  }
  return { outcome: 'failed', cause: 'crashed', reason: text, hint: null }
}
