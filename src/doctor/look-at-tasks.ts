import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Context } from '../context.ts'
import { sessionOf, taskDirectories } from '../task/directories.ts'
import { parseSession } from '../task/names.ts'
import { type Observed, observe } from '../task/observe.ts'
import { stateOf } from '../task/paths.ts'
import { policyOf } from '../task/policy.ts'
import { allMarked, ofUnfinished } from '../task/processes.ts'
import { isLive } from '../task/state.ts'
import { isHalfMade, readTask } from '../task/store.ts'
import { terminalOf } from '../task/terminal.ts'
import type { DoctorFacts, SocketFact, Stray, TaskFact } from './facts.ts'

type Facts = Pick<DoctorFacts, 'tasks' | 'halfMade' | 'strays' | 'sockets'>

export const NO_TASKS: Facts = { tasks: [], halfMade: [], strays: [], sockets: [] }

/** What there is of tasks, whole or not, and of their processes. */
export async function taskFacts(context: Context): Promise<Facts> {
  const seen: Observed[] = []
  const halfMade: string[] = []
  for (const { dir } of taskDirectories(context.state)) {
    const stored = readTask(dir)
    if (stored) seen.push(await observe(stored, context.now()))
    else if (isHalfMade(dir, context.now())) halfMade.push(dir)
  }
  return {
    tasks: seen.map(taskFact),
    halfMade,
    strays: straysOf(seen, context.state),
    sockets: socketsOf(seen),
  }
}

function taskFact({ session, dir, spec, derived, problems, evidence }: Observed): TaskFact {
  const supervised = spec !== null && spec.monitor !== false && policyOf(spec).restart !== 'never'
  const all = [...problems, ...(evidence?.record.problems ?? [])]
  const open = ((lstatSync(dir, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0
  return { session, dir, state: derived.state, supervised, problems: all, open }
}

/**
 * Processes with an agent's mark whose task is over, or is no more. What a well-ended agent left running (a dev server) is
 * none; of another state directory nothing is known.
 */
function straysOf(tasks: readonly Observed[], state: string): Stray[] {
  return allMarked().flatMap(({ pid, command, value: cookie }): Stray[] => {
    const task = tasks.find((one) => one.spec && cookie.startsWith(`${one.spec.id}:`))
    if (task?.spec) {
      const isStray = isOver(task) && ofUnfinished(task.spec, task.journal.entries)(cookie)
      return isStray ? [{ session: task.session, dir: task.dir, pid, command }] : []
    }
    const dir = variableOf(pid, 'TASK_TMPDIR')
    if (dir === null || stateOf(dir) !== state || existsSync(dir)) return []
    const session = sessionOf(basename(dir))
    return parseSession(session) ? [{ session, dir: null, pid, command }] : []
  })
}

const isOver = ({ derived: { state } }: Observed) => !isLive(state) && state !== 'unknown'

function socketsOf(tasks: readonly Observed[]): SocketFact[] {
  const live = tasks.flatMap((task) => {
    const terminal = task.evidence?.agentAlive ? terminalOf(task) : null
    const { session, dir } = task
    return terminal?.kind === 'tmux' ? [{ path: terminal.socket, session, dir }] : []
  })
  return [...new Set(live.map((one) => one.path))].map((path) => {
    const there = live.filter((one) => one.path === path)
    const sessions = there.map((one) => one.session)
    return { path, sessions, dirs: there.map((one) => one.dir), exists: existsSync(path) }
  })
}

/** The value of a variable in a process's environment; null: it is not set, or cannot be read (Linux only). */
function variableOf(pid: number, name: string): string | null {
  try {
    const pairs = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? null
  } catch {
    return null
  }
}
