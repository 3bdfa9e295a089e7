import Table from 'cli-table3'
import { formatDuration } from '../duration.ts'
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

/** The table of `rca list`. Pure. */
export function renderList(tasks: readonly TaskJson[], nowMs: number, paint: Paint, width: number): string {
  if (tasks.length === 0) return 'No tasks. Start one: rca start <agent> <task-name> -p "…"\n'
  const table = new Table({
    head: ['TASK', 'STATE', 'STARTED', 'ACTIVE', 'TRIES', 'NOTE'].map((head) => paint.dim(head)),
    chars: BARE,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  const used = Math.max(...tasks.map((task) => task.name.length)) + 40
  for (const task of tasks) table.push(row(task, nowMs, paint, Math.max(20, width - used)))
  return `${table.toString().replaceAll(/[ \t]+$/gm, '')}\n`
}

function row(task: TaskJson, nowMs: number, paint: Paint, noteWidth: number): string[] {
  const ago = (time: string | null) =>
    time === null ? '-' : `${formatDuration(nowMs - Date.parse(time))} ago`
  return [
    paint.bold(task.name),
    paint.state(task.state),
    ago(task.startedAt),
    ago(task.lastActivityAt),
    String(task.attempts),
    oneLine(task.reason ?? task.cwd ?? '', noteWidth),
  ]
}
