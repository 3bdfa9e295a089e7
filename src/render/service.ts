import type { ServiceJson, ServicePlan } from '../commands/service.ts'
import type { Done, Step } from '../service/service.ts'
import { quoteAll } from '../system/shell.ts'
import type { Paint } from './paint.ts'
import { harmless, oneLine } from './text.ts'

const DONE: Record<Done, string> = {
  installed: 'installed',
  updated: 'was installed, is brought up to date',
  started: 'was installed, is started',
  unchanged: 'was installed just so already, nothing changed',
  removed: 'removed',
  absent: 'was not installed, nothing to remove',
}

const known = (value: boolean | null) => (value === null ? null : value ? 'yes' : 'no')

/** What `rca service` tells a person; `done`: what has just been done, null: nothing was to be. Pure. */
export function renderService(service: ServiceJson, done: Done | null, paint: Paint): string {
  const state = done ? DONE[done] : service.installed ? 'installed' : 'not installed'
  const gone = done === 'removed' || done === 'absent'
  const running =
    service.pid === null ? known(service.active) : `${known(service.active)} (pid ${service.pid})`
  const rows: [string, string | null][] = [
    ['kind', service.kind],
    ['path', service.path],
    ['enabled', known(service.enabled)],
    ['active', running],
    ['lingering', known(service.lingering)],
    ['watches', service.state],
  ]
  const shown = gone || !service.kind ? [] : rows.filter((row): row is [string, string] => row[1] !== null)
  return [
    `${paint.bold('rca monitor as a service')} ${state}`,
    ...shown.map(([name, value]) => `  ${paint.dim(name.padEnd(11))}${oneLine(value, 400)}`),
    ...service.notes.map((note) => `  ${paint.dim('note')}       ${oneLine(note, 600)}`),
    '',
  ].join('\n')
}

/** What `--dry-run` prints. Pure. */
export function renderServicePlan(plan: ServicePlan): string {
  if (plan.steps.length === 0) return `nothing to do: the service ${DONE[plan.done]}\n`
  return harmless(plan.steps.map(stepText).join('\n'))
}

function stepText(step: Step): string {
  if (step.do === 'write') return `--- write ${step.path}\n${step.content}`
  if (step.do === 'remove') return `--- remove ${step.path}\n`
  const input = step.input === undefined ? '' : ` with this input\n${step.input}`
  return `--- run ${quoteAll(step.argv)}${input}${input.endsWith('\n') ? '' : '\n'}`
}
