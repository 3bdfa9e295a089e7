import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Driver, LaunchRequest, ResumePlan, Said } from '../agents/driver.ts'
import { driverFor } from '../agents/index.ts'
import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { readOwn, writeDurable } from '../system/durable.ts'
import { isAlive } from '../system/identity.ts'
import { pausePoint } from '../system/pause.ts'
import { run } from '../system/run.ts'
import { attemptNumbers, readAttempt, sweepLaunch } from '../task/attempt.ts'
import { formatEnvironment, resumeEnvironment } from '../task/environment.ts'
import { readFollowUp } from '../task/follow-up-store.ts'
import { type FollowUp, followUpDue } from '../task/follow-ups.ts'
import { appendJournal } from '../task/journal.ts'
import type { Observed } from '../task/observe.ts'
import { sizeOf } from '../task/output.ts'
import { attemptFiles, files } from '../task/paths.ts'
import { endUnfinished } from '../task/processes.ts'
import { markReopened } from '../task/reopened.ts'
import type { Spec } from '../task/schema.ts'
import { isLive } from '../task/states.ts'
import { readEnvironment, type Stored } from '../task/store.ts'
import { summarizeAttempt, summarizeTask } from '../task/summarize.ts'
import { terminalOf } from '../task/terminal.ts'
import { isInstalled, terminalsAfter } from '../terminal/choice.ts'
import { launchOnFirst, type Places } from './fallback.ts'
import { handOver, isWaiting } from './handover.ts'
import { findCommand, type Launch, launchRequest } from './launch.ts'
import type { Launched } from './startup.ts'

/** What an interrupted conversation is told. */
const CONTINUE_PROMPT =
  'The previous run was interrupted. Continue the task from where it stopped; look at what is done before you repeat a step.'

export interface RecoverOptions {
  /** What to tell the conversation; null: the follow-up whose turn it is, or to go on. */
  readonly prompt: string | null
  /** The follow-up that is delivered, whatever became of the turn before it. */
  readonly followUp?: FollowUp
  readonly env: readonly string[]
  /** Whose values the agent's own variables get; empty: those that were captured at the start. */
  readonly caller: Context['env']
  readonly by: 'person' | 'monitor'
  /** Between asking and forcing what is left of earlier attempts to end, ms. */
  readonly graceMs: number
}

/**
 * Makes the next attempt of a task whose last one is over: ends what is left of the earlier ones, asks the driver how to go
 * on, and launches. Whoever calls holds the lock of the session, has called off what had not begun and seen that nothing runs.
 */
export async function recover(
  task: Observed,
  spec: Spec,
  options: RecoverOptions,
  context: Context,
): Promise<Launched & { readonly note: string | null }> {
  if (!existsSync(spec.cwd)) {
    const gone = `The project folder ${spec.cwd} is gone`
    throw new RcaError('failed', gone, 'Put it back, then resume.', 'no-folder')
  }
  if (!isLive(task.derived.state)) markReopened(task.dir)
  const driver = await driverFor(spec.agent)
  const env = agentEnvironment(task.dir, driver, spec, options, context)
  const command = findCommand(driver, spec.command, env.PATH ?? '', spec.cwd)
  await clearGround(task, spec, options, context)
  pausePoint('ground-cleared')
  const words = await whatToSay(task, driver, options)
  const request = launchRequest(spec, task.dir, env, words.prompt)
  const said: Said = (enough) => summarizeTask(task.dir, driver, true, enough)
  const known = task.derived.agentSessionId ?? (await said((one) => one.sessionId !== null)).sessionId
  const plan = await driver.planResume(request, known, said, run)
  const way = asLaunch(task, plan, driver, request, await unlessHeld(words, plan, driver, request))
  await keepEnvironment(task, spec, env)
  // It ended well once, and that is no more the last word.
  rmSync(files.done(task.dir), { force: true })
  const earlier = lastThatRan(task.dir)
  const attempt = (attemptNumbers(task.dir).at(-1) ?? 0) + 1
  const eventsOffset = sizeOf(files.events(task.dir))
  const note = noteOf(plan)
  if (note !== null) appendJournal(task.dir, { type: 'repaired', attempt, what: note })
  const launch: Launch = { ...way, dir: task.dir, spec, attempt, command, by: options.by }
  const places = placesFor(task, spec, earlier, context)
  const begun = await launchOnFirst(launch, places, context, async (terminal, input) =>
    (await handOver(task.dir, earlier, input.attempt)) ? null : terminal.reach(input),
  )
  if (earlier > 0) sweepLaunch(task.dir, earlier)
  return { dir: task.dir, ...begun, driver, eventsOffset, note }
}

/** Where it ran last comes first; a launch script that waits there needs nothing to be installed. */
function placesFor(task: Observed, spec: Spec, earlier: number, context: Context): Places {
  const current = terminalOf(task) ?? spec.terminal
  const others = terminalsAfter(current, context)
  const usable = isInstalled(current.kind, context.env) || isWaiting(task.dir, earlier)
  return { current, candidates: usable ? [current, ...others] : others }
}

/** What the next attempt is fed. */
interface Words {
  readonly prompt: string
  /** Somebody wants this said now: begun anew, the conversation would not know what it follows. */
  readonly given: boolean
  /** Which follow-up it is. */
  readonly followUp?: number
  /** It was fed before, and its attempt showed no work. */
  readonly again?: true
}

async function whatToSay(task: Observed, driver: Driver, options: RecoverOptions): Promise<Words> {
  if (options.prompt !== null) return { prompt: options.prompt, given: true }
  const next = options.followUp ?? followUpDue(task.derived.history?.entries ?? [])
  if (next)
    return { prompt: readFollowUp(task.dir, next), given: options.followUp !== undefined, followUp: next.id }
  const left = await undelivered(task.dir, driver)
  if (left !== null) return { prompt: left, given: false, again: true }
  return { prompt: CONTINUE_PROMPT, given: false }
}

/** What its conversation holds already, without an answer, would be asked twice. */
async function unlessHeld(
  words: Words,
  plan: ResumePlan,
  driver: Driver,
  request: LaunchRequest,
): Promise<Words> {
  if (!words.again || plan.kind !== 'resume') return words
  const held = await driver.awaitsAnswer(request, plan.sessionId, words.prompt, run)
  return held ? { prompt: CONTINUE_PROMPT, given: false } : words
}

/** The newest attempt whose launch script has run: only that can still hold a pane. 0: none. */
function lastThatRan(dir: string): number {
  return attemptNumbers(dir).findLast((number) => readAttempt(dir, number).begun === 'launched') ?? 0
}

export async function keepEnvironment(
  task: Pick<Stored, 'dir' | 'journal'>,
  spec: Spec,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const path = files.env(task.dir)
  const text = formatEnvironment(env)
  if (readOwn(path) === text) return
  // Before a key is changed, without which nobody knows any more what of the old one must not be told.
  if (spec.notify) await (await import('../notify/outbox.ts')).keepNotices(task, spec)
  writeDurable(path, text)
}

export function agentEnvironment(
  dir: string,
  driver: Driver,
  spec: Pick<Spec, 'withoutEnv' | 'ownEnv'>,
  options: Pick<RecoverOptions, 'caller' | 'env'>,
  context: Context,
) {
  const stored = readEnvironment(dir)
  const caller = stored ? options.caller : context.env
  return resumeEnvironment(driver, stored, caller, options.env, spec)
}

/** Nothing of an earlier attempt may be alive when the next one begins. */
async function clearGround(
  task: Observed,
  spec: Spec,
  options: RecoverOptions,
  context: Context,
): Promise<void> {
  await launcherGone(task.dir)
  context.progress('ending what the earlier attempt left')
  const left = await endUnfinished(spec, task.journal.entries, options)
  context.progress(null)
  if (left.length === 0) return
  const pids = left.map((one) => one.pid).join(', ')
  throw new RcaError('failed', `${task.session}: processes of earlier attempts would not die (pid ${pids})`)
}

/** The last launch script frees its shell a moment after its agent's end, or waits to be told what is next. */
export async function launcherGone(dir: string): Promise<void> {
  const last = attemptNumbers(dir).at(-1)
  if (last === undefined) return
  const { launcher } = readAttempt(dir, last)
  const until = Date.now() + 5_000
  while (launcher && isAlive(launcher) && !isWaiting(dir, last) && Date.now() < until) await sleep(1)
}

/**
 * A follow-up that the last attempt was fed but cannot have got to work on: it would be lost with its attempt. One that was
 * called off has taken nothing from the queue.
 */
async function undelivered(dir: string, driver: Driver): Promise<string | null> {
  const last = attemptNumbers(dir).findLast((number) => !isBackInQueue(dir, number))
  const record = last === undefined ? null : readAttempt(dir, last)
  if (last === undefined || record?.claim?.how !== 'resume') return null
  const { messages, toolsStarted } = (await summarizeAttempt(dir, driver, record, true)).summary
  return messages === 0 && toolsStarted === 0
    ? readOwn(join(files.attempt(dir, last), attemptFiles.prompt))
    : null
}

function isBackInQueue(dir: string, number: number): boolean {
  const { claim, begun } = readAttempt(dir, number)
  return begun === 'called-off' && claim?.followUp !== undefined
}

/** Whether a text that somebody sent waits to be fed once more: it comes before all others. */
export async function hasUndelivered(dir: string, driver: Driver): Promise<boolean> {
  const left = await undelivered(dir, driver)
  return left !== null && left !== CONTINUE_PROMPT
}

function asLaunch(
  task: Observed,
  plan: ResumePlan,
  driver: Driver,
  request: LaunchRequest,
  words: Words,
): Pick<Launch, 'how' | 'sessionId' | 'invocation' | 'prompt' | 'followUp'> {
  if (plan.kind === 'impossible') {
    const why = `${task.session} cannot be resumed: ${plan.why}`
    throw new RcaError('failed', why, plan.hint, 'no-such-session')
  }
  const { sessionId } = plan
  if (plan.kind === 'resume') {
    return {
      how: 'resume',
      sessionId,
      invocation: driver.resume({ ...request, promptStart: words.prompt.slice(0, 256) }, plan.sessionId),
      prompt: words.prompt,
      ...(words.followUp === undefined ? {} : { followUp: words.followUp }),
    }
  }
  if (words.given) {
    const hint = `rca resume ${task.session} without -p starts it.`
    throw new RcaError('conflict', `There is no conversation to follow up: ${plan.why}`, hint)
  }
  const original = { ...request, promptStart: promptStart(task.dir) }
  return { how: 'restart', sessionId, invocation: driver.start(original, sessionId), prompt: null }
}

function promptStart(dir: string): string {
  return (readOwn(files.prompt(dir)) ?? '').slice(0, 256)
}

function noteOf(plan: ResumePlan): string | null {
  return plan.kind === 'resume' ? plan.note : plan.kind === 'restart' ? `started over: ${plan.why}` : null
}
