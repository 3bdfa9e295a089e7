import type { Verb } from '../cli.ts'
import type { LogItem } from '../commands/logs.ts'
import type { Context } from '../context.ts'
import type { Io } from '../io.ts'
import { flag, interruptible, open, stretch, text, wholeNumber } from './common.ts'

export const logs: Verb = async ([name = ''], options) => {
  const { io, context } = await open(options)
  const shown = stretch(options, context)
  if (flag(options, 'pane')) return showPane(name, shown.tail, io, context)
  const stop = interruptible(() => {})
  const wanted = {
    ...shown,
    attempt: options.attempt === undefined ? null : wholeNumber('--attempt', text(options, 'attempt') ?? ''),
  }
  const commands = await import('../commands/logs.ts')
  if (flag(options, 'raw')) {
    for await (const chunk of commands.rawLogs(name, wanted, context, stop)) io.out(chunk)
    return
  }
  const { renderLogItem } = await import('../render/log.ts')
  const show =
    io.json || flag(options, 'events')
      ? showAsJson(io)
      : (item: LogItem) => io.out(renderLogItem(item, io.paint))
  for await (const item of commands.logs(name, wanted, context, stop)) show(item)
}

const showAsJson = (io: Io) => (item: LogItem) => {
  if (item.kind === 'event') io.outJson({ attempt: item.attempt, ...item.event })
}

async function showPane(name: string, lines: number | null, io: Io, context: Context): Promise<void> {
  const { paneText } = await import('../commands/attach.ts')
  const { harmless } = await import('../render/text.ts')
  io.out(`${harmless(await paneText(name, lines, context)).trimEnd()}\n`)
}
