import Table from 'cli-table3'
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

/** The table of `rca list`; `supervised`: a monitor runs. Pure. */
export function renderList(
  tasks: readonly TaskJson[],
  nowMs: number,
  paint: Paint,
  width: number,
  supervised = true,
): string {
  if (tasks.length === 0) return 'No tasks. Start one: rca start <agent> <task-name> -p "…"\n'
  const table = new Table({
    head: ['TASK', 'STATE', 'STARTED', 'ACTIVE', 'TRIES', 'NOTE'].map((head) => paint.dim(head)),
    chars: BARE,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  const used = Math.max(...tasks.map((task) => task.name.length)) + 40
  for (const task of tasks)
    table.push(row(task, note(task, nowMs, supervised), nowMs, paint, Math.max(20, width - used)))
  return `${table.toString().replaceAll(/[ \t]+$/gm, '')}\n`
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

function row(task: TaskJson, note: string, nowMs: number, paint: Paint, noteWidth: number): string[] {
  const ago = (time: string | null) =>
    time === null ? '-' : `${formatDuration(nowMs - Date.parse(time))} ago`
  return [
    paint.bold(task.name),
    paint.state(task.state),
    ago(task.startedAt),
    ago(task.lastActivityAt),
    String(task.attempts),
    oneLine(note, noteWidth),
  ]
}
