import type { Verb } from '../cli.ts'
import { open } from './common.ts'

export const deliver: Verb = async ([dir = ''], options) => {
  const { context } = await open(options)
  const commands = await import('../commands/deliver.ts')
  await commands.deliver(dir, context)
}
