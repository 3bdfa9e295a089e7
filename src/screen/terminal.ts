import { closeSync, constants, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { RcaError } from '../errors.ts'
import { until } from '../launch/startup.ts'
import { openOwn, writeDurable } from '../system/durable.ts'
import { identityOf, isAlive, parentOf } from '../system/identity.ts'
import { pausePoint } from '../system/pause.ts'
import { findByCookie, signal } from '../system/processes.ts'
import { planScope, scopeFacts } from '../system/scope.ts'
import { attemptNumbers, hasGate, readAttempt } from '../task/attempt.ts'
import { files } from '../task/paths.ts'
import { loggedText } from '../terminal/log.ts'
import { becomesIdle, isOver } from '../terminal/shell.ts'
import type { Owner, SessionInput, Terminal } from '../terminal/terminal.ts'
import {
  attachSession,
  LIST,
  newSession,
  newWindow,
  parseSessions,
  quit,
  RC,
  type ScreenRow,
  typeLine,
  wipe,
} from './command.ts'
import { checkScreen, type Screens, screenFailed, screens } from './server.ts'

type Env = Readonly<Record<string, string | undefined>>

/**
 * The variable that marks a session as rca's; it holds the task directory, as a URI writes it. Everything in the session has
 * it. (The environment of screen itself cannot be read where it is installed with rights of its own.)
 */
const MARK = 'RCA_TASK'
/** How long a line that was typed may take to be run, ms; then somebody was in the way. */
const TYPED_MS = 2_000
/** How long a session may take to end, ms. */
const QUIT_MS = 2_000

/** Sessions of GNU screen, each with a screen process of its own. */
export function screenTerminal(folder: string | null, env: Env): Terminal {
  const all = screens(folder, env)
  return {
    record: { kind: 'screen', folder },
    check: () => checkScreen(env),
    open: (input) => openSession(all, input, env),
    reach: (input) => reachShell(all, input, env),
    close: (task) => closeSession(all, task),
    session: async (task) => {
      const row = await ownSession(all, task)
      return { exists: row !== null, attached: row?.attached ?? false }
    },
    foreign: () => foreignSessions(all),
    attach: async (task) => {
      const row = await ownSession(all, task)
      if (!row) throw noSession(task)
      const where = folder === null ? ['-u', 'SCREENDIR'] : [`SCREENDIR=${folder}`]
      return ['env', '-u', 'STY', ...where, 'screen', ...attachSession(row)]
    },
    text: async (task, lines) => loggedText(task, lines),
    preview: (input) => ['screen', ...newSession(input, rcOf(input), files.terminalLog(input.taskDir))],
  }
}

const rcOf = ({ taskDir }: SessionInput) => files.screenrc(taskDir)

function noSession(task: Owner): RcaError {
  const hint = `See: rca logs ${task.session}`
  return new RcaError('failed', `${task.session} has no screen session any more`, hint)
}

/** A session with the task directory of its mark; null: it has none. */
interface Marked extends ScreenRow {
  readonly mark: string | null
}

function list(all: Screens): ScreenRow[] {
  const result = all.call(LIST)
  if (result.code === null) throw screenFailed(result)
  return parseSessions(result.stdout)
}

/** Those of these sessions that live, with whose they are. */
function marked(rows: readonly ScreenRow[]): Marked[] {
  const alive = rows.filter((row) => !row.dead)
  if (alive.length === 0) return []
  const marks = marksByScreen()
  return alive.map((row) => ({ ...row, mark: marks.get(row.pid) ?? null }))
}

const ofName = (rows: readonly ScreenRow[], name: string) => rows.filter((row) => row.session === name)

/** Task directories by the process whose child has their mark, or by that process itself. */
function marksByScreen(): Map<number, string> {
  const marks = new Map<number, string>()
  for (const { pid, value } of findByCookie([MARK], () => true)) {
    const dir = decoded(value)
    if (dir === null) continue
    marks.set(pid, dir)
    const parent = parentOf(pid)
    if (parent !== null && !marks.has(parent)) marks.set(parent, dir)
  }
  return marks
}

/** Null: it is no mark of rca's. */
function decoded(value: string): string | null {
  try {
    return decodeURI(value)
  } catch {
    return null
  }
}

/** The task's own session, or null. */
async function ownSession(all: Screens, task: Owner): Promise<ScreenRow | null> {
  const find = () => marked(ofName(list(all), task.session)).find((row) => row.mark === task.dir) ?? null
  return find() ?? (await mended(task, find))
}

/**
 * The socket of a session can be taken away while it lives on; SIGCHLD has screen make it again (screen(1); tried with
 * 4.09.00). Whoever has the task's mark and is a screen, or has one as a parent, tells which process that is. Linux only.
 */
async function mended(task: Owner, find: () => ScreenRow | null): Promise<ScreenRow | null> {
  const all = findByCookie([MARK], (value) => value === encodeURI(task.dir))
  const pids = all.flatMap(({ pid }) => [pid, parentOf(pid) ?? 0])
  const screen = pids.find(isScreen)
  const identity = screen === undefined ? null : identityOf(screen)
  if (!identity || !signal(identity, 'SIGCHLD')) return null
  const deadline = Date.now() + QUIT_MS
  while (isAlive(identity) && Date.now() < deadline) {
    const found = find()
    if (found) return found
    await sleep(20)
  }
  return null
}

function isScreen(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'screen\n'
  } catch {
    return false
  }
}

/**
 * Makes a new session that runs the line. Where the name is taken (screen would not mind): an idle session of an older task
 * is closed, anything else is a `conflict`.
 */
async function openSession(all: Screens, input: SessionInput, env: Env): Promise<string | null> {
  const { session, taskDir } = input
  const rows = ofName(list(all), session)
  for (const row of marked(rows)) {
    if (row.mark === null || row.mark === taskDir || !(await isOver(row.mark))) throw foreignSession(row)
    if (await isBusy(row, row.mark)) throw foreignSession(row)
    await end(all, row)
  }
  wipeDead(all, rows)
  const { prefix, warning } = planScope(await scopeFacts(env))
  writeDurable(rcOf(input), RC)
  const log = files.terminalLog(taskDir)
  closeSync(openOwn(log, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT))
  const mark = { [MARK]: encodeURI(taskDir), TASK_TMPDIR: taskDir, ENV: '', PS1: '$ ' }
  const result = all.call(newSession(input, rcOf(input), log), { prefix, env: mark, cwd: input.cwd })
  if (result.code !== 0) throw screenFailed(result)
  return warning
}

function foreignSession(row: ScreenRow): RcaError {
  return new RcaError(
    'conflict',
    `The name ${row.session} is taken by a screen session that is not this task's`,
    `Choose another task name, or look at it: screen -x ${row.pid}.${row.session}`,
  )
}

/** What a killed session has left in the folder of sockets. */
function wipeDead(all: Screens, rows: readonly ScreenRow[]): void {
  for (const row of rows) if (row.dead) all.call(wipe(row))
}

/** Has the line run in the task's session: in the shell that ran the last one, where that is idle, or in a new window. */
async function reachShell(all: Screens, input: SessionInput, env: Env): Promise<string | null> {
  const row = await ownSession(all, { session: input.session, dir: input.taskDir })
  const window = row && (await idleWindow(row, input.taskDir))
  pausePoint('shell-chosen')
  if (!row) return openSession(all, input, env)
  if (window !== null) {
    must(all, typeLine(row, window, input.line))
    if (await begins(input)) return null
  }
  must(all, newWindow(row, input.line))
  return null
}

/** The number of the window whose shell ran the task's last launch script and waits for input; null: there is none. */
async function idleWindow(row: ScreenRow, dir: string): Promise<string | null> {
  const shell = launchShell(row, dir)
  const window = shell === null ? null : windowOf(shell)
  return shell !== null && window !== null && (await becomesIdle(shell, () => null)) === true ? window : null
}

/** Whether somebody runs something in the shell that ran the task's last launch script. */
async function isBusy(row: ScreenRow, dir: string): Promise<boolean> {
  const shell = launchShell(row, dir)
  return shell !== null && (await becomesIdle(shell, () => null)) === false
}

/** The shell of this session that ran the task's last launch script; null: it has gone. */
function launchShell(row: ScreenRow, dir: string): number | null {
  const shells = attemptNumbers(dir).map((number) => readAttempt(dir, number).shellPid)
  const shell = shells.findLast((pid) => pid !== null) ?? null
  return shell !== null && parentOf(shell) === row.pid ? shell : null
}

/** Screen tells what it starts in which window it is. */
function windowOf(pid: number): string | null {
  try {
    const pairs = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    return pairs.find((pair) => pair.startsWith('WINDOW='))?.slice('WINDOW='.length) ?? null
  } catch {
    return null
  }
}

/** Whether what was typed was run, and did not land in a program of somebody's. */
async function begins({ taskDir, attempt }: SessionInput): Promise<boolean> {
  const gated = () => hasGate(taskDir, attempt) || undefined
  const options = { timeoutMs: TYPED_MS, everyMs: 20 }
  return (await until([files.attempt(taskDir, attempt)], gated, options)) === true
}

async function closeSession(all: Screens, task: Owner): Promise<void> {
  const row = await ownSession(all, task)
  if (row) await end(all, row)
  wipeDead(all, ofName(list(all), task.session))
}

/** Ends a session, by asking it or, where it does not answer, its process. */
async function end(all: Screens, row: ScreenRow): Promise<void> {
  const process = identityOf(row.pid)
  all.call(quit(row))
  const deadline = Date.now() + QUIT_MS
  while (process && isAlive(process) && Date.now() < deadline) await sleep(5)
  if (process) signal(process, 'SIGTERM')
}

function must(all: Screens, args: readonly string[]): void {
  const result = all.call(args)
  if (result.code !== 0) throw screenFailed(result)
}

function foreignSessions(all: Screens) {
  return marked(list(all))
    .filter((row) => row.mark === null)
    .map(({ session }) => ({ session, createdAt: null }))
}
