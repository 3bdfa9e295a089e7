import type { Verb } from '../cli.ts'
import { interruptible, open, stretch } from './common.ts'

export const events: Verb = async (names, options) => {
  const { io, context } = await open(options)
  const wanted = stretch(options, context)
  const stop = interruptible(() => {})
  const commands = await import('../commands/events.ts')
  for await (const event of commands.events(names, wanted, context, stop)) io.outJson(event)
}
