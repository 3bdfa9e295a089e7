import type { Verb } from '../cli.ts'
import { RcaError } from '../errors.ts'
import { open, text, texts, wantsMonitor } from './common.ts'

export const resume: Verb = async ([name = ''], options) => {
  const { io, context } = await open(options)
  const prompt = text(options, 'prompt')
  if (prompt !== null && prompt.trim() === '') throw new RcaError('usage', 'The prompt is empty')
  const commands = await import('../commands/resume.ts')
  const env = texts(options, 'env')
  const monitor = await wantsMonitor(context)
  const by = 'person' as const
  const wanted = { prompt, env, caller: process.env, by, graceMs: 3_000, monitor }
  const result = await commands.resume(name, wanted, context)
  if (result.note) io.err(`rca: ${result.note}\n`)
  if (io.json) return io.outJson(result.task)
  const { renderBrief, renderStarted } = await import('../render/task.ts')
  io.out(
    result.resumed ? renderStarted(result.task, 'resumed', io.paint) : renderBrief(result.task, io.paint),
  )
}
