import type { Exit } from '../agents/driver.ts'
import type { Usage } from '../agents/event.ts'
import type { TerminalKind } from '../terminal/kinds.ts'
import type { Observed } from './observe.ts'
import { type Policy, policyOf } from './policy.ts'
import type { State } from './state.ts'
import { terminalOf } from './terminal.ts'

/** One task as every verb's `--json` gives it. Fields are only ever added. Times are RFC 3339 in UTC; unknown is null. */
export interface TaskJson {
  readonly schema: 1
  readonly name: string
  readonly agent: string
  readonly task: string
  readonly state: State | 'foreign'
  readonly reason: string | null
  readonly hint: string | null
  /** Why it did not end well or waits, in one word: a cause that the agent's driver knows, or `retries`, `deadline`, `brake`. */
  readonly cause: string | null
  readonly cwd: string | null
  readonly taskDir: string | null
  readonly agentSessionId: string | null
  readonly attempts: number
  readonly startedAt: string | null
  readonly updatedAt: string | null
  readonly endedAt: string | null
  readonly lastActivityAt: string | null
  readonly nextAttemptAt: string | null
  readonly deadlineAt: string | null
  readonly exit: Exit | null
  readonly usage: Usage | null
  /** How many follow-ups wait for their turn. */
  readonly queuedFollowUps: number
  /** What the agent refused to do by itself for lack of permission. */
  readonly denials: readonly string[]
  readonly access: string | null
  /** Whether it goes on by itself after a failure. */
  readonly restart: Policy['restart'] | null
  /** The agent's process while it runs. */
  readonly pid: number | null
  readonly tmuxSocket: string | null
  /** In what its launch scripts run now: tmux, screen or plain. */
  readonly terminal: TerminalKind | null
}

/** Pure. */
export function taskJson(task: Observed): TaskJson {
  const { spec, derived, evidence } = task
  const dash = task.session.indexOf('-')
  const terminal = terminalOf(task)
  return {
    schema: 1,
    name: task.session,
    agent: spec?.agent ?? task.session.slice(0, dash),
    task: spec?.task ?? task.session.slice(dash + 1),
    state: derived.state,
    reason: derived.reason,
    hint: derived.hint,
    cause: derived.cause,
    cwd: spec?.cwd ?? null,
    taskDir: task.dir,
    agentSessionId: derived.agentSessionId,
    attempts: derived.attempts,
    startedAt: spec?.createdAt ?? null,
    updatedAt: derived.updatedAt,
    endedAt: derived.endedAt,
    lastActivityAt: task.lastActivityAt,
    nextAttemptAt: derived.nextAttemptAt,
    deadlineAt: derived.deadlineAt,
    exit: derived.exit,
    usage: derived.usage,
    queuedFollowUps: derived.followUps.filter((one) => one.state === 'queued').length,
    denials: derived.denials,
    access: spec?.access ?? null,
    restart: spec ? policyOf(spec).restart : null,
    pid: evidence?.agentAlive ? (evidence.record.agent?.pid ?? null) : null,
    tmuxSocket: terminal?.kind === 'tmux' ? terminal.socket : null,
    terminal: terminal?.kind ?? null,
  }
}
