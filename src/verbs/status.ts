import type { Verb } from '../cli.ts'
import { open } from './common.ts'

export const status: Verb = async ([name = ''], options) => {
  const { io, context } = await open(options)
  const commands = await import('../commands/status.ts')
  const found = await commands.status(name, context)
  if (found.state === 'unknown') process.exitCode = 4
  if (io.json) return io.outJson(found)
  const { renderStatus } = await import('../render/task.ts')
  io.out(renderStatus(found, context.now(), io.paint))
}
