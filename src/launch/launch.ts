import { basename } from 'node:path'
import type { Driver, Invocation, LaunchRequest } from '../agents/driver.ts'
import type { Context } from '../context.ts'
import { RcaError, unless } from '../errors.ts'
import { host, ownIdentity, pidNamespace } from '../system/identity.ts'
import { pausePoint } from '../system/pause.ts'
import { which } from '../system/which.ts'
import {
  type AttemptContent,
  attemptNumbers,
  callOff,
  claimAttempt,
  hasGate,
  keepClaim,
  readAttempt,
  sweepAttempts,
} from '../task/attempt.ts'
import { appendJournal } from '../task/journal.ts'
import { sizeOf } from '../task/output.ts'
import { attemptFiles, files } from '../task/paths.ts'
import type { Claim, Spec } from '../task/schema.ts'
import type { TerminalKind } from '../terminal/kinds.ts'
import type { SessionInput, Terminal } from '../terminal/terminal.ts'
import { agentScript, cookie, launchScript, type ScriptInput, typedLine } from './script.ts'
import { untilBegun } from './startup.ts'

/** One attempt that is to be made. */
export interface Launch {
  readonly dir: string
  readonly spec: Spec
  readonly attempt: number
  readonly how: Claim['how']
  /** The agent session id that must be worked on; null: a new one. */
  readonly sessionId: string | null
  readonly invocation: Invocation
  /** Null: the task's own prompt. */
  readonly prompt: string | null
  /** What is run in place of the agent's name: the absolute path of a program, and what comes before the agent's arguments. */
  readonly command: readonly string[]
  readonly by: 'person' | 'monitor'
  /** The follow-up that `prompt` is, by its id. */
  readonly followUp?: number
}

/** What a driver may know of this task and of the prompt that it is to be fed. */
export function launchRequest(
  spec: Pick<Spec, 'session' | 'cwd' | 'access' | 'agentArgs' | 'id' | 'command'>,
  taskDir: string,
  env: Readonly<Record<string, string>>,
  prompt: Uint8Array | string,
): LaunchRequest {
  const { session, cwd, access, agentArgs, id: taskId } = spec
  const promptStart = (
    typeof prompt === 'string' ? prompt : Buffer.from(prompt.subarray(0, 1_024)).toString()
  ).slice(0, 256)
  return {
    session,
    cwd,
    taskDir,
    access,
    agentArgs,
    env,
    taskId,
    root: process.getuid?.() === 0,
    promptStart,
    ...(spec.command && { command: spec.command }),
  }
}

/**
 * What is run for the task: its own command, or the agent's binary, on the agent's own PATH. Throws `unavailable` where that
 * is not there, for the agent's binary with the command that installs it.
 */
export function findCommand(
  driver: Pick<Driver, 'binary' | 'install'>,
  command: readonly string[] | undefined,
  path: string,
  cwd: string,
): readonly string[] {
  const [program = driver.binary, ...words] = command ?? []
  const found = which(program, path, cwd)
  if (found) return [found, ...words]
  const hint = program === driver.binary ? `Install it: ${driver.install}` : null
  throw new RcaError('unavailable', `${program} is not installed (or not on PATH)`, hint, 'not-installed')
}

/** Everything that is written and typed for one attempt. Pure but for the sizes of the output so far. */
export function prepare(
  launch: Launch,
  self: readonly string[],
  terminal: TerminalKind,
): { content: AttemptContent; session: SessionInput } {
  const { dir, spec, attempt, invocation } = launch
  const [, ...args] = invocation.argv
  const input: ScriptInput = {
    session: spec.session,
    taskDir: dir,
    attempt,
    cwd: spec.cwd,
    argv: [...launch.command, ...args],
    env: invocation.env,
    cookie: cookie(spec.id, attempt),
    umask: spec.umask ?? 0o022,
    promptFile: launch.prompt === null ? '../../prompt' : attemptFiles.prompt,
    eventsOffset: sizeOf(files.events(dir)),
    stderrOffset: sizeOf(files.stderr(dir)),
    dropLinesWith: invocation.dropLinesWith ?? null,
    settle: [...self, 'settle', dir, String(attempt)],
    shows: terminal !== 'plain',
  }
  return {
    content: {
      claim: claimOf(launch, input),
      launch: launchScript(input),
      agent: agentScript(input),
      prompt: launch.prompt,
      by: launch.by,
    },
    session: { session: spec.session, taskDir: dir, cwd: spec.cwd, attempt, line: typedLine(attempt) },
  }
}

function claimOf(launch: Launch, input: ScriptInput): Claim {
  return {
    schema: 1,
    attempt: launch.attempt,
    how: launch.how,
    sessionId: launch.sessionId,
    argv: [...input.argv],
    claimant: ownIdentity(),
    host: host(),
    pids: pidNamespace(),
    claimedAt: new Date().toISOString(),
    eventsOffset: input.eventsOffset,
    stderrOffset: input.stderrOffset,
    ...(launch.followUp === undefined ? {} : { followUp: launch.followUp }),
  }
}

/** How a terminal is had to run an attempt's launch script; resolves with what a person should know, or null. */
export type Reach = (terminal: Terminal, session: SessionInput) => Promise<string | null>

/** What became of the launch of an attempt; `called-off`: the terminal did not do it, and it can never begin later. */
type LaunchEnd =
  | { readonly kind: 'begun' | 'over' }
  | { readonly kind: 'called-off'; readonly error: unknown }

/**
 * Makes one attempt: claims it, has the terminal run its launch script (`reach`) and waits until the agent's process is
 * known. Throws `conflict` where somebody else claimed it. Where the terminal cannot be reached, or does not run the script,
 * the attempt is called off.
 */
export async function launchAttempt(
  launch: Launch,
  terminal: Terminal,
  context: Pick<Context, 'self' | 'warn'>,
  reach: Reach,
): Promise<LaunchEnd> {
  const { dir, attempt } = launch
  const { kind } = terminal.record
  const { content, session } = prepare(launch, context.self, kind)
  if (!claimAttempt(dir, attempt, content)) {
    throw new RcaError('conflict', `Somebody else is launching attempt ${attempt} of ${launch.spec.session}`)
  }
  try {
    const warning = await reach(terminal, session)
    pausePoint('typed')
    if (warning) context.warn(warning)
  } catch (error) {
    if (abandon(dir, attempt)) return { kind: 'called-off', error }
  }
  const begun = await untilBegun(dir, attempt)
  if (begun === 'never-began' && abandon(dir, attempt)) {
    const error = new RcaError('failed', `${launch.spec.session}: ${kind} did not run the launch script`)
    return { kind: 'called-off', error }
  }
  // Not before: while the agent starts it needs the processors more than the claim needs the disk.
  unless(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS'], null, () => keepClaim(dir, attempt))
  pausePoint('begun')
  unless(['ENOSPC', 'EDQUOT'], null, () => recordStart(launch, content.claim))
  return { kind: begun === 'over' ? 'over' : 'begun' }
}

/** Calls an attempt off and records it; false: it has begun after all. */
export function abandon(dir: string, attempt: number): boolean {
  if (!callOff(dir, attempt)) return readAttempt(dir, attempt).begun === 'called-off'
  appendJournal(dir, {
    type: 'attempt-ended',
    attempt,
    outcome: 'called-off',
    exit: null,
    cause: null,
    reason: 'the launch was called off before the agent began',
    hint: null,
    denials: [],
    usage: null,
    lastActivityAt: null,
  })
  return true
}

/**
 * Calls off every attempt that has not begun. For whoever holds the lock of the session: whoever claimed them held it too
 * and died. Throws `conflict` where one begins in this very moment.
 */
export function abandonUnbegun(dir: string): void {
  sweepAttempts(dir)
  for (const number of attemptNumbers(dir)) {
    if (!hasGate(dir, number) && !abandon(dir, number)) {
      throw new RcaError('conflict', `Attempt ${number} of ${basename(dir)} has just begun`)
    }
  }
}

/** A convenience for readers of the journal: the attempt's own directory says the same. */
function recordStart(launch: Launch, claim: Claim): void {
  const { agent } = readAttempt(launch.dir, launch.attempt)
  if (!agent) return
  const { attempt, how, host: where, argv } = claim
  appendJournal(launch.dir, { type: 'attempt-started', attempt, how, host: where, argv, ...agent })
}
