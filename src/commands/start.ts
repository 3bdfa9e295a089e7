import { rmSync } from 'node:fs'
import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { confirm } from '../launch/confirm.ts'
import { howIn, launchOnFirst } from '../launch/fallback.ts'
import { abandonUnbegun, launchRequest } from '../launch/launch.ts'
import type { Launched } from '../launch/startup.ts'
import { ensureMonitorFor } from '../supervise/spawn.ts'
import { ensurePrivateDirectory } from '../system/durable.ts'
import { childProcess } from '../system/lazy.ts'
import { pausePoint } from '../system/pause.ts'
import { attemptNumbers, readAttempt } from '../task/attempt.ts'
import { type TaskJson, taskJson } from '../task/json.ts'
import { acquireLock } from '../task/lock.ts'
import { sessionName } from '../task/names.ts'
import type { Observed } from '../task/observe.ts'
import type { EntryOf, Spec } from '../task/schema.ts'
import { settle } from '../task/settle.ts'
import { isLive } from '../task/state.ts'
import { createTask, hasPrompt, type NewTask, readTask, tasksOfSession } from '../task/store.ts'
import { closeSessions } from '../terminal/of-task.ts'
import { endTask } from './kill.ts'
import { asSpec, planStart, type StartOptions, type StartPlan } from './start-plan.ts'

export interface StartResult {
  readonly task: TaskJson
  /** False: the task was there already (`--if-exists reuse`). */
  readonly created: boolean
}

/** How long a start waits for another verb that is at work on the same session name, ms. */
const LOCK_WAIT_MS = 20_000

/** Starts a task; resolves when its agent is known to run. Throws when it is not, with nothing left running. */
export async function start(options: StartOptions, context: Context): Promise<StartResult> {
  const plan = await planStart(options, context)
  ensurePrivateDirectory(context.state)
  const session = sessionName(options.agent, options.task)
  const lock = await acquireLock(context.state, session, 'rca start', LOCK_WAIT_MS)
  try {
    pausePoint('start-locked')
    const existing = await settleExisting(options, plan.wanted, session, context)
    if (existing) {
      if (isLive(existing.derived.state)) await ensureMonitorFor(existing, context)
      return { task: taskJson(existing), created: false }
    }
    sayWhatIsMissing(session, plan, options, context)
    const launched = await launchFirst(plan, context)
    const made = readTask(launched.dir)
    if (made) await ensureMonitorFor(made, context)
    pausePoint('start-watched')
    // Under the lock, so that nobody goes on with what this reports as a failed start.
    const task = await confirm(
      launched,
      { to: 'start', failed: (task) => closeSessions(task, context), givesUpOn: diedAtOnce },
      context,
    )
    return { task: taskJson(task), created: true }
  } finally {
    lock.release()
  }
}

/**
 * An agent that fails by itself as soon as it starts, for a reason that its driver does not know, will fail again: that is
 * a failed start. (A signal comes from outside, a limit passes, and what the API answered may.)
 */
function diedAtOnce({ outcome, exit, cause }: EntryOf<'attempt-ended'>): boolean {
  return outcome === 'failed' && cause === 'crashed' && exit !== null && 'code' in exit && exit.code <= 128
}

/**
 * What to do about an earlier task of this name. Null: the name is free (an ended task's records stay where they are).
 * Throws `conflict` where it may not be used.
 */
async function settleExisting(options: StartOptions, wanted: NewTask, session: string, context: Context) {
  const tasks: Observed[] = []
  for (const { dir } of tasksOfSession(context.state, session)) {
    abandonUnbegun(dir)
    const stored = readTask(dir)
    if (stored) tasks.push(await settle(stored))
  }
  // The newest counts, or one that lives: the clock by which they were made may have been set back in between.
  const task = tasks.find((one) => isLive(one.derived.state)) ?? tasks[0]
  if (!task) return null
  const { state } = task.derived
  if (options.ifExists === 'reuse') return sameTask(task, wanted)
  if (state === 'unknown') {
    throw new RcaError(
      'unknown-state',
      `${session} exists and its state cannot be read`,
      `Look at ${task.dir}.`,
    )
  }
  if (!isLive(state) || (state === 'starting' && !task.evidence)) return null
  if (options.ifExists === 'replace') {
    await endTask(task, 'rca start --if-exists replace', context, { graceMs: 5_000 })
    return null
  }
  throw new RcaError(
    'conflict',
    `${session} is ${state} already`,
    `See: rca status ${session} (or choose another name, or --if-exists reuse or replace)`,
  )
}

/** `reuse` is for whoever cannot know whether an earlier call got through: it must have asked for the same thing. */
function sameTask(task: Observed, wanted: NewTask): Observed {
  const { spec } = task
  const same = spec?.cwd === wanted.cwd && hasPrompt(task.dir, wanted.prompt)
  if (same && mayDoTheSame(spec, wanted)) return task
  throw new RcaError(
    'conflict',
    `${task.session} exists with another ${same ? 'access' : 'prompt or folder'}`,
    'Choose another name, or --if-exists replace.',
  )
}

/** Nobody who asks for an agent that may only read is given one that may write. As given: the command's own flags say it. */
function mayDoTheSame(spec: Spec, wanted: NewTask): boolean {
  const { access } = wanted
  if (spec.access !== access) return false
  const words = ({ agentArgs, command }: Pick<NewTask, 'agentArgs' | 'command'>) =>
    JSON.stringify([agentArgs, command])
  return access !== 'as-given' || words(spec) === words(wanted)
}

async function launchFirst(plan: StartPlan, context: Context): Promise<Launched> {
  const { driver, wanted, command, terminals } = plan
  const preset = (dir: string, id: string) =>
    driver.presetSession(launchRequest(asSpec(wanted, id), dir, wanted.env, wanted.prompt))
  const making = createTask(context.state, wanted, preset)
  // While the disk is at work: it takes 3 ms to load, and the terminal is called with it.
  childProcess()
  const { dir, spec, kept } = await making
  pausePoint('task-made')
  const request = launchRequest(spec, dir, wanted.env, wanted.prompt)
  const invocation = driver.start(request, spec.presetSessionId)
  const launch = {
    dir,
    spec,
    attempt: 1,
    how: 'start',
    sessionId: spec.presetSessionId,
    prompt: null,
    by: 'person',
  } as const
  try {
    const places = { current: spec.terminal, candidates: terminals }
    const whole = { ...launch, invocation, command }
    const begun = await launchOnFirst(whole, places, context, (terminal, input) => terminal.open(input))
    await kept.catch((error: unknown) => context.warn(notKept(error)))
    return { dir, ...begun, driver, eventsOffset: 0 }
  } catch (error) {
    // Never remove what an agent may work from: only where nothing was claimed, or it was called off for good.
    const attempts = attemptNumbers(dir).map((number) => readAttempt(dir, number))
    if (attempts.every((one) => one.begun === 'called-off')) rmSync(dir, { recursive: true, force: true })
    throw error
  }
}

/** Its agent runs, whatever becomes of its record when the power goes. */
const notKept = (error: unknown) =>
  `the task may not outlive a power loss: ${error instanceof Error ? error.message : error}`

/** Without tmux it runs all the same, but not as its user may expect. */
function sayWhatIsMissing(
  session: string,
  { terminals }: StartPlan,
  options: StartOptions,
  context: Context,
): void {
  const [first] = terminals
  if (options.terminal !== null || !first || first.kind === 'tmux') return
  const missing = first.kind === 'screen' ? 'tmux is not' : 'neither tmux nor screen is'
  context.warn(`${missing} installed: ${session} runs ${howIn(first)}`)
}
