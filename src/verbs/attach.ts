import type { Verb } from '../cli.ts'
import { RcaError } from '../errors.ts'
import { open } from './common.ts'

export const attach: Verb = async ([name = ''], options) => {
  const { context } = await open(options)
  const { attachCommand } = await import('../commands/attach.ts')
  const [file = 'tmux', ...args] = await attachCommand(name, context)
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new RcaError('usage', 'attach needs a terminal', `Without one: rca logs -f ${name}`)
  }
  const { execa } = await import('execa')
  const result = await execa(file, args, { stdio: 'inherit', reject: false })
  process.exitCode = result.exitCode ?? 1
}
