import type { AgentEvent } from '../agents/event.ts'
import type { Dropped, LogItem } from '../logs/items.ts'
import { formatSize } from '../size.ts'
import type { Paint } from './paint.ts'
import { harmless, oneLine } from './text.ts'

const OUTPUT_LINES = 8

/** One item of the logs as lines for a person; empty where there is nothing to show. Pure. */
export function renderLogItem(item: LogItem, paint: Paint): string {
  if (item.kind === 'attempt') return `${paint.dim(`── attempt ${item.number} (${item.how}) ${item.at}`)}\n`
  if (item.kind === 'stderr') return `${paint.dim(`stderr ${harmless(item.text)}`)}\n`
  if (item.kind === 'dropped') return `${paint.dim(dropped(item))}\n`
  const text = renderEvent(item.event, paint)
  return text === '' ? '' : `${text}\n`
}

function dropped({ file, bytes }: Dropped): string {
  const what = file === 'events' ? 'what it printed' : 'what it wrote to stderr'
  return `… the oldest ${formatSize(bytes)} of ${what} were dropped: see maxLogBytes`
}

function renderEvent(event: AgentEvent, paint: Paint): string {
  switch (event.kind) {
    case 'session':
      return paint.dim(`conversation ${harmless(event.id)}`)
    case 'message':
      return event.role === 'user'
        ? paint.dim(`> ${oneLine(event.text, 200)}`)
        : harmless(event.text).trimEnd()
    case 'tool-started':
      return `${paint.bold(`• ${oneLine(event.name, 60)}`)} ${oneLine(event.input, 300)}`
    case 'tool-finished':
      return indent(event.output, event.ok ? '  ' : '  ✗ ', paint)
    case 'usage':
    case 'turn':
      return ''
    case 'retry':
      return `${paint.state('waiting')} ${oneLine(event.message, 300)}`
    case 'denied':
      return `refused for lack of permission: ${oneLine(event.message, 300)}`
    case 'error':
      return `error: ${oneLine(event.message, 500)}`
    case 'finished':
      return finished(event, paint)
  }
}

function finished(event: Extract<AgentEvent, { kind: 'finished' }>, paint: Paint): string {
  const message = event.message && event.outcome !== 'completed' ? `: ${oneLine(event.message, 500)}` : ''
  return paint.bold(`${event.outcome}${message}`)
}

function indent(text: string, mark: string, paint: Paint): string {
  const lines = harmless(text).trimEnd().split('\n')
  const shown = lines.slice(0, OUTPUT_LINES).map((line) => `${mark}${line}`)
  if (lines.length > OUTPUT_LINES) shown.push(`${mark}… ${lines.length - OUTPUT_LINES} more lines`)
  return paint.dim(shown.join('\n'))
}
