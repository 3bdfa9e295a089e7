import { driverFor } from '../agents/index.ts'
import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { attemptNumbers, readAttempt } from '../task/attempt.ts'
import { firstOfEach, ofType } from '../task/entries.ts'
import type { FollowUp } from '../task/follow-ups.ts'
import { type TaskJson, taskJson } from '../task/json.ts'
import { type Observed, observe } from '../task/observe.ts'
import { isLive } from '../task/state.ts'
import { findTask } from '../task/store.ts'
import { tallies } from '../task/summarize.ts'

/** What came of a task that has ended. Fields are only ever added. Durations in ms; unknown is null. */
export interface ResultJson
  extends Pick<
    TaskJson,
    | 'schema'
    | 'name'
    | 'agent'
    | 'task'
    | 'state'
    | 'reason'
    | 'hint'
    | 'cause'
    | 'cwd'
    | 'taskDir'
    | 'agentSessionId'
    | 'attempts'
    | 'startedAt'
    | 'endedAt'
    | 'exit'
    | 'usage'
    | 'denials'
  > {
  /** What the agent said last in its last turn. */
  readonly message: string | null
  /** From the task's start to its end. */
  readonly durationMs: number | null
  /** The attempts' own time, without the waits between them. */
  readonly workedMs: number | null
  readonly followUps: readonly FollowUp[]
}

/**
 * What came of a task. Writes nothing. Throws `conflict` where it has not ended, `unknown-state` where that cannot be known.
 */
export async function result(name: string, context: Context): Promise<ResultJson> {
  const task = await observe(findTask(context.state, name), context.now())
  const { state, reason, followUps } = task.derived
  if (isLive(state)) {
    const hint = `rca result --wait ${task.session} waits for its end.`
    throw new RcaError('conflict', `${task.session} has not ended: it is ${state}`, hint)
  }
  if (state === 'unknown') {
    throw new RcaError('unknown-state', `${task.session}: ${reason}`, `Look at ${task.dir}.`)
  }
  const json = taskJson(task)
  const { schema, agent, cause, hint, cwd, taskDir, agentSessionId, attempts, startedAt, endedAt, exit } =
    json
  return {
    ...{ schema, name: json.name, agent, task: json.task, state, reason, cause, hint, cwd, taskDir },
    ...{ agentSessionId, attempts, startedAt, endedAt, exit },
    usage: json.usage,
    denials: json.denials,
    message: await lastMessage(task),
    durationMs: between(startedAt, endedAt),
    workedMs: workedMs(task),
    followUps,
  }
}

/** Of the last turn: what was said in an earlier one answers something else. */
async function lastMessage(task: Observed): Promise<string | null> {
  if (!task.spec) return null
  const turn = attemptNumbers(task.dir)
    .map((number) => readAttempt(task.dir, number))
    .findLast((one) => one.begun === 'launched' && one.claim?.followUp !== undefined)
  const all = await tallies(task.dir, await driverFor(task.spec.agent), true)
  const said = all.filter(
    ({ attempt, tally }) => attempt >= (turn?.number ?? 0) && tally.summary.lastMessage !== null,
  )
  return said.at(-1)?.tally.summary.lastMessage ?? null
}

function workedMs({ journal: { entries }, derived }: Observed): number | null {
  const ends = firstOfEach(ofType(derived.history?.entries ?? entries, 'attempt-ended'))
  const claims = new Map(ofType(entries, 'attempt-claimed').map((one) => [one.attempt, one.at]))
  const spans = ends
    .filter((one) => one.outcome !== 'called-off')
    .map((one) => between(claims.get(one.attempt) ?? null, one.at))
    .filter((ms) => ms !== null)
  return spans.length === 0 ? null : spans.reduce((a, b) => a + b, 0)
}

/** Clocks are set back. */
function between(from: string | null, to: string | null): number | null {
  return from === null || to === null ? null : Math.max(0, Date.parse(to) - Date.parse(from))
}
