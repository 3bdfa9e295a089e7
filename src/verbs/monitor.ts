import type { Verb } from '../cli.ts'
import { flag, oneOf, open } from './common.ts'

export const monitor: Verb = async ([what = 'run'], options) => {
  const { io, context } = await open(options)
  const commands = await import('../commands/monitor.ts')
  const { logLine: log } = await import('../io.ts')
  oneOf('monitor', what, ['run', 'status', 'stop'])
  if (what === 'run') {
    if (flag(options, 'once')) return commands.monitorOnce(context, log)
    const wanted = { byVerb: flag(options, 'startedByVerb'), replace: flag(options, 'replace'), log }
    return commands.runMonitor(wanted, context, gracefully())
  }
  const found = what === 'stop' ? await commands.stopMonitor(context) : commands.monitorStatus(context)
  if (!found && what === 'status') process.exitCode = 1
  if (io.json) return io.outJson({ running: what === 'status' && found !== null, monitor: found })
  const { renderMonitor } = await import('../render/monitor.ts')
  io.out(renderMonitor(found, what === 'stop', context.now(), io.paint))
}

/** A signal that fires at SIGTERM, SIGINT and SIGHUP, which are how a monitor ends well. */
function gracefully(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort())
  return stop.signal
}
