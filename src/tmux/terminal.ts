import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { RcaError } from '../errors.ts'
import { pausePoint } from '../system/pause.ts'
import { planScope, scopeFacts } from '../system/scope.ts'
import { tasksNotOver } from '../task/not-over.ts'
import { stateOf } from '../task/paths.ts'
import { becomesIdle, isOver } from '../terminal/shell.ts'
import type { ForeignSession, Owner, SessionInput, SessionSeen, Terminal } from '../terminal/terminal.ts'
import {
  attachSession,
  capturePane,
  killSession,
  leaveMode,
  newSession,
  newWindow,
  type PaneRow,
  respawnPane,
  typeLine,
} from './command.ts'
import { repairSocket } from './repair.ts'
import {
  checkTmux,
  ensureSocketDirectory,
  isDuplicateSession,
  isNoSocket,
  type TmuxServer,
  tmuxFailed,
} from './server.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Sessions of a tmux server. */
export function tmuxTerminal(tmux: TmuxServer, env: Env): Terminal {
  return {
    record: { kind: 'tmux', socket: tmux.socket },
    check: () => checkTmux(env),
    open: (input) => persistently(() => openSession(tmux, input, env)),
    reach: (input) => persistently(() => reachShell(tmux, input, env)),
    close: async (task) => closeSession(tmux, task),
    session: async (task) => seenSession(tmux, task),
    foreign: () => foreignSessions(tmux),
    attach: async (task) => attachArgv(tmux, task, env),
    text: async (task, lines) => paneText(tmux, task, lines),
    preview: (input) => ['tmux', '-S', tmux.socket, ...newSession(input)],
  }
}

/** How often a call is made that fails, and how long after each other, ms. */
const TRIES = 3
const BETWEEN_MS = 50

/** A server or a session may go in the very moment in which it is asked: what is to be done is then seen anew. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof RcaError) || error.code !== 'failed' || tries === TRIES) throw error
      await sleep(BETWEEN_MS)
    }
  }
}

/** What is to be done to have a line run in a session's shell. */
type Move =
  | { readonly kind: 'new-session' }
  /** A session of an older task of rca's with this name, whose work is over: it is closed first. */
  | { readonly kind: 'replace' }
  | { readonly kind: 'type'; readonly pane: string; readonly leaveMode: boolean }
  | { readonly kind: 'respawn'; readonly pane: string }
  | { readonly kind: 'new-window' }
  | { readonly kind: 'foreign' }

/** What is seen of the session a task wants to use. */
export interface SessionFacts {
  /** The rows of that session, empty where there is none. */
  readonly panes: readonly PaneRow[]
  readonly taskDir: string
  /** Whether the shell of the launch pane waits for input; null: it cannot be known. */
  readonly idle: boolean | null
  /** For a session marked with another task directory: whether that task is over, or gone. */
  readonly otherIsOver: boolean
}

/** Decides how to reach a shell for the next attempt. Pure. */
export function planMove(facts: SessionFacts): Move {
  const first = facts.panes[0]
  if (!first) return { kind: 'new-session' }
  if (first.mark === '') return { kind: 'foreign' }
  if (first.mark !== facts.taskDir)
    return { kind: facts.otherIsOver && facts.idle !== false ? 'replace' : 'foreign' }
  const pane = launchPane(facts.panes)
  if (!pane) return { kind: 'new-window' }
  if (pane.dead) return { kind: 'respawn', pane: pane.paneId }
  if (facts.idle !== true) return { kind: 'new-window' }
  return { kind: 'type', pane: pane.paneId, leaveMode: pane.inMode }
}

/** The pane of a session whose shell runs the launch scripts, if it is still there. */
function launchPane(panes: readonly PaneRow[]): PaneRow | null {
  return panes.find((pane) => pane.paneId === pane.launchPane) ?? null
}

/** Without /proc the name of what runs in the pane has to tell. */
const runsShell = (pane: PaneRow) => /^(sh|bash|dash|ash|zsh)$/.test(pane.command)

/** Those of all tasks of this state directory whose processes may tell where the tmux server is. */
function tasksThatMayLive(taskDir: string): string[] {
  return tasksNotOver(stateOf(taskDir)).map((one) => one.dir)
}

function sessionPanes(tmux: TmuxServer, session: string): PaneRow[] {
  return tmux.panes().filter((row) => row.session === session)
}

/**
 * Makes a new session for a first attempt; one tmux call where all is well. Where the name is taken: an idle session of an
 * older task is closed and the name taken over, anything else is a `conflict`.
 */
async function openSession(tmux: TmuxServer, input: SessionInput, env: Env): Promise<string | null> {
  const { warning, prefix } = await whereToStart(tmux, input.taskDir, env)
  const result = tmux.call(newSession(input), prefix)
  if (result.code === 0 && !isNoSocket(result.stderr)) return warning
  if (!isDuplicateSession(result.stderr)) {
    if (result.code !== null) checkTmux(env)
    throw tmuxFailed(result)
  }
  const move = planMove(await sessionFacts(tmux, input))
  if (move.kind !== 'replace') throw foreignSession(input.session, tmux.socket)
  must(tmux, killSession(input.session))
  must(tmux, newSession(input))
  return warning
}

async function sessionFacts(tmux: TmuxServer, input: SessionInput): Promise<SessionFacts> {
  if (!existsSync(tmux.socket)) await repairSocket(tmux.socket, tasksThatMayLive(input.taskDir))
  const panes = sessionPanes(tmux, input.session)
  const pane = launchPane(panes)
  const mark = panes[0]?.mark ?? ''
  return {
    panes,
    taskDir: input.taskDir,
    idle: pane && (pane.dead ? null : await becomesIdle(pane.panePid, () => runsShell(pane))),
    otherIsOver: mark !== '' && mark !== input.taskDir && (await isOver(mark)),
  }
}

function foreignSession(session: string, socket: string): RcaError {
  return new RcaError(
    'conflict',
    `The name ${session} is taken by a tmux session that is not this task's`,
    `Choose another task name, or look at it: tmux -S ${socket} attach -t =${session}`,
  )
}

/** Has the line run in the session's shell, wherever that is by now. */
async function reachShell(tmux: TmuxServer, input: SessionInput, env: Env): Promise<string | null> {
  ensureSocketDirectory(tmux.socket, process.getuid?.() ?? 0)
  const move = planMove(await sessionFacts(tmux, input))
  pausePoint('shell-chosen')
  switch (move.kind) {
    case 'foreign':
      throw foreignSession(input.session, tmux.socket)
    case 'new-session':
    case 'replace':
      return openSession(tmux, input, env)
    case 'type':
      if (move.leaveMode) must(tmux, leaveMode(move.pane))
      must(tmux, typeLine(move.pane, input.line))
      return null
    case 'respawn':
      must(tmux, respawnPane(move.pane, input))
      return null
    case 'new-window':
      must(tmux, newWindow(input))
      return null
  }
}

function must(tmux: TmuxServer, args: readonly string[]): void {
  const result = tmux.call(args)
  if (result.code !== 0) throw tmuxFailed(result)
}

/** Where a server that this call would start has to live; an existing server lives where it lives. */
async function whereToStart(tmux: TmuxServer, taskDir: string, env: Env) {
  const uid = process.getuid?.() ?? 0
  ensureSocketDirectory(tmux.socket, uid)
  if (!existsSync(tmux.socket)) await repairSocket(tmux.socket, tasksThatMayLive(taskDir))
  const plan = planScope(await scopeFacts(env))
  if (plan.prefix.length === 0 && plan.warning === null) return plan
  const running = tmux.call(['list-sessions', '-F', '']).code === 0
  return running ? { prefix: [], warning: null } : plan
}

/** The panes of a task's session; empty where there is none, or it is somebody else's by now. */
function ownPanes(tmux: TmuxServer, task: Owner): PaneRow[] {
  const rows = sessionPanes(tmux, task.session)
  return rows[0]?.mark === task.dir ? rows : []
}

function closeSession(tmux: TmuxServer, task: Owner): void {
  if (ownPanes(tmux, task).length > 0) tmux.call(killSession(task.session))
}

/** A task's records are there to be read also where tmux is not, or does not answer. */
function seenSession(tmux: TmuxServer, task: Owner): SessionSeen | null {
  try {
    const rows = ownPanes(tmux, task)
    return { exists: rows.length > 0, attached: rows.some((row) => row.attached) }
  } catch (error) {
    if (error instanceof RcaError && error.code === 'unavailable') return null
    throw error
  }
}

function foreignSessions(tmux: TmuxServer): ForeignSession[] {
  const bySession = new Map<string, ForeignSession>()
  for (const row of tmux.panes()) if (row.mark === '') bySession.set(row.session, row)
  return [...bySession.values()]
}

function attachArgv(tmux: TmuxServer, task: Owner, env: Env): string[] {
  if (ownPanes(tmux, task).length === 0) throw noSession(task, `See: rca logs ${task.session}`)
  const inside = env.TMUX?.split(',')[0] === tmux.socket
  return ['tmux', '-S', tmux.socket, ...attachSession(task.session, inside)]
}

function paneText(tmux: TmuxServer, task: Owner, lines: number | null): string {
  const rows = ownPanes(tmux, task)
  const pane = launchPane(rows) ?? rows[0]
  if (!pane) throw noSession(task, 'Leave out --pane for its logs.')
  const result = tmux.call(capturePane(pane.paneId, lines))
  if (result.code !== 0) throw tmuxFailed(result)
  return result.stdout
}

function noSession(task: Owner, hint: string): RcaError {
  return new RcaError('failed', `${task.session} has no tmux session any more`, hint)
}
