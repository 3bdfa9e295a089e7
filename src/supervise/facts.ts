import { driverFor } from '../agents/index.ts'
import { oneLine } from '../render/text.ts'
import { ownIdentity } from '../system/identity.ts'
import { type Activity, readActivity, retryingSince } from '../task/activity.ts'
import { isKillOpen, newestClaim, ofType, stallNoted } from '../task/entries.ts'
import type { Observed } from '../task/observe.ts'
import { lastOutputMs, sizeOf } from '../task/output.ts'
import { files } from '../task/paths.ts'
import { policyOf } from '../task/policy.ts'
import type { Spec } from '../task/schema.ts'
import { phaseOf, silentSince } from '../task/state.ts'
import type { TaskFacts } from './decide.ts'

/** What one observer remembers of a task from look to look, by a clock that nobody sets (ms). */
export interface Remembered {
  readonly waitedMs: number
  readonly lingeringMs: number
}

export const NOTHING_REMEMBERED: Remembered = { waitedMs: 0, lingeringMs: 0 }

/** Gathers what a decision rests on. Reads the end of the output of an agent that runs; writes nothing else than that note. */
export async function factsOf(
  task: Observed,
  spec: Spec,
  remembered: Remembered,
  nowMs: number,
): Promise<TaskFacts> {
  const { evidence } = task
  const works = evidence?.agentAlive && phaseOf(evidence, nowMs) === 'working'
  const activity = works ? await activityOf(task, spec, nowMs) : null
  const progress = activity && progressOf(task, spec, activity.latest, nowMs)
  const facts = { ...gather(task, spec, remembered, activity, nowMs), progress }
  return { ...facts, claimantAlive: facts.claimantAlive && !isOwnClaim(evidence) }
}

/** One look at a task at a time: what this process has claimed and not launched (a full disk) it is not launching any more. */
function isOwnClaim(evidence: Observed['evidence']): boolean {
  const claimant = evidence?.record.claim?.claimant
  return claimant?.pid === process.pid && claimant.start === ownIdentity().start
}

/** What was seen of a task, as far as a decision rests on it. */
export type Seen = Pick<Observed, 'derived' | 'evidence' | 'pending' | 'journal'>

/** The same from what the agent, if one runs, was last seen doing. Pure. */
export function gather(
  task: Seen,
  spec: Spec,
  remembered: Remembered,
  activity: TaskFacts['activity'],
  nowMs: number,
): TaskFacts {
  const { evidence, derived } = task
  const claimedAt = evidence?.record.claim?.claimedAt ?? spec.createdAt
  return {
    state: derived.state,
    phase: evidence && phaseOf(evidence, nowMs),
    next: derived.next,
    unrecorded: task.pending !== null,
    claimantAlive: evidence?.claimantAlive ?? false,
    launcherAlive: evidence?.launcherAlive ?? false,
    agentAlive: evidence?.agentAlive ?? false,
    ageMs: nowMs - Date.parse(claimedAt),
    killAsked: isKillOpen(task.journal.entries),
    noted: noted(task),
    policy: policyOf(spec),
    activity,
    progress: null,
    ...remembered,
    nowMs,
  }
}

/** What the journal says already since the newest claim. */
function noted({ journal: { entries }, evidence }: Seen): TaskFacts['noted'] {
  const claim = newestClaim(entries)
  const since = entries.slice(claim + 1)
  return {
    gaveUp: ofType(since, 'gave-up').length > 0,
    until: ofType(since, 'waiting').at(-1)?.until ?? null,
    stalled: evidence !== null && stallNoted(entries, evidence.record.number) !== null,
  }
}

/** What is new to those who want to hear of progress. */
function progressOf(
  { dir, journal, evidence }: Observed,
  spec: Spec,
  latest: string | null,
  nowMs: number,
): TaskFacts['progress'] {
  if (!spec.notify?.channels.some(({ on }) => on.includes('progress')) || !evidence) return null
  const attempt = evidence.record.number
  const told = ofType(journal.entries, 'progress').findLast((one) => one.attempt === attempt)
  const since = Date.parse(told?.at ?? evidence.record.claim?.claimedAt ?? '')
  const text = latest === null ? null : oneLine(latest, PROGRESS_LENGTH)
  const isNews = text !== told?.text && sizeOf(files.events(dir)) !== told?.eventsBytes
  return { sinceMs: nowMs - since, everyMs: spec.notify.progressEveryMs, news: isNews ? text : null }
}

/** So much of what an agent said last goes into the journal, characters. */
const PROGRESS_LENGTH = 500

type Doing = NonNullable<TaskFacts['activity']> & Pick<Activity, 'latest'>

async function activityOf(task: Observed, spec: Spec, nowMs: number): Promise<Doing | null> {
  const { evidence, journal, problems } = task
  if (!evidence) return null
  const driver = await driverFor(spec.agent)
  const activity = readActivity(task.dir, driver, evidence.record.claim?.eventsOffset ?? 0)
  const lastMs = workedAt(task.dir, activity)
  const facts = { spec, entries: journal.entries, problems, evidence, lastOutputMs: lastMs, nowMs }
  const silentMs = Math.max(0, nowMs - silentSince(facts))
  return { finished: activity.finished, silentMs, doing: activity.doing, latest: activity.latest }
}

function workedAt(dir: string, activity: Activity): number {
  const outputMs = lastOutputMs(dir)
  return activity.retrying === null ? outputMs : retryingSince(dir, activity.workEnd, outputMs)
}
