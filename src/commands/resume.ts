import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Driver, ResumePlan } from '../agents/driver.ts'
import { driverFor } from '../agents/index.ts'
import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { abandon, findBinary, type Launch, launchAttempt, launchRequest } from '../launch/launch.ts'
import { untilRunning } from '../launch/startup.ts'
import { reachShell } from '../launch/terminal.ts'
import { writeDurable } from '../system/durable.ts'
import { isAlive } from '../system/identity.ts'
import { endAll } from '../system/processes.ts'
import { run } from '../system/run.ts'
import { attemptNumbers, readAttempt } from '../task/attempt.ts'
import { formatEnvironment, resumeEnvironment } from '../task/environment.ts'
import { type TaskJson, taskJson } from '../task/json.ts'
import { appendJournal } from '../task/journal.ts'
import { acquireLock } from '../task/lock.ts'
import { type Observed, observe } from '../task/observe.ts'
import { sizeOf, summarizeOutput, WHOLE } from '../task/output.ts'
import { files } from '../task/paths.ts'
import { unfinishedProcesses } from '../task/processes.ts'
import type { Spec } from '../task/schema.ts'
import { rememberSession, settle } from '../task/settle.ts'
import { isLive, phaseOf } from '../task/state.ts'
import { findTask, readEnvironment, readTask, requireSpec, type Stored } from '../task/store.ts'
import type { SessionInput } from '../tmux/command.ts'
import { ensureSocketDirectory } from '../tmux/server.ts'

export interface ResumeOptions {
  /** A follow-up for the conversation; null: go on where it stopped. */
  readonly prompt: string | null
  readonly env: readonly string[]
  readonly graceMs: number
}

export interface ResumeResult {
  readonly task: TaskJson
  /** False: there was nothing to do; `note` says why. */
  readonly resumed: boolean
  readonly note: string | null
}

/** What an interrupted conversation is told. */
export const CONTINUE_PROMPT =
  'The previous run was interrupted. Continue the task from where it stopped; look at what is done before you repeat a step.'

/** Goes on with the task's own conversation. Nothing is done, successfully, where the agent runs or the task is done. */
export async function resume(name: string, options: ResumeOptions, context: Context): Promise<ResumeResult> {
  const found = findTask(context.state, name)
  const spec = requireSpec(found)
  const lock = await acquireLock(context.state, found.session, 'rca resume', 20_000)
  let launched: Launched
  try {
    const task = await atRest(found)
    const nothing = nothingToDo(task, options)
    if (nothing) return { task: taskJson(task), resumed: false, note: nothing }
    launched = await launchNext(task, spec, options, context)
  } finally {
    lock.release()
  }
  return confirm(launched, context)
}

/** The task once an ending attempt has ended: its agent is gone and its launch script is writing the record. */
async function atRest(found: Stored): Promise<Observed> {
  const until = Date.now() + 10_000
  for (;;) {
    const task = await settle(readTask(found.dir) ?? found)
    const { evidence } = task
    if (!evidence || evidence.agentAlive || Date.now() > until) return task
    if (phaseOf(evidence, Date.now()) !== 'working') return task
    await sleep(10)
  }
}

/** Why nothing is to be done, or null. Throws where something else is wrong. Pure. */
function nothingToDo(task: Observed, options: ResumeOptions): string | null {
  const { state } = task.derived
  if (state === 'unknown') {
    throw new RcaError('unknown-state', `${task.session}: ${task.derived.reason}`, `Nothing was touched. Look at ${task.dir}.`)
  }
  if (isLive(state)) {
    if (options.prompt === null) return `${task.session} is ${state}; nothing to do`
    throw new RcaError('conflict', `${task.session} is ${state}: a follow-up has to wait for its end`, 'See: rca wait')
  }
  if (state === 'done' && options.prompt === null) return `${task.session} is done; -p continues the conversation`
  return null
}

interface Launched {
  readonly dir: string
  readonly attempt: number
  readonly begun: 'begun' | 'over'
  readonly driver: Driver
  readonly eventsOffset: number
  readonly note: string | null
}

/** Ends what is left of the earlier attempts, asks the driver how to go on, and launches. */
async function launchNext(task: Observed, spec: Spec, options: ResumeOptions, context: Context): Promise<Launched> {
  if (!existsSync(spec.cwd)) throw new RcaError('failed', `The project folder ${spec.cwd} is gone`, 'Put it back, then resume.')
  const driver = await driverFor(spec.agent)
  const env = resumeEnvironment(driver, readEnvironment(task.dir), context.env, options.env)
  const binary = findBinary(driver, env.PATH ?? '', spec.cwd)
  await clearGround(task, spec, options, context)
  const request = launchRequest(spec, task.dir, env)
  const summary = summarizeOutput(task.dir, driver, WHOLE)
  const known = task.derived.agentSessionId ?? summary.sessionId
  const plan = await driver.planResume(request, known, summary, run)
  if (plan.kind === 'impossible') throw new RcaError('failed', `${task.session} cannot be resumed: ${plan.why}`, plan.hint)
  writeDurable(files.env(task.dir), formatEnvironment(env))
  const attempt = (attemptNumbers(task.dir).at(-1) ?? 0) + 1
  const eventsOffset = sizeOf(files.events(task.dir))
  const launch = { ...(await asLaunch(plan, driver, request, options)), dir: task.dir, spec, attempt, binary }
  noteRepair(task, attempt, plan)
  const tmux = context.tmuxAt(spec.terminal.socket)
  ensureSocketDirectory(tmux.socket, context.uid)
  const reach = (input: SessionInput) => reachShell(tmux, input, context.env)
  const begun = await launchAttempt(launch, context, reach)
  return { dir: task.dir, attempt, begun, driver, eventsOffset, note: noteOf(plan) }
}

/** Nothing of an earlier attempt may be alive, or able to begin, when the next one does. */
async function clearGround(task: Observed, spec: Spec, options: ResumeOptions, context: Context): Promise<void> {
  for (const number of attemptNumbers(task.dir)) {
    if (readAttempt(task.dir, number).begun === 'no') abandon(task.dir, number)
  }
  const launcher = task.evidence?.record.launcher ?? lastLauncher(task)
  const until = Date.now() + 5_000
  while (launcher && isAlive(launcher) && Date.now() < until) await sleep(5)
  const find = () => unfinishedProcesses(spec, task.journal.entries)
  const count = find().length
  if (count > 0) context.progress(`ending ${count} processes that the earlier attempt left`)
  const left = await endAll(find, options)
  context.progress(null)
  if (left.length === 0) return
  const pids = left.map((one) => one.pid).join(', ')
  throw new RcaError('failed', `${task.session}: processes of the earlier attempt would not die (pid ${pids})`)
}

function lastLauncher(task: Observed) {
  const last = attemptNumbers(task.dir).at(-1)
  return last === undefined ? null : readAttempt(task.dir, last).launcher
}

async function asLaunch(
  plan: Exclude<ResumePlan, { kind: 'impossible' }>,
  driver: Driver,
  request: ReturnType<typeof launchRequest>,
  options: ResumeOptions,
): Promise<Pick<Launch, 'how' | 'sessionId' | 'invocation' | 'prompt'>> {
  if (plan.kind === 'resume') {
    const invocation = driver.resume(request, plan.sessionId)
    return { how: 'resume', sessionId: plan.sessionId, invocation, prompt: options.prompt ?? CONTINUE_PROMPT }
  }
  if (options.prompt !== null) {
    throw new RcaError('conflict', `There is no conversation to follow up: ${plan.why}`, 'Resume without -p starts it.')
  }
  const sessionId = plan.sessionId
  return { how: 'restart', sessionId, invocation: driver.start(request, sessionId), prompt: null }
}

function noteOf(plan: ResumePlan): string | null {
  return plan.kind === 'resume' ? plan.note : plan.kind === 'restart' ? `started over: ${plan.why}` : null
}

function noteRepair(task: Observed, attempt: number, plan: ResumePlan): void {
  const what = noteOf(plan)
  if (what !== null) appendJournal(task.dir, { type: 'repaired', attempt, what })
}

/** Waits until the agent is known to run. Throws the agent's own words where it is over already and did not end well. */
async function confirm(launched: Launched, context: Context): Promise<ResumeResult> {
  const { dir, attempt, driver, note } = launched
  context.progress(`waiting for ${driver.name} to go on`)
  const startup =
    launched.begun === 'over'
      ? ({ kind: 'over' } as const)
      : await untilRunning(dir, attempt, launched.eventsOffset, driver)
  context.progress(null)
  const stored = readTask(dir)
  if (!stored) throw new RcaError('unknown-state', `The task directory ${dir} is gone`)
  if (startup.kind === 'running') {
    const expected = readAttempt(dir, attempt).claim?.sessionId ?? null
    if (expected !== null && startup.sessionId !== null && startup.sessionId !== expected) {
      throw await endStranger(stored, expected, startup.sessionId)
    }
    if (expected === null) rememberSession(stored, startup.sessionId, attempt)
    return { task: taskJson(await observe(readTask(dir) ?? stored, context.now())), resumed: true, note }
  }
  const task = await settle(stored)
  if (task.derived.state === 'done') return { task: taskJson(task), resumed: true, note }
  throw new RcaError(
    'failed',
    `${task.session} did not go on: ${task.derived.reason ?? task.derived.state}`,
    task.derived.hint ?? `See: rca logs ${task.session}`,
  )
}

/** An agent that quietly opened another conversation is ended: that is a failure, not a resume. */
async function endStranger(task: Stored, expected: string, opened: string): Promise<RcaError> {
  const spec = requireSpec(task)
  await endAll(() => unfinishedProcesses(spec, task.journal.entries), { graceMs: 2_000 })
  await atRest(task)
  return new RcaError(
    'failed',
    `${task.session}: the agent opened conversation ${opened} instead of ${expected} and was ended`,
    'The id of the right one is kept. Look at the logs before you resume again.',
  )
}
