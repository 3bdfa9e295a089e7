import type { Verb } from '../cli.ts'
import { parseDuration } from '../duration.ts'
import { RcaError } from '../errors.ts'
import { isLive, STATES } from '../task/state.ts'
import { flag, oneOf, open, text, texts } from './common.ts'

export const prune: Verb = async (_, options) => {
  const { io, context } = await open(options)
  const olderThan = text(options, 'olderThan')
  if (olderThan === null)
    throw new RcaError('usage', 'prune needs --older-than', 'For example: rca prune --older-than 30d')
  const olderThanMs = parseDuration(olderThan, '--older-than')
  const states = texts(options, 'state')
  const finished = STATES.filter((one) => !isLive(one) && one !== 'unknown')
  for (const one of states) oneOf('--state', one, finished)
  const { prune } = await import('../commands/remove.ts')
  const result = await prune({ olderThanMs, states, dryRun: flag(options, 'dryRun') }, context)
  if (io.json) return io.outJson(result)
  const { renderRemoved } = await import('../render/remove.ts')
  io.out(renderRemoved(result.removed, result.dryRun ? 'would be removed' : 'removed', io.paint))
  for (const { taskDir, reason } of result.left) context.warn(`left ${taskDir}: ${reason}`)
}
