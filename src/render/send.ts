import type { SendResult } from '../commands/send.ts'
import type { Paint } from './paint.ts'
import { oneLine } from './text.ts'

/** What `rca send` tells a person. Pure. */
export function renderSent({ answer, followUp, before, repeated, task }: SendResult, paint: Paint): string {
  const again = repeated ? ' (it had been sent before)' : ''
  const why = task.reason === null ? '' : `: ${oneLine(task.reason, 200)}`
  const name = paint.bold(task.name)
  if (answer === 'started')
    return `${name} follow-up ${followUp.id} started: attempt ${followUp.attempt}, ${paint.state(task.state)}${why}${again}\n`
  const turn = before === 0 ? 'it is the next turn' : `${before} more come before it`
  return `${name} follow-up ${followUp.id} queued: ${turn}; the task is ${paint.state(task.state)}${again}\n`
}
