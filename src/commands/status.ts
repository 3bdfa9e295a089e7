import type { Usage } from '../agents/event.ts'
import { driverFor } from '../agents/index.ts'
import type { Context } from '../context.ts'
import { howIn } from '../launch/fallback.ts'
import { ledgerOf } from '../notify/ledger.ts'
import { runningMonitor } from '../supervise/presence.ts'
import { comingOf, type Death, deathsOf, type NextJson } from '../supervise/why.ts'
import { type Activity, readActivity } from '../task/activity.ts'
import { type AttemptRecord, attemptNumbers, readAttempt } from '../task/attempt.ts'
import { exitOf } from '../task/conclude.ts'
import { firstOfEach, ofType } from '../task/entries.ts'
import type { FollowUp } from '../task/follow-ups.ts'
import { type TaskJson, taskJson } from '../task/json.ts'
import { type Observed, observe } from '../task/observe.ts'
import { type Policy, policyOf } from '../task/policy.ts'
import { survivors } from '../task/processes.ts'
import type { EntryOf } from '../task/schema.ts'
import { findTask } from '../task/store.ts'
import { tallies } from '../task/summarize.ts'
import { joined, NOTHING_SAID, summaryOf, type Tally } from '../task/tally.ts'
import { terminalOf } from '../task/terminal.ts'
import { totalUsage } from '../task/usage.ts'
import { requireTerminal } from '../terminal/of-task.ts'
import type { SessionSeen } from '../terminal/terminal.ts'

interface AttemptJson {
  readonly number: number
  readonly how: string | null
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly outcome: string | null
  readonly exit: TaskJson['exit']
  readonly reason: string | null
}

interface MonitorJson {
  readonly running: boolean
  readonly pid: number | null
  readonly version: string | null
  readonly since: string | null
  readonly origin: string | null
}

/** One notice on one channel, with nothing of the channel that is secret. */
interface NoticeJson {
  readonly id: string
  readonly event: string
  readonly at: string
  readonly channel: string
  readonly type: string
  readonly state: 'pending' | 'delivered' | 'gave-up'
  readonly tries: number
  /** When it was tried last; of one that was delivered: when. */
  readonly triedAt: string | null
  /** Why the last try came to nothing; of one that was delivered: a remark. */
  readonly error: string | null
  readonly nextAt: string | null
  /** What keeps it from being delivered by itself. */
  readonly blockedBy: 'no-monitor' | null
}

export interface StatusJson extends TaskJson {
  /** What becomes of it by itself, and when. */
  readonly next: NextJson
  /** The tally of attempts that did not end well, the oldest first. */
  readonly deaths: readonly Death[]
  /** What an agent that runs was last seen doing, in words. */
  readonly doing: string | null
  /** What was sent to it, the first sent first. */
  readonly followUps: readonly FollowUp[]
  readonly policy: Policy | null
  /** Who would go on with it. */
  readonly monitor: MonitorJson
  readonly attemptList: readonly AttemptJson[]
  /** What the verdict rests on, one line each, for people. */
  readonly evidence: readonly string[]
  /** Everything that is alive of the task. */
  readonly processes: readonly { readonly pid: number; readonly command: string }[]
  readonly session: SessionSeen | null
  /** Who is to hear of what, and whether they have: the oldest first, by channel. */
  readonly notices: readonly NoticeJson[]
  /** Records that cannot be read. */
  readonly problems: readonly string[]
  readonly lastMessage: string | null
}

/** Everything that is known of a task, with the evidence for its state. Writes nothing. */
export async function status(name: string, context: Context): Promise<StatusJson> {
  const nowMs = context.now()
  const task = await observe(findTask(context.state, name), nowMs)
  const attempts = attemptNumbers(task.dir).map((number) => readAttempt(task.dir, number))
  const processes = task.spec ? survivors(task.spec) : []
  const session = task.spec && (await requireTerminal(task, context).session(task))
  const problems = [...task.problems, ...attempts.flatMap((record) => record.problems)]
  const said = task.spec ? await tallies(task.dir, await driverFor(task.spec.agent), false) : []
  const told = task.spec && summaryOf(said.map(({ tally }) => tally).reduce(joined, NOTHING_SAID))
  const activity = await activityOf(task)
  const monitor = monitorJson(context)
  const json = taskJson(task)
  return {
    ...json,
    agentSessionId: json.agentSessionId ?? told?.sessionId ?? null,
    denials: told?.denials ?? json.denials,
    usage: usageSoFar(task, said),
    next: comingOf({
      derived: task.derived,
      finishedMs: activity?.finished ? Date.parse(task.lastActivityAt ?? '') || nowMs : null,
      monitorRuns: monitor.running,
      nowMs,
    }),
    deaths: deathsOf(task.derived.history?.entries ?? task.journal.entries),
    doing: activity?.doing ?? null,
    followUps: task.derived.followUps,
    policy: task.spec && policyOf(task.spec),
    monitor,
    lastMessage: told?.lastMessage ?? null,
    attemptList: attempts.map((record) => attemptJson(record, task)),
    evidence: [...evidenceLines(task, processes.length, session), ...problems],
    processes: processes.map(({ pid, command }) => ({ pid, command })),
    session,
    notices: noticesOf(task, monitor.running),
    problems,
  }
}

/** With what the attempt that runs has said of itself. */
function usageSoFar(task: Observed, said: readonly { attempt: number; tally: Tally }[]): Usage | null {
  const { spec, evidence, derived, journal } = task
  const running = said.find(({ attempt }) => attempt === evidence?.record.number)
  if (!spec || !evidence || evidence.conclusion || !running) return derived.usage
  const { attempt, tally } = running
  const { usage, usageIsCumulative } = tally.summary
  const ended = firstOfEach(ofType(journal.entries, 'attempt-ended'))
  return totalUsage([...ended, { attempt, usage, usageIsCumulative }], journal.entries)
}

function noticesOf({ spec, journal }: Observed, monitorRuns: boolean): NoticeJson[] {
  return ledgerOf(spec, journal.entries).map(({ notice, channel, state, tries, triedAt, error, dueMs }) => ({
    id: notice.id,
    event: notice.event,
    at: notice.at,
    channel: channel.name,
    type: channel.type,
    state,
    tries,
    triedAt,
    error,
    nextAt: dueMs === null ? null : new Date(dueMs || Date.parse(notice.at)).toISOString(),
    blockedBy: state === 'pending' && !monitorRuns ? 'no-monitor' : null,
  }))
}

/** Of an agent that runs. */
async function activityOf({ spec, dir, evidence }: Observed): Promise<Activity | null> {
  if (!spec || !evidence?.agentAlive) return null
  return readActivity(dir, await driverFor(spec.agent), evidence.record.claim?.eventsOffset ?? 0)
}

function monitorJson(context: Context): MonitorJson {
  const monitor = runningMonitor(context.state)
  const { pid = null, version = null, since = null, origin = null } = monitor ?? {}
  return { running: monitor !== null, pid, version, since, origin }
}

function attemptJson(record: AttemptRecord, task: Observed): AttemptJson {
  const end: Partial<EntryOf<'attempt-ended'>> | undefined =
    ofType(task.journal.entries, 'attempt-ended').find((one) => one.attempt === record.number) ??
    (task.pending?.attempt === record.number ? { ...task.pending, denials: [] } : undefined)
  return {
    number: record.number,
    how: record.claim?.how ?? null,
    startedAt: record.claim?.claimedAt ?? null,
    endedAt: record.exitAt ?? end?.at ?? null,
    outcome: end?.outcome ?? null,
    exit: end?.exit ?? (record.exit ? exitOf(record.exit.code) : null),
    reason: end?.reason ?? null,
  }
}

/** What was seen, in words. Pure. */
function evidenceLines(task: Observed, processes: number, session: StatusJson['session']): string[] {
  const lines: string[] = []
  const record = task.evidence?.record
  if (record) lines.push(...recordLines(record, task.evidence))
  else lines.push(...endLines(task))
  lines.push(processes === 0 ? 'no process of it is alive' : `${processes} of its processes are alive`)
  const { kind } = terminalOf(task) ?? { kind: 'tmux' }
  if (session) lines.push(`its ${kind} session is ${session.exists ? 'there' : 'gone'}`)
  for (const { attempt, terminal, reason } of ofType(task.journal.entries, 'terminal-changed'))
    lines.push(`from attempt ${attempt} on it runs ${howIn(terminal)}: ${reason}`)
  return lines
}

function recordLines(record: AttemptRecord, evidence: Observed['evidence']): string[] {
  const lines = [`attempt ${record.number}: ${gate(record)}`]
  if (record.agent) {
    const alive = evidence?.agentAlive ? 'is alive' : 'has ended'
    lines.push(`agent process ${record.agent.pid} (start ${record.agent.start}) ${alive}`)
  }
  if (record.exit)
    lines.push(`exit record: code ${record.exit.code}${record.exit.interrupted ? ', interrupted' : ''}`)
  else if (record.launcher)
    lines.push(`no exit record; launch script ${evidence?.launcherAlive ? 'alive' : 'gone'}`)
  return lines
}

function gate(record: AttemptRecord): string {
  if (record.begun === 'launched') return 'its launch script ran'
  return record.begun === 'no' ? 'its launch script has not run' : 'was called off'
}

function endLines(task: Observed): string[] {
  const end = ofType(task.journal.entries, 'attempt-ended').at(-1)
  if (!end) return ['no attempt was made']
  const exit =
    end.exit === null ? 'no exit record' : 'code' in end.exit ? `exit code ${end.exit.code}` : end.exit.signal
  return [`attempt ${end.attempt}: ${end.outcome} (${exit})`]
}
