import type { Removed } from '../commands/remove.ts'
import type { Paint } from './paint.ts'

/** What `rca rm` and `rca prune` tell a person: a line a task. Pure. */
export function renderRemoved(
  tasks: readonly Removed[],
  what: 'removed' | 'would be removed',
  paint: Paint,
): string {
  return tasks
    .map((task) => `${paint.bold(task.name)} ${what}: ${paint.state(task.state)}${queued(task)}\n`)
    .join('')
}

function queued({ queuedFollowUps: count }: Removed): string {
  return count === 0
    ? ''
    : `, with ${count} ${count === 1 ? 'follow-up' : 'follow-ups'} that had not been delivered`
}
