import type { Verb } from '../cli.ts'
import { parseDuration } from '../duration.ts'
import { open, text } from './common.ts'

export const kill: Verb = async (names, options) => {
  const { io, context } = await open(options)
  const commands = await import('../commands/kill.ts')
  const graceMs = parseDuration(text(options, 'grace') ?? '5s', '--grace')
  const results = await Promise.allSettled(names.map((name) => commands.kill(name, { graceMs }, context)))
  const killed = results.filter((one) => one.status === 'fulfilled').map((one) => one.value)
  const [first, ...others] = results.filter((one) => one.status === 'rejected').map((one) => one.reason)
  if (io.json && !first) return io.outJson(killed)
  if (!io.json) {
    const { renderBrief } = await import('../render/task.ts')
    for (const task of killed) io.out(renderBrief(task, io.paint))
    for (const error of others) context.warn(error instanceof Error ? error.message : String(error))
  }
  if (first) throw first
}
