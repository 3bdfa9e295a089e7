import type { StatusJson } from '../commands/status.ts'
import { formatDuration } from '../duration.ts'
import type { TaskJson } from '../task/json.ts'
import type { Paint } from './paint.ts'
import { oneLine } from './text.ts'

/** What `rca start` and `rca resume` tell a person. Pure. */
export function renderStarted(task: TaskJson, verb: string, paint: Paint): string {
  const id = task.agentSessionId ? `  ${paint.dim(`conversation ${task.agentSessionId}`)}` : ''
  return [
    `${paint.bold(task.name)} ${verb}: ${paint.state(task.state)}${id}`,
    `  look at it   rca logs -f ${task.name}    (or rca attach ${task.name})`,
    `  wait for it  rca wait ${task.name}`,
    '',
  ].join('\n')
}

/** One line about a task that has ended, or not. Pure. */
export function renderBrief(task: TaskJson, paint: Paint): string {
  const reason = task.reason ? `: ${oneLine(task.reason, 200)}` : ''
  return `${paint.bold(task.name)} ${paint.state(task.state)}${reason}\n`
}

/** What `rca status` shows. Pure. */
export function renderStatus(task: StatusJson, nowMs: number, paint: Paint): string {
  const ago = (time: string | null) =>
    time === null ? null : `${formatDuration(nowMs - Date.parse(time))} ago (${time})`
  const rows: [string, string | null][] = [
    ['reason', task.reason],
    ['hint', task.hint],
    ['folder', task.cwd],
    ['access', task.access],
    ['conversation', task.agentSessionId],
    ['started', ago(task.startedAt)],
    ['last output', ago(task.lastActivityAt)],
    ['ended', ago(task.endedAt)],
    ['exit', task.exit === null ? null : 'code' in task.exit ? `code ${task.exit.code}` : task.exit.signal],
    ['tokens', tokens(task)],
    ['records', task.taskDir],
  ]
  const known = rows.filter((row): row is [string, string] => row[1] !== null)
  return [
    `${paint.bold(task.name)}  ${paint.state(task.state)}`,
    ...known.map(([name, value]) => `  ${paint.dim(name.padEnd(13))}${oneLine(value, 400)}`),
    ...section('attempts', task.attemptList.map(attemptLine), paint),
    ...section('evidence', task.evidence, paint),
    ...section('refused for lack of permission', task.denials, paint),
    ...section(
      'processes',
      task.processes.map((one) => `${one.pid}  ${one.command}`),
      paint,
    ),
    ...section('last message', task.lastMessage === null ? [] : [task.lastMessage], paint),
    '',
  ].join('\n')
}

function section(title: string, lines: readonly string[], paint: Paint): string[] {
  return lines.length === 0
    ? []
    : [`  ${paint.dim(title)}`, ...lines.map((line) => `    ${oneLine(line, 160)}`)]
}

function attemptLine(one: StatusJson['attemptList'][number]): string {
  const end = one.outcome === null ? 'under way' : `${one.outcome}${one.reason ? `: ${one.reason}` : ''}`
  return `${one.number}  ${one.how ?? '?'}  ${one.startedAt ?? '?'}  ${end}`
}

function tokens(task: TaskJson): string | null {
  const usage = task.usage
  if (!usage) return null
  const cost = usage.costUsd === null ? '' : `, $${usage.costUsd.toFixed(4)}`
  return `${usage.inputTokens ?? '?'} in, ${usage.outputTokens ?? '?'} out${cost}`
}
