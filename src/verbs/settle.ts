import type { Verb } from '../cli.ts'
import { writeOut } from '../standard-streams.ts'
import { open } from './common.ts'

export const settle: Verb = async ([dir = ''], options) => {
  const { context } = await open(options)
  const { settleAttempt } = await import('../commands/settle.ts')
  const { oneLine } = await import('../render/text.ts')
  const task = await settleAttempt(dir, context)
  if (!task) return
  writeOut(`rca: ${task.name} ${task.state}${task.reason ? `: ${oneLine(task.reason, 180)}` : ''}\n`)
  process.exitCode = task.state === 'done' ? 0 : 1
}
