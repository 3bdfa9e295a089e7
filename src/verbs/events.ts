import type { Verb } from '../cli.ts'
import { streamOut } from '../standard-streams.ts'
import { interruptible, openToRead, stretch } from './common.ts'

export const events: Verb = async (names, options) => {
  const { context } = await openToRead(options)
  const wanted = stretch(options, context)
  const stop = interruptible(() => {})
  const commands = await import('../commands/events.ts')
  const { harmlessJson } = await import('../render/text.ts')
  for await (const event of commands.events(names, wanted, context, stop))
    await streamOut(`${harmlessJson(event)}\n`, stop)
}
