import type { Verb } from '../cli.ts'
import { writeOut } from '../standard-streams.ts'
import { open } from './common.ts'

export const settle: Verb = async ([dir = ''], options) => {
  const { context } = await open(options)
  const { settleAttempt } = await import('../commands/settle.ts')
  const { withoutMarker } = await import('../launch/script.ts')
  const { oneLine } = await import('../render/text.ts')
  const task = await settleAttempt(dir, context)
  if (!task) return
  // It shows in the pane, and may quote the agent.
  const reason = task.reason && withoutMarker(oneLine(task.reason, 180))
  writeOut(`rca: ${task.name} ${task.state}${reason ? `: ${reason}` : ''}\n`)
  process.exitCode = task.state === 'done' ? 0 : 1
}
