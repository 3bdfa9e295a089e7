import { AGENTS } from '../agents/driver.ts'
import { type ReadingContext, withTerminals } from '../context.ts'
import type { TaskJson } from '../task/json.ts'
import { parseSession } from '../task/names.ts'
import { installedTerminals } from '../terminal/choice.ts'
import type { TerminalKind } from '../terminal/kinds.ts'
import type { ForeignSession } from '../terminal/terminal.ts'

/** Sessions of tmux and screen that look like a task's and are not. */
export async function foreignSessions(context: ReadingContext): Promise<TaskJson[]> {
  const world = await withTerminals(context)
  return installedTerminals(world)
    .flatMap((one) =>
      world
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
