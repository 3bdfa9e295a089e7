import { readFileSync, rmSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Access, AgentName, Driver } from '../agents/driver.ts'
import { driverFor } from '../agents/index.ts'
import type { Context } from '../context.ts'
import { errno, RcaError } from '../errors.ts'
import { confirm } from '../launch/confirm.ts'
import { abandonUnbegun, findBinary, launchAttempt, launchRequest, prepare } from '../launch/launch.ts'
import type { Launched } from '../launch/startup.ts'
import { openSession } from '../launch/terminal.ts'
import { ensurePrivateDirectory } from '../system/durable.ts'
import { captureEnvironment } from '../task/environment.ts'
import { type TaskJson, taskJson } from '../task/json.ts'
import { acquireLock } from '../task/lock.ts'
import { sessionName } from '../task/names.ts'
import type { Observed } from '../task/observe.ts'
import { tasksDirectory } from '../task/paths.ts'
import { settle } from '../task/settle.ts'
import { isLive } from '../task/state.ts'
import { createTask, type NewTask, readTask, sha256, tasksOfSession } from '../task/store.ts'
import { killSession, newSession, type SessionInput } from '../tmux/command.ts'
import { endTask } from './kill.ts'

export interface StartOptions {
  readonly agent: AgentName
  readonly task: string
  readonly cwd: string | null
  readonly prompt: string | null
  readonly promptFile: string | null
  readonly access: Access
  readonly agentArgs: readonly string[]
  readonly env: readonly string[]
  readonly stallAfterMs: number | null
  readonly ifExists: 'fail' | 'reuse' | 'replace'
}

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
  let launched: Launched
  try {
    const existing = await settleExisting(options, plan.wanted, session, context)
    if (existing) return { task: taskJson(existing), created: false }
    launched = await launchFirst(plan, context)
  } finally {
    lock.release()
  }
  const failed = (task: Observed) => closeFailedSession(task, context)
  return { task: taskJson(await confirm(launched, { to: 'start', failed }, context)), created: true }
}

interface StartPlan {
  readonly driver: Driver
  readonly wanted: NewTask
  readonly binary: string
}

/** Checks everything that can be checked before anything is made. */
async function planStart(options: StartOptions, context: Context): Promise<StartPlan> {
  const cwd = projectDirectory(options.cwd, context.cwd)
  const prompt = await readPrompt(options, context)
  const driver = await driverFor(options.agent)
  const env = captureEnvironment(driver, context.env, options.env)
  const { agent, task, access, agentArgs, stallAfterMs } = options
  const wanted = {
    agent,
    task,
    cwd,
    access,
    agentArgs,
    env,
    prompt,
    stallAfterMs,
    socket: context.tmux.socket,
  }
  const request = launchRequest(
    { session: sessionName(agent, task), cwd, access, agentArgs: [...agentArgs], id: '' },
    '',
    env,
    prompt,
  )
  const refused = driver.refuse(request, prompt)
  if (refused) throw new RcaError('usage', refused.message, refused.hint)
  return { driver, wanted, binary: findBinary(driver, env.PATH ?? '', cwd) }
}

function projectDirectory(option: string | null, cwd: string): string {
  const path = resolve(cwd, option ?? '.')
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) throw new RcaError('usage', `There is no folder ${path}`, 'Give an existing one with -C.')
  if (!stat.isDirectory())
    throw new RcaError('usage', `${path} is not a folder`, 'Give the project folder with -C.')
  if (path.includes('\n')) throw new RcaError('usage', 'The path of the project folder holds a line break')
  return path
}

async function readPrompt(options: StartOptions, context: Context): Promise<Uint8Array> {
  const { prompt, promptFile } = options
  if (prompt !== null && promptFile !== null)
    throw new RcaError('usage', 'Give the prompt once: with -p or with -f')
  if (prompt === null && promptFile === null) {
    throw new RcaError(
      'usage',
      'There is no prompt',
      'Give it with -p TEXT or -f FILE (- is standard input).',
    )
  }
  const bytes = prompt !== null ? Buffer.from(prompt) : await readPromptFile(promptFile ?? '-', context)
  if (/^\s*$/.test(new TextDecoder().decode(bytes.subarray(0, 65_536))) && bytes.length < 65_536) {
    throw new RcaError('usage', 'The prompt is empty', 'Say what the agent is to do.')
  }
  return bytes
}

async function readPromptFile(file: string, context: Context): Promise<Uint8Array> {
  if (file === '-') return context.readStdin()
  const path = resolve(context.cwd, file)
  try {
    return readFileSync(path)
  } catch (error) {
    const why = { ENOENT: 'does not exist', EISDIR: 'is a directory', EACCES: 'may not be read' }[
      errno(error) ?? ''
    ]
    throw new RcaError('usage', `The prompt file ${path} ${why ?? `cannot be read (${errno(error)})`}`)
  }
}

/**
 * What to do about an earlier task of this name. Null: the name is free (an ended task's records stay where they are).
 * Throws `conflict` where it may not be used.
 */
async function settleExisting(options: StartOptions, wanted: NewTask, session: string, context: Context) {
  const newest = tasksOfSession(context.state, session)[0]
  if (!newest) return null
  abandonUnbegun(newest.dir)
  const task = await settle(readTask(newest.dir) ?? newest)
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
  const same = task.spec?.promptSha256 === sha256(wanted.prompt) && task.spec.cwd === wanted.cwd
  if (same) return task
  throw new RcaError(
    'conflict',
    `${task.session} exists with another prompt or folder`,
    'Choose another name, or --if-exists replace.',
  )
}

async function launchFirst(plan: StartPlan, context: Context): Promise<Launched> {
  const { driver, wanted, binary } = plan
  const preset = (dir: string, id: string) =>
    driver.presetSession(launchRequest(asSpec(wanted, id), dir, wanted.env, wanted.prompt))
  const { dir, spec } = await createTask(context.state, wanted, preset)
  const request = launchRequest(spec, dir, wanted.env, wanted.prompt)
  const invocation = driver.start(request, spec.presetSessionId)
  const launch = {
    dir,
    spec,
    attempt: 1,
    how: 'start',
    sessionId: spec.presetSessionId,
    prompt: null,
  } as const
  try {
    const reach = (input: SessionInput) => openSession(context.tmux, input, context.env)
    const begun = await launchAttempt({ ...launch, invocation, binary }, context, reach)
    return { dir, attempt: 1, begun, driver, eventsOffset: 0 }
  } catch (error) {
    // The attempt was called off: nothing can ever run from this directory.
    rmSync(dir, { recursive: true, force: true })
    throw error
  }
}

function asSpec(wanted: NewTask, id: string) {
  const { agent, task, cwd, access, agentArgs } = wanted
  return { session: sessionName(agent, task), cwd, access, agentArgs: [...agentArgs], id }
}

function closeFailedSession(task: Observed, context: Context): void {
  const rows = context.tmux.panes().filter((row) => row.session === task.session)
  if (rows[0]?.mark === task.dir) context.tmux.call(killSession(task.session))
}

export interface DryRun {
  readonly tmux: readonly string[]
  readonly launchScript: string
  readonly agentScript: string
}

/** What a start would do, having done nothing: the tmux call and the scripts, with a made-up task directory and id. */
export async function dryRun(options: StartOptions, context: Context): Promise<DryRun> {
  const { driver, wanted, binary } = await planStart(options, context)
  const id = '00000000-0000-4000-8000-000000000000'
  const session = sessionName(wanted.agent, wanted.task)
  const dir = `${tasksDirectory(context.state)}/${session}.XXXXXX`
  const spec = {
    ...asSpec(wanted, id),
    schema: 1,
    agent: wanted.agent,
    task: wanted.task,
    env: Object.keys(wanted.env),
    policy: { stallAfterMs: wanted.stallAfterMs },
    promptSha256: sha256(wanted.prompt),
    presetSessionId: null,
    terminal: { kind: 'tmux', socket: wanted.socket },
    createdAt: '',
    host: '',
    rca: '',
  } as const
  const invocation = driver.start(launchRequest(spec, dir, wanted.env, wanted.prompt), id)
  const launch = {
    dir,
    spec,
    attempt: 1,
    how: 'start',
    sessionId: null,
    invocation,
    prompt: null,
    binary,
  } as const
  const { content, session: input } = prepare(launch, context.self)
  return {
    tmux: ['tmux', '-S', wanted.socket, ...newSession(input)],
    launchScript: content.launch,
    agentScript: content.agent,
  }
}
