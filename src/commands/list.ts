import { AGENTS } from '../agents/driver.ts'
import type { Context } from '../context.ts'
import { keepDigest, readDigest } from '../task/digest.ts'
import { type TaskJson, taskJson } from '../task/json.ts'
import { parseSession } from '../task/names.ts'
import { observe } from '../task/observe.ts'
import { isLive } from '../task/state.ts'
import { readTask, taskDirectories } from '../task/store.ts'
import { installedTerminals } from '../terminal/choice.ts'
import type { TerminalKind } from '../terminal/kinds.ts'
import type { ForeignSession } from '../terminal/terminal.ts'

export interface ListOptions {
  readonly all: boolean
  readonly states: readonly string[]
  readonly agents: readonly string[]
}

/** How long after its end a task is still listed without `--all`, ms. */
const RECENT_MS = 24 * 3_600_000

/**
 * Live tasks and those that ended within a day, the newest first; `all`: every task there is a record of, and tmux sessions
 * of the same naming pattern that are not rca's, as `foreign`.
 */
export async function list(options: ListOptions, context: Context): Promise<TaskJson[]> {
  const now = context.now()
  const tasks: TaskJson[] = []
  for (const { dir } of taskDirectories(context.state)) {
    const task = readDigest(dir) ?? (await derived(dir, now))
    if (task) tasks.push(task)
  }
  const foreign = options.all || options.states.includes('foreign') ? foreignSessions(context) : []
  return [...tasks, ...foreign].filter((task) => isWanted(task, options, now)).sort(newestFirst)
}

async function derived(dir: string, now: number): Promise<TaskJson | null> {
  const stored = readTask(dir)
  if (!stored) return null
  const task = await observe(stored, now)
  keepDigest(task)
  return taskJson(task)
}

function isWanted(task: TaskJson, options: ListOptions, now: number): boolean {
  if (options.agents.length > 0 && !options.agents.includes(task.agent)) return false
  if (options.states.length > 0) return options.states.includes(task.state)
  if (options.all || task.state === 'foreign' || task.state === 'unknown' || isLive(task.state)) return true
  return now - Date.parse(task.endedAt ?? task.updatedAt ?? '') < RECENT_MS
}

/** By code units, which RFC 3339 in UTC is made for; localeCompare first loads the rules of all languages (10 ms). */
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function newestFirst(a: TaskJson, b: TaskJson): number {
  return compare(b.startedAt ?? '', a.startedAt ?? '') || compare(a.name, b.name)
}

function foreignSessions(context: Context): TaskJson[] {
  return installedTerminals(context)
    .flatMap((one) =>
      context
        .terminalAt(one)
        .foreign()
        .map((found) => ({ ...found, kind: one.kind })),
    )
    .filter(({ session }) => AGENTS.some((agent) => session.startsWith(`${agent}-`)))
    .map(foreign)
}

/** A session that looks like a task's and is not. Pure. */
function foreign(row: ForeignSession & { kind: TerminalKind }): TaskJson {
  const dash = row.session.indexOf('-')
  const parsed = parseSession(row.session)
  return {
    schema: 1,
    name: row.session,
    agent: parsed?.agent ?? row.session.slice(0, dash),
    task: parsed?.task ?? row.session.slice(dash + 1),
    state: 'foreign',
    reason: `a ${row.kind} session that rca did not make`,
    hint: null,
    cause: null,
    cwd: null,
    taskDir: null,
    agentSessionId: null,
    attempts: 0,
    startedAt: row.createdAt,
    updatedAt: null,
    endedAt: null,
    lastActivityAt: null,
    nextAttemptAt: null,
    deadlineAt: null,
    exit: null,
    usage: null,
    queuedFollowUps: 0,
    denials: [],
    access: null,
    restart: null,
    pid: null,
    tmuxSocket: null,
    terminal: row.kind,
  }
}
