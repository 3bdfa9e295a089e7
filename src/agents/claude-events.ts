import type { AgentEvent } from './event.ts'
import { type JsonObject, list, num, obj, parseObject, str } from './json.ts'

// Events of `claude -p --output-format stream-json --verbose` as Claude Code 2.1.197 prints them.

/** What the input of a tool is about, most telling first. */
const TELLING = ['command', 'file_path', 'notebook_path', 'pattern', 'url', 'query', 'skill', 'description']

/** One line of `--output-format stream-json`. */
export function parseClaude(line: string): AgentEvent[] {
  const event = parseObject(line)
  if (!event) return []
  const at = str(event.timestamp)
  const events = translate(event)
  return at === null ? events : events.map((one) => ({ ...one, at }))
}

function translate(event: JsonObject): AgentEvent[] {
  switch (event.type) {
    case 'system':
      return systemEvent(event)
    case 'assistant':
      return assistantEvents(event)
    case 'user':
      return userEvents(event)
    case 'rate_limit_event':
      return rateLimit(obj(event.rate_limit_info))
    case 'result':
      return resultEvents(event)
    default:
      return []
  }
}

function systemEvent(event: JsonObject): AgentEvent[] {
  if (event.subtype === 'init') {
    const id = str(event.session_id)
    return id === null ? [] : [{ kind: 'session', id }, { kind: 'turn' }]
  }
  if (event.subtype !== 'api_retry') return []
  const status = num(event.error_status)
  const message = `${str(event.error) ?? 'error'}${status === null ? '' : ` (${status})`}`
  const delay = num(event.retry_delay_ms)
  return [{ kind: 'retry', message, delayMs: delay === null ? null : Math.round(delay) }]
}

/** `parent_tool_use_id` marks a subagent: its tools are work, its words are not the answer. */
function assistantEvents(event: JsonObject): AgentEvent[] {
  const message = obj(event.message)
  const own = !str(event.parent_tool_use_id)
  // The program's own words in the model's place, for example "Not logged in · Please run /login".
  const synthetic = message?.model === '<synthetic>'
  // A usage limit was told by the event before, with its exact reset.
  if (synthetic && event.error === 'rate_limit') return []
  return list(message?.content).flatMap((block): AgentEvent[] => {
    const part = obj(block)
    if (part?.type === 'tool_use') return [toolStarted(part)]
    const text = part?.type === 'text' ? str(part.text) : null
    if (text === null || !own) return []
    return synthetic ? [{ kind: 'error', message: text }] : [{ kind: 'message', role: 'assistant', text }]
  })
}

function toolStarted(part: JsonObject): AgentEvent {
  const name = str(part.name) ?? '?'
  return { kind: 'tool-started', id: str(part.id) ?? '', name, input: inputOf(part.input) }
}

function userEvents(event: JsonObject): AgentEvent[] {
  const own = !str(event.parent_tool_use_id)
  return list(obj(event.message)?.content).flatMap((block): AgentEvent[] => {
    const part = obj(block)
    if (part?.type === 'tool_result') return [toolFinished(part)]
    const text = part?.type === 'text' ? str(part.text) : null
    return text === null || !own ? [] : [{ kind: 'message', role: 'user', text }]
  })
}

function toolFinished(part: JsonObject): AgentEvent {
  const id = str(part.tool_use_id) ?? ''
  return { kind: 'tool-finished', id, name: null, ok: part.is_error !== true, output: textOf(part.content) }
}

function textOf(content: unknown): string {
  const plain = str(content)
  if (plain !== null) return plain
  const texts = list(content).map((part) => str(obj(part)?.text))
  return texts.filter((text) => text !== null).join('\n')
}

function inputOf(input: unknown): string {
  const fields = obj(input)
  for (const key of TELLING) {
    const value = str(fields?.[key])
    if (value !== null) return value
  }
  return fields ? JSON.stringify(fields) : ''
}

/** Comes with accounts that have limits of their own (a plan); `resetsAt` is in seconds. */
function rateLimit(info: JsonObject | null): AgentEvent[] {
  if (info?.status !== 'rejected') return []
  const seconds = num(info.resetsAt)
  const reset = seconds === null ? null : new Date(seconds * 1000)
  const when = reset && !Number.isNaN(reset.getTime()) ? `, resets at ${reset.toISOString()}` : ''
  return [{ kind: 'error', message: `usage limit reached (${str(info.rateLimitType) ?? 'account'})${when}` }]
}

/** The last line of a run. `usage` counts this run alone, also after a resume. */
function resultEvents(event: JsonObject): AgentEvent[] {
  const denied = list(event.permission_denials).map((one): AgentEvent => {
    const denial = obj(one)
    return { kind: 'denied', message: `${str(denial?.tool_name) ?? '?'}: ${inputOf(denial?.tool_input)}` }
  })
  return [...usageOf(event), ...denied, finished(event)]
}

/** `input_tokens` leaves out what came from or went into the cache; rca counts it in, as the other agents do. */
function usageOf(event: JsonObject): AgentEvent[] {
  const usage = obj(event.usage)
  if (!usage) return []
  const cached = num(usage.cache_read_input_tokens)
  const fresh = num(usage.input_tokens)
  const inputTokens =
    fresh === null ? null : fresh + (cached ?? 0) + (num(usage.cache_creation_input_tokens) ?? 0)
  const outputTokens = num(usage.output_tokens)
  const costUsd = num(event.total_cost_usd)
  return [{ kind: 'usage', usage: { inputTokens, cachedInputTokens: cached, outputTokens, costUsd } }]
}

/** `subtype` says "success" for API errors too: `is_error` decides. */
function finished(event: JsonObject): AgentEvent {
  const subtype = str(event.subtype) ?? ''
  const said = str(event.result)
  if (event.is_error !== true && subtype === 'success') {
    return { kind: 'finished', outcome: 'completed', message: said }
  }
  const ending = str(event.terminal_reason) ?? ''
  if (ending.startsWith('aborted')) {
    return { kind: 'finished', outcome: 'interrupted', message: `interrupted (${ending})` }
  }
  const errors = list(event.errors).map(str)
  const message = said || errors.find((error) => error) || subtype || null
  return { kind: 'finished', outcome: 'failed', message }
}
