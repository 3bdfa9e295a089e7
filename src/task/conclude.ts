import { constants } from 'node:os'
import type { Driver, Exit, Verdict } from '../agents/driver.ts'
import type { EventSummary, Usage } from '../agents/event.ts'
import type { AttemptRecord } from './attempt.ts'
import { lastOutputMs, readTail } from './output.ts'
import { files } from './paths.ts'
import type { ExitRecord, Outcome, Spec } from './schema.ts'
import { type Counted, summarizeAttempt } from './summarize.ts'

/** What is known of an attempt that is over. */
export interface Ended {
  readonly attempt: number
  /** Null: nobody recorded it. */
  readonly exit: ExitRecord | null
  readonly summary: EventSummary
  readonly stderrTail: string
  /** The conversation that it had to work on; null: any. */
  readonly expectedSession: string | null
  readonly killRequested: boolean
  /** About when it ended, ms since the epoch, for want of an exit record. */
  readonly endedMs?: number
}

/** What goes into the journal as the attempt's end. */
export interface Conclusion {
  readonly attempt: number
  readonly outcome: Outcome
  readonly exit: Exit | null
  readonly cause: string | null
  readonly reason: string | null
  readonly hint: string | null
  readonly denials: readonly string[]
  readonly usage: Usage | null
  readonly usageIsCumulative?: boolean | undefined
  /** The agent answered or finished a tool: more than mere life. What it says of an error is no answer. */
  readonly progress?: boolean | undefined
  /** When a usage limit ends, RFC 3339 in UTC; null: it did not say. Absent: there is none. */
  readonly resetsAt?: string | null | undefined
}

const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]))

/** How a shell's `$?` tells of a death: 128 + n is signal n. */
export function exitOf(code: number): Exit {
  const signal = code > 128 ? SIGNALS.get(code - 128) : undefined
  return signal ? { signal } : { code }
}

/** Judges an attempt that is over, from its exit record and the agent's own events. Pure. */
export function conclude(ended: Ended, driver: Pick<Driver, 'judge'>): Conclusion {
  const exit = ended.exit && exitOf(ended.exit.code)
  const verdict = judge(ended, exit, driver)
  const base = {
    attempt: ended.attempt,
    exit,
    denials: [...ended.summary.denials],
    usage: ended.summary.usage,
    usageIsCumulative: ended.summary.usageIsCumulative,
    progress: ended.summary.messages > 0 || ended.summary.toolsFinished > 0,
  }
  if (verdict.outcome === 'completed') return { ...base, ...well }
  return { ...base, ...badly(ended, verdict) }
}

const well = { outcome: 'completed', cause: null, reason: null, hint: null } as const

type BadEnd = Pick<Conclusion, 'outcome' | 'cause' | 'reason' | 'hint' | 'resetsAt'>

/** A kill and Ctrl-C at the pane are what a person wanted, whatever the agent says of its end. */
function badly(ended: Ended, verdict: Exclude<Verdict, { outcome: 'completed' }>): BadEnd {
  if (ended.killRequested) return { outcome: 'killed', cause: null, reason: 'killed', hint: null }
  if (ended.exit?.interrupted) {
    const reason = 'interrupted at the pane (Ctrl-C)'
    return { outcome: 'interrupted', cause: 'interrupted', reason, hint: null }
  }
  const known = verdict.outcome === 'interrupted' ? cutShort(verdict, ended.exit) : verdict
  const { outcome, cause, reason, hint, resetsAt } = known
  const limit = resetsAt === undefined ? {} : { resetsAt }
  return { outcome: ended.exit === null ? 'lost' : outcome, cause, reason, hint, ...limit }
}

/** An agent that got SIGINT from elsewhere (a script, a machine that shuts down), or looks so: nobody wanted it to stay ended. */
function cutShort(verdict: Exclude<Verdict, { outcome: 'completed' }>, exit: ExitRecord | null) {
  const reason = exit ? `${verdict.reason}; nobody pressed Ctrl-C at the pane` : verdict.reason
  return { ...verdict, outcome: 'unfinished', cause: 'unfinished', reason } as const
}

function judge(ended: Ended, exit: Exit | null, driver: Pick<Driver, 'judge'>): Verdict {
  const { sessionId } = ended.summary
  if (ended.expectedSession !== null && sessionId !== null && sessionId !== ended.expectedSession) {
    return {
      outcome: 'failed',
      cause: 'wrong-session',
      reason: `the agent opened conversation ${sessionId} instead of ${ended.expectedSession}`,
      hint: 'Nothing was continued. Look at the logs before you resume again.',
    }
  }
  const { summary, stderrTail } = ended
  const recordedMs = Date.parse(ended.exit?.endedAt ?? '')
  const endedMs = Number.isNaN(recordedMs) ? ended.endedMs : recordedMs
  return driver.judge({ summary, exit, stderrTail, ...(endedMs === undefined ? {} : { endedMs }) })
}

/** A verdict with what only its reading of the output tells. */
export type Concluded = Conclusion & { readonly sessionId: string | null; readonly counted: Counted }

/** Reads what an attempt left behind and judges it. Reads of its output what was not noted down; writes nothing. */
export async function concludeAttempt(
  dir: string,
  spec: Spec,
  driver: Driver,
  attempt: AttemptRecord,
  killRequested: boolean,
): Promise<Concluded> {
  const { claim } = attempt
  const { summary, counted } = await summarizeAttempt(dir, driver, attempt, true)
  const ended: Ended = {
    attempt: attempt.number,
    exit: attempt.exit,
    summary,
    stderrTail: readTail(files.stderr(dir), claim?.stderrOffset ?? 0, 8_192),
    expectedSession: claim?.sessionId ?? spec.presetSessionId,
    killRequested,
    // An attempt that nobody recorded may be found much later: its last words were said when it last printed any.
    endedMs: attempt.exitAt === null ? lastOutputMs(dir) || Date.now() : Date.parse(attempt.exitAt),
  }
  return { ...conclude(ended, driver), sessionId: summary.sessionId, counted }
}
