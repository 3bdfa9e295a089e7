import type { Verb } from '../cli.ts'
import { RcaError } from '../errors.ts'
import { open, text, texts, wantsMonitor } from './common.ts'

export const send: Verb = async ([name = '', words], options) => {
  const { io, context } = await open(options)
  const { readPrompt } = await import('../commands/prompt.ts')
  const file = text(options, 'promptFile')
  const source =
    words === '-' ? { prompt: null, promptFile: '-' } : { prompt: words ?? null, promptFile: file }
  const commands = await import('../commands/send.ts')
  try {
    const prompt = await readPrompt(source, context, 'TEXT')
    const wanted = { text: prompt, key: text(options, 'key'), env: texts(options, 'env') }
    const result = await commands.send(name, { ...wanted, monitor: await wantsMonitor(context) }, context)
    if (io.json) return io.outJson(result)
    const { renderSent } = await import('../render/send.ts')
    io.out(renderSent(result, io.paint))
  } catch (error) {
    // Whatever went wrong before it was kept: a program need not ask whether it was.
    if (error instanceof RcaError) error.details = { answer: 'refused', ...error.details }
    throw error
  }
}
