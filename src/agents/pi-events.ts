import type { AgentEvent } from './event.ts'
import { type JsonObject, list, num, obj, parseObject, str, utc } from './json.ts'
import { withCached } from './opencode-pi-common.ts'

// What `pi --mode json` prints, as seen with pi 0.74.2.

/** One line of stdout. `agent_end` is not the end (pi may try again after it): the last answer's stop reason is. */
export function parsePi(line: string): AgentEvent[] {
  const event = parseObject(line)
  if (!event) return []
  const events = eventsOf(event)
  const at = utc(event.timestamp ?? obj(event.message)?.timestamp)
  return at === null ? events : events.map((one) => ({ at, ...one }))
}

function eventsOf(event: JsonObject): AgentEvent[] {
  switch (event.type) {
    case 'session':
      return typeof event.id === 'string' ? [{ kind: 'session', id: event.id }] : []
    case 'turn_start':
      return [{ kind: 'turn' }]
    case 'message_end':
      return message(obj(event.message) ?? {})
    case 'tool_execution_start':
      return [{ kind: 'tool-started', ...call(event), input: inputOf(obj(event.args) ?? {}) }]
    case 'tool_execution_end': {
      const output = textOf(obj(event.result)?.content)
      return [{ kind: 'tool-finished', ...call(event), ok: event.isError !== true, output }]
    }
    default:
      return housekeeping(event)
  }
}

function housekeeping(event: JsonObject): AgentEvent[] {
  if (event.type === 'auto_retry_start') {
    const message = str(event.errorMessage) ?? 'unknown error'
    return [{ kind: 'retry', message, delayMs: num(event.delayMs) }]
  }
  if (event.type === 'auto_retry_end' && event.success === false) {
    return failed(str(event.finalError) ?? 'gave up after several tries')
  }
  const message = event.type === 'compaction_end' ? str(event.errorMessage) : null
  return message ? [{ kind: 'error', message }] : []
}

function message(message: JsonObject): AgentEvent[] {
  const text = textOf(message.content)
  if (message.role === 'user') return [{ kind: 'message', role: 'user', text }]
  if (message.role !== 'assistant') return []
  const said: AgentEvent[] = text === '' ? [] : [{ kind: 'message', role: 'assistant', text }]
  return [...said, usage(obj(message.usage) ?? {}), ...stop(message)]
}

/** `aborted` is no person's doing: pi has no such key in this mode, and says it when it is told to end. */
function stop(message: JsonObject): AgentEvent[] {
  const reason = str(message.stopReason)
  if (reason === 'stop') return [{ kind: 'finished', outcome: 'completed', message: null }]
  if (reason === 'toolUse') return []
  if (reason === 'error' || reason === 'aborted') return failed(str(message.errorMessage) ?? reason)
  return [{ kind: 'error', message: `the answer broke off: ${reason ?? 'no reason given'}` }]
}

function failed(message: string): AgentEvent[] {
  return [
    { kind: 'error', message },
    { kind: 'finished', outcome: 'failed', message },
  ]
}

/** A model without a price costs 0. */
function usage(usage: JsonObject): AgentEvent {
  const cached = num(usage.cacheRead)
  const counted = {
    inputTokens: withCached(num(usage.input), cached),
    cachedInputTokens: cached,
    outputTokens: num(usage.output),
    costUsd: num(obj(usage.cost)?.total),
  }
  return { kind: 'usage', usage: counted }
}

function call(event: JsonObject): { id: string; name: string } {
  return { id: str(event.toolCallId) ?? '', name: str(event.toolName) ?? 'tool' }
}

function inputOf(args: JsonObject): string {
  return str(args.command) ?? str(args.path) ?? str(args.pattern) ?? JSON.stringify(args)
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  return list(content)
    .flatMap((part) => str(obj(part)?.text) ?? [])
    .join('\n')
}
