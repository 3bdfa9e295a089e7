import { rmSync } from 'node:fs'
import type { ReadingContext } from '../context.ts'
import { newestFirst } from '../task/finished.ts'
import type { TaskJson } from '../task/json.ts'
import { type LookedUp, lookUp } from '../task/look-up.ts'
import { finishedFile } from '../task/paths.ts'
import { isLive, type State } from '../task/states.ts'
import { arrayOf, type Listed, namesOf, type Other } from './list-json.ts'

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
export async function list(options: ListOptions, context: ReadingContext): Promise<TaskJson[]> {
  return JSON.parse((await listJson(options, context)).toString())
}

/** The same as one JSON array: UTF-8, with nothing in it that a terminal would obey. */
export async function listJson(options: ListOptions, context: ReadingContext): Promise<Buffer> {
  const found = lookUpFor(options, context)
  try {
    const array = arrayOf(await listed(options, found, context), found.index)
    // JSON holds no such byte, what a disk has lost holds nothing else.
    if (!array.includes(0)) return array
  } finally {
    found.index?.close()
  }
  rmSync(finishedFile(context.state), { force: true })
  return listJson(options, context)
}

/** The same, the names alone. */
export async function listNames(options: ListOptions, context: ReadingContext): Promise<string[]> {
  const found = lookUpFor(options, context)
  try {
    return namesOf(await listed(options, found, context), found.index)
  } finally {
    found.index?.close()
  }
}

async function listed(options: ListOptions, found: LookedUp, context: ReadingContext): Promise<Listed> {
  const recent = recentSince(context)
  const tasks: TaskJson[] = []
  if (found.fresh.length + found.reopened.length > 0)
    tasks.push(...(await (await import('./list-records.ts')).tasksOf(found, context)))
  if (options.all || options.states.includes('foreign'))
    tasks.push(...(await (await import('./foreign.ts')).foreignSessions(context)))
  const wanted = tasks.filter((task) => isWanted(task, options, recent)).map(asOther)
  return {
    rows: wantedRows(options, found),
    others: [...wanted, ...wantedAdded(options, found, recent)].sort(newestFirst),
  }
}

/** Who ended before that is listed with `all` alone. */
const recentSince = (context: ReadingContext) => new Date(context.now() - RECENT_MS).toISOString()

/** The rows of the index among which those are that are wanted. */
function lookUpFor({ all, states }: ListOptions, context: ReadingContext): LookedUp {
  const whatever = all || states.length > 0
  return lookUp(context.state, whatever ? undefined : (index) => index.rowsSince(recentSince(context)))
}

function asOther(task: TaskJson): Other {
  const name = task.taskDir?.slice(task.taskDir.lastIndexOf('/') + 1) ?? task.name
  return { name, startedAt: task.startedAt ?? '', task }
}

const isOf = (name: string, agents: readonly string[]) =>
  agents.length === 0 || agents.some((agent) => name.startsWith(`${agent}-`))

function wantedRows({ states, agents }: ListOptions, { rows, index }: LookedUp): readonly number[] {
  if (!index || agents.length + states.length === 0) return rows
  return rows.filter(
    (row) => isOf(index.nameOf(row), agents) && (states.length === 0 || states.includes(index.stateOf(row))),
  )
}

function wantedAdded({ all, states, agents }: ListOptions, { added }: LookedUp, recent: string): Other[] {
  const isWantedState = (state: string, at: string) =>
    states.length > 0 ? states.includes(state) : all || at > recent
  return added.filter(({ name, state, at }) => isOf(name, agents) && isWantedState(state, at))
}

function isWanted(task: TaskJson, { all, states, agents }: ListOptions, recent: string): boolean {
  if (agents.length > 0 && !agents.includes(task.agent)) return false
  if (states.length > 0) return states.includes(task.state)
  if (all || task.state === 'foreign' || task.state === 'unknown' || isLive(task.state as State)) return true
  return (task.endedAt ?? task.updatedAt ?? '') > recent
}
