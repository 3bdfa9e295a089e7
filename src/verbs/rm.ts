import type { Verb } from '../cli.ts'
import { flag, open } from './common.ts'

export const rm: Verb = async (names, options) => {
  const { io, context } = await open(options)
  const commands = await import('../commands/remove.ts')
  const force = flag(options, 'force')
  const results = await Promise.allSettled(names.map((name) => commands.remove(name, { force }, context)))
  const removed = results.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
  const [first, ...others] = results.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  if (io.json && !first) return io.outJson(removed)
  if (!io.json) {
    const { renderRemoved } = await import('../render/remove.ts')
    io.out(renderRemoved(removed, 'removed', io.paint))
    for (const error of others) context.warn(error instanceof Error ? error.message : String(error))
  }
  if (first) throw first
}
