import type { Verb } from '../cli.ts'
import { type Context, withTerminals } from '../context.ts'
import type { Io } from '../io.ts'
import type { LogItem } from '../logs/items.ts'
import { streamOut } from '../standard-streams.ts'
import { flag, interruptible, openToRead, stretch, text, wholeNumber } from './common.ts'

export const logs: Verb = async ([name = ''], options) => {
  const { io, context } = await openToRead(options)
  const shown = stretch(options, context)
  if (flag(options, 'pane')) return showPane(name, shown.tail, io, await withTerminals(context))
  const stop = interruptible(() => {})
  const wanted = {
    ...shown,
    attempt: options.attempt === undefined ? null : wholeNumber('--attempt', text(options, 'attempt') ?? ''),
  }
  const commands = await import('../commands/logs.ts')
  if (flag(options, 'raw')) {
    for await (const chunk of commands.rawLogs(name, wanted, context, stop)) await streamOut(chunk, stop)
    return
  }
  const show = await (io.json || flag(options, 'events') ? forPrograms() : forPeople(io))
  for await (const items of commands.logs(name, wanted, context, stop)) {
    await streamOut(items.map(show).join(''), stop)
  }
}

async function forPeople({ paint }: Io): Promise<(item: LogItem) => string> {
  const { renderLogItem } = await import('../render/log.ts')
  return (item) => renderLogItem(item, paint)
}

async function forPrograms(): Promise<(item: LogItem) => string> {
  const { harmlessJson } = await import('../render/text.ts')
  return (item) => {
    if (item.kind === 'event') return `${harmlessJson({ attempt: item.attempt, ...item.event })}\n`
    return item.kind === 'dropped' ? `${harmlessJson(item)}\n` : ''
  }
}

async function showPane(name: string, lines: number | null, io: Io, context: Context): Promise<void> {
  const { paneText } = await import('../commands/attach.ts')
  const { harmless } = await import('../render/text.ts')
  io.out(`${harmless(await paneText(name, lines, context)).trimEnd()}\n`)
}
