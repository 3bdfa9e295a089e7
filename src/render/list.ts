import Table from 'cli-table3'
import type { Usage } from '../agents/event.ts'
import { formatDuration, formatWait } from '../duration.ts'
import type { TaskJson } from '../task/json.ts'
import type { Paint } from './paint.ts'
import { oneLine } from './text.ts'

const BARE = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/** So many rows at a time: what cli-table3 takes grows with the square of their number. */
const ROWS = 20

/** The table of `rca list`; `supervised`: a monitor runs. Pure. */
export function renderList(
  tasks: readonly TaskJson[],
  nowMs: number,
  paint: Paint,
  width: number,
  supervised = true,
): string {
  if (tasks.length === 0) return 'No tasks. Start one: rca start <agent> <task-name> -p "…"\n'
  const withUsage = tasks.some((task) => task.usage !== null)
  const heading = heads(withUsage)
  const rows = tasks.map((task) => row(task, nowMs, withUsage))
  // All but the note are ASCII.
  const widths = heading.map((head, column) =>
    rows.reduce((most, cells) => Math.max(most, cells[column]?.length ?? 0), head.length),
  )
  const used = (widths[0] ?? 0) + (withUsage ? 56 : 40)
  const painted = tasks.map((task, index) => {
    const [name = '', state = '', ...others] = rows[index] ?? []
    const cut = oneLine(note(task, nowMs, supervised), Math.max(20, width - used))
    return [paint.bold(name), paint.state(state), ...others, cut]
  })
  const lines = [[...heading, 'NOTE'].map((head) => paint.dim(head)), ...painted]
  return `${inParts(lines, widths).replaceAll(/[ \t]+$/gm, '')}\n`
}

/** The last column is as wide as it is. */
function inParts(lines: readonly string[][], widths: readonly number[]): string {
  const parts: string[] = []
  for (let at = 0; at < lines.length; at += ROWS) {
    const table = new Table({
      chars: BARE,
      colWidths: [...widths],
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    })
    table.push(...lines.slice(at, at + ROWS))
    parts.push(table.toString())
  }
  return parts.join('\n')
}

const heads = (withUsage: boolean) => [
  ...['TASK', 'STATE', 'STARTED', 'ACTIVE', 'TRIES'],
  ...(withUsage ? ['TOKENS'] : []),
]

/** `12.4k $0.35`: what went in and came out, and its price where there is one. Pure. */
function tokens(usage: Usage | null): string {
  if (usage === null) return '-'
  const { inputTokens, outputTokens, costUsd } = usage
  const known = inputTokens !== null || outputTokens !== null
  const count = known ? short((inputTokens ?? 0) + (outputTokens ?? 0)) : '-'
  return costUsd ? `${count} $${costUsd.toFixed(2)}` : count
}

function short(count: number): string {
  if (count < 1_000) return String(count)
  return count < 999_950 ? `${(count / 1_000).toFixed(1)}k` : `${(count / 1_000_000).toFixed(1)}M`
}

/** Of a task that waits: when it goes on, and why it waits. */
function note(task: TaskJson, nowMs: number, supervised: boolean): string {
  const { reason, nextAttemptAt } = task
  if (task.state !== 'waiting' || nextAttemptAt === null) return reason ?? task.cwd ?? ''
  const leftMs = Date.parse(nextAttemptAt) - nowMs
  const when = leftMs > 0 ? `resumes in ${formatWait(leftMs)}` : 'resumes now'
  const told = supervised ? when : `${when}, once a monitor runs`
  return reason === null ? told : `${told}: ${reason}`
}

function row(task: TaskJson, nowMs: number, withUsage: boolean): string[] {
  const ago = (time: string | null) =>
    time === null ? '-' : `${formatDuration(nowMs - Date.parse(time))} ago`
  const { name, state, startedAt, lastActivityAt, attempts, usage } = task
  const cells = [name, state, ago(startedAt), ago(lastActivityAt), String(attempts)]
  return withUsage ? [...cells, tokens(usage)] : cells
}
