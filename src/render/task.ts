import type { StatusJson } from '../commands/status.ts'
import { formatDuration } from '../duration.ts'
import type { TaskJson } from '../task/json.ts'
import { isLive } from '../task/state.ts'
import { noticeLine } from './notify.ts'
import type { Paint } from './paint.ts'
import { oneLine } from './text.ts'
import { deathLine, deathsHeading, nextSentence, policyLine } from './why.ts'

/** Of attempts and deaths, the newest so many are shown; --json has all. */
const NEWEST = 10

/** What `rca start` and `rca resume` tell a person. Pure. */
export function renderStarted(task: TaskJson, verb: string, paint: Paint): string {
  const id = task.agentSessionId ? `  ${paint.dim(`conversation ${task.agentSessionId}`)}` : ''
  return [
    `${paint.bold(task.name)} ${verb}: ${paint.state(task.state)}${id}`,
    `  look at it   rca logs -f ${task.name}${task.terminal === 'plain' ? '' : `    (or rca attach ${task.name})`}`,
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
    ['next', nextSentence(task, nowMs)],
    ['doing', task.doing],
    ['folder', task.cwd],
    ['access', task.access],
    ['terminal', task.terminal],
    ['conversation', task.agentSessionId],
    ['started', ago(task.startedAt)],
    ['last output', ago(task.lastActivityAt)],
    ['ended', ago(task.endedAt)],
    ['exit', task.exit === null ? null : 'code' in task.exit ? `code ${task.exit.code}` : task.exit.signal],
    ['tokens', tokens(task)],
    ['policy', task.policy && policyLine(task.policy)],
    ['monitor', task.state !== 'foreign' && isLive(task.state) ? monitorLine(task.monitor, nowMs) : null],
    ['records', task.taskDir],
  ]
  const known = rows.filter((row): row is [string, string] => row[1] !== null)
  return [
    `${paint.bold(task.name)}  ${paint.state(task.state)}`,
    ...known.map(([name, value]) => `  ${paint.dim(name.padEnd(13))}${oneLine(value, 400)}`),
    ...section('follow-ups', newest(task.followUps.map(followUpLine)), paint),
    ...section('attempts', newest(task.attemptList.map(attemptLine)), paint),
    ...section(deathsHeading(task.deaths), newest(task.deaths.map((one) => deathLine(one, nowMs))), paint),
    ...section('notifications', newest(task.notices.map((one) => noticeLine(one, nowMs))), paint),
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

function monitorLine({ running, pid, version, since }: StatusJson['monitor'], nowMs: number): string {
  if (!running) return 'none runs'
  const age = since === null ? '' : ` for ${formatDuration(nowMs - Date.parse(since))}`
  return `runs${age} (pid ${pid}, rca ${version})`
}

function newest(lines: readonly string[]): string[] {
  const left = lines.length - NEWEST
  return left > 0 ? [`… ${left} earlier`, ...lines.slice(left)] : [...lines]
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

function followUpLine({ id, state, attempt, queuedAt }: StatusJson['followUps'][number]): string {
  return `${id}  ${state}${attempt === null ? '' : ` in attempt ${attempt}`}  sent ${queuedAt}`
}

function tokens(task: TaskJson): string | null {
  const usage = task.usage
  if (!usage) return null
  const cost = usage.costUsd === null ? '' : `, $${usage.costUsd.toFixed(4)}`
  return `${usage.inputTokens ?? '?'} in, ${usage.outputTokens ?? '?'} out${cost}`
}
