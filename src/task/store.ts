import {
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import type { AgentName, TaskAccess } from '../agents/driver.ts'
import { errno, RcaError, unless } from '../errors.ts'
import { nearest } from '../nearest.ts'
import { ensurePrivateDirectory, openOwn, readOwn, writeSynced } from '../system/durable.ts'
import { host } from '../system/identity.ts'
import { crypto } from '../system/lazy.ts'
import { randomId } from '../system/random.ts'
import { Together } from '../system/together.ts'
import { VERSION } from '../version.ts'
import { sessionOf, taskDirectories } from './directories.ts'
import { formatEnvironment, parseEnvironment } from './environment.ts'
import { appendJournalSoon, type Journal, readJournal } from './journal.ts'
import { parseSession, sessionName } from './names.ts'
import { files, tasksDirectory } from './paths.ts'
import type { Policy } from './policy.ts'
import { type NotifySpec, type Spec, specSchema, type TerminalRecord } from './schema.ts'

/** What a caller asks for; the rest of the spec is made here. */
export interface NewTask {
  readonly agent: AgentName
  readonly task: string
  readonly cwd: string
  readonly access: TaskAccess
  /** See Spec; without it the agent's binary. */
  readonly command?: readonly string[] | undefined
  readonly agentArgs: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly withoutEnv?: readonly string[] | undefined
  readonly ownEnv?: readonly string[] | undefined
  readonly prompt: Uint8Array
  readonly policy: Policy
  readonly monitor: boolean
  readonly notify?: NotifySpec | undefined
  readonly terminal: TerminalRecord
}

/** A task as it lies on disk. `spec` is null where it cannot be read: then `problems` says why. */
export interface Stored {
  readonly dir: string
  readonly session: string
  readonly spec: Spec | null
  readonly journal: Journal
  readonly problems: readonly string[]
}

export function sha256(bytes: Uint8Array): string {
  return crypto().createHash('sha256').update(bytes).digest('hex')
}

/** A task that was just made. */
export interface MadeTask {
  readonly dir: string
  readonly spec: Spec
  /** Resolves when its name is durable, too; all that is in it is already. */
  readonly kept: Promise<void>
}

/**
 * Makes the task directory and everything in it, durably; `preset` fixes the agent session id once the folder exists.
 * spec.json comes last: a directory without it was never a task and nothing was launched from it. Where anything fails
 * (a full disk) nothing is left behind and the error is thrown on.
 */
export async function createTask(
  state: string,
  wanted: NewTask,
  preset: (dir: string, id: string) => Promise<string | null>,
): Promise<MadeTask> {
  const session = sessionName(wanted.agent, wanted.task)
  const folder = tasksDirectory(state)
  ensurePrivateDirectory(folder)
  const dir = mkdtempSync(join(folder, `${session}.`))
  try {
    const id = randomId()
    const together = new Together()
    mkdirSync(files.attempts(dir), { mode: 0o700 })
    together.write(files.prompt(dir), wanted.prompt)
    together.write(files.env(dir), formatEnvironment(wanted.env))
    for (const path of [files.events(dir), files.stderr(dir)])
      writeFileSync(path, '', { mode: 0o600, flag: 'wx' })
    appendJournalSoon(dir, { type: 'created', session })
    together.file(files.journal(dir))
    const presetSessionId = await preset(dir, id)
    if (presetSessionId) together.write(files.sessionId(dir), `${presetSessionId}\n`)
    together.folder(dir)
    await together.done()
    const spec = makeSpec(wanted, session, id, presetSessionId)
    return { dir, spec, kept: keepSpec(dir, spec, folder) }
  } catch (error) {
    rmSync(dir, { recursive: true, force: true })
    throw clearer(error, folder)
  }
}

/** From here on it is a task. */
function keepSpec(dir: string, spec: Spec, folder: string): Promise<void> {
  const temp = join(dir, `.${randomId()}.tmp`)
  writeSynced(temp, `${JSON.stringify(spec, null, 1)}\n`)
  renameSync(temp, files.spec(dir))
  const names = new Together()
  names.folder(dir)
  names.folder(folder)
  const kept = names.done()
  // Told to whoever waits for it.
  kept.catch(() => {})
  return kept
}

function makeSpec(wanted: NewTask, session: string, id: string, presetSessionId: string | null): Spec {
  return {
    schema: 1,
    id,
    session,
    agent: wanted.agent,
    task: wanted.task,
    cwd: wanted.cwd,
    access: wanted.access,
    ...(wanted.command && { command: [...wanted.command] }),
    agentArgs: [...wanted.agentArgs],
    env: Object.keys(wanted.env).sort(),
    ...(wanted.withoutEnv && { withoutEnv: [...wanted.withoutEnv] }),
    ...(wanted.ownEnv && { ownEnv: [...wanted.ownEnv] }),
    policy: { ...wanted.policy },
    monitor: wanted.monitor,
    ...(wanted.notify ? { notify: wanted.notify } : {}),
    presetSessionId,
    terminal: wanted.terminal,
    umask: process.umask(),
    createdAt: new Date().toISOString(),
    host: host(),
    rca: VERSION,
  }
}

function clearer(error: unknown, folder: string): unknown {
  const code = errno(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new RcaError(
      'failed',
      `No space left in ${folder}; nothing was started`,
      'Free some space and try again.',
    )
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    return new RcaError(
      'config',
      `${folder} cannot be written (${code})`,
      'Set RCA_HOME to a folder of your own.',
    )
  }
  return error
}

const NO_JOURNAL: Journal = { entries: [], problems: [], bytes: 0 }

/** Reads one task. Null: a directory that never became a task. */
export function readTask(dir: string): Stored | null {
  const session = sessionOf(basename(dir))
  const problems: string[] = []
  const spec = guarded(problems, 'spec.json', null, () => readSpec(dir))
  if (spec === null && problems.length === 0) {
    if (!hasAttempts(dir)) return null
    problems.push('spec.json is missing although attempts were made')
  }
  const journal = guarded(problems, 'journal.jsonl', NO_JOURNAL, () => readJournal(dir))
  return { dir, session, spec, journal, problems: [...problems, ...journal.problems] }
}

function readSpec(dir: string): Spec | null {
  const text = readOwn(files.spec(dir))
  return text === null ? null : specSchema.parse(JSON.parse(text))
}

function guarded<T>(problems: string[], what: string, fallback: T, read: () => T): T {
  try {
    return read()
  } catch (error) {
    problems.push(`${what} cannot be read: ${error instanceof Error ? error.message.split('\n')[0] : error}`)
    return fallback
  }
}

function hasAttempts(dir: string): boolean {
  return unless(['ENOENT', 'ENOTDIR'], 0, () => readdirSync(files.attempts(dir)).length) > 0
}

/** Nobody takes so long to make a task, ms. */
const HALF_MADE_MS = 3_600_000

/** Whether a directory never became a task, and will not: whoever made it was killed in the middle. */
export function isHalfMade(dir: string, nowMs: number): boolean {
  const stat = lstatSync(dir, { throwIfNoEntry: false })
  return stat?.isDirectory() === true && nowMs - stat.mtimeMs >= HALF_MADE_MS && readTask(dir) === null
}

/** Takes such a directory away. It may hold keys. */
export function sweepHalfMade(dir: string, nowMs: number): void {
  if (isHalfMade(dir, nowMs)) rmSync(dir, { recursive: true, force: true })
}

/** All tasks of one session name, the newest first. */
export function tasksOfSession(state: string, session: string): Stored[] {
  return taskDirectories(state, (one) => one === session)
    .map((one) => readTask(one.dir))
    .filter((one) => one !== null)
    .sort((a, b) => (createdAt(b) < createdAt(a) ? -1 : 1))
}

function createdAt(task: Stored): string {
  return task.spec?.createdAt ?? task.journal.entries[0]?.at ?? lstatSync(task.dir).birthtime.toISOString()
}

/**
 * The newest task that goes by this name: a session name or, where only one agent has it, a task name. Throws
 * `not-found`, or `usage` where a task name is ambiguous.
 */
export function findTask(state: string, name: string): Stored {
  const found = taskDirectories(state, (one) => one === name || parseSession(one)?.task === name)
  const matching = [...new Set(found.map((one) => one.session))]
  const session = matching.includes(name) ? name : matching[0]
  if (!session) throw notFound(name, state)
  if (session !== name && matching.length > 1) {
    throw new RcaError('usage', `${name} is ambiguous`, `Which one: ${matching.sort().join(' or ')}?`)
  }
  const newest = tasksOfSession(state, session)[0]
  if (!newest) throw notFound(name, state)
  return newest
}

function notFound(name: string, state: string): RcaError {
  const sessions = [...new Set(taskDirectories(state).map((one) => one.session))]
  const part = sessions.filter((one) => one.includes(name) || name.includes(parseSession(one)?.task ?? one))
  const near = part.length > 0 ? part : nearestSession(name, sessions)
  const hint =
    near.length > 0 ? `Did you mean ${near.slice(0, 3).sort().join(' or ')}?` : 'See: rca list --all'
  return new RcaError('not-found', `No task ${JSON.stringify(name)}`, hint)
}

/** For a slip of the finger in a session name or a task name. */
function nearestSession(name: string, sessions: readonly string[]): string[] {
  const tasks = sessions.map((one) => parseSession(one)?.task ?? one)
  const meant = nearest(name, tasks)
  return sessions.filter((one, index) => one === nearest(name, sessions) || tasks[index] === meant)
}

/** Whether a task was given this prompt, byte for byte. */
export function hasPrompt(dir: string, prompt: Uint8Array): boolean {
  const fd = unless(['ENOENT'], null, () => openOwn(files.prompt(dir)))
  if (fd === null) return false
  try {
    return readFileSync(fd).equals(prompt)
  } finally {
    closeSync(fd)
  }
}

/** The captured environment, or null where it was removed with the task's end. */
export function readEnvironment(dir: string): Record<string, string> | null {
  const text = readOwn(files.env(dir))
  return text === null ? null : parseEnvironment(text)
}

/** Throws `unknown-state` where the spec cannot be read: then nothing may be done to the task. */
export function requireSpec(task: Stored): Spec {
  if (task.spec) return task.spec
  throw new RcaError(
    'unknown-state',
    `The record of ${task.session} cannot be read: ${task.problems[0] ?? 'spec.json is missing'}`,
    `Nothing was touched. Look at ${task.dir}.`,
  )
}
