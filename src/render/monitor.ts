import { formatDuration } from '../duration.ts'
import type { Monitor } from '../supervise/presence.ts'
import type { Paint } from './paint.ts'

/** What `rca monitor status` and `stop` tell a person. Pure. */
export function renderMonitor(
  monitor: Monitor | null,
  stopped: boolean,
  nowMs: number,
  paint: Paint,
): string {
  if (!monitor)
    return stopped
      ? 'no monitor was running\n'
      : 'no monitor runs; the next rca start begins one, or: rca monitor\n'
  const age = formatDuration(nowMs - Date.parse(monitor.since))
  const what = stopped
    ? 'stopped; agents go on, nobody resumes them until the next rca start'
    : `runs for ${age}`
  return `${paint.bold('monitor')} pid ${monitor.pid}, ${monitor.origin}, rca ${monitor.version}: ${what}\n`
}
