import type { AgentEvent, Usage } from './event.ts'
import { type JsonObject, list, num, obj, parseObject, str } from './json.ts'

// Events of `codex exec --json` as codex-cli 0.169.0 prints them.

/** Items of type error that tell of no trouble and would later pass for the reason of a crash. */
const WARNING = /^(Model metadata for|This session was recorded with model)/

type ToolView = {
  readonly name: string
  readonly input: string
  readonly output: string
  readonly ok: boolean
}

/** One line of `codex exec --json`. */
export function parseCodex(line: string): AgentEvent[] {
  const event = parseObject(line)
  if (!event) return []
  switch (event.type) {
    case 'thread.started':
      return typeof event.thread_id === 'string' ? [{ kind: 'session', id: event.thread_id }] : []
    case 'turn.started':
      return [{ kind: 'turn' }]
    case 'turn.completed':
      return [...usageOf(obj(event.usage)), { kind: 'finished', outcome: 'completed', message: null }]
    case 'turn.failed':
      return [{ kind: 'finished', outcome: 'failed', message: plain(str(obj(event.error)?.message)) }]
    case 'error':
      return errorOf(plain(str(event.message)))
    case 'item.started':
      return itemStarted(obj(event.item))
    case 'item.completed':
      return itemCompleted(obj(event.item))
    default:
      return []
  }
}

/** Codex counts the tokens of the whole thread, earlier runs included (seen: 200, after a resume 400). */
function usageOf(usage: JsonObject | null): AgentEvent[] {
  if (!usage) return []
  const counted: Usage = {
    inputTokens: num(usage.input_tokens),
    cachedInputTokens: num(usage.cached_input_tokens),
    outputTokens: num(usage.output_tokens),
    costUsd: null,
  }
  return [{ kind: 'usage', usage: counted, cumulative: true }]
}

/** A top-level error is not the end: `turn.failed` is. Codex announces its own retries with "Reconnecting... 1/5 (…)". */
function errorOf(message: string | null): AgentEvent[] {
  if (!message) return []
  if (message.startsWith('Reconnecting')) return [{ kind: 'retry', message, delayMs: null }]
  return [{ kind: 'error', message }]
}

/** A refused request comes through as the provider's JSON body in a string. */
function plain(message: string | null): string | null {
  if (!message) return null
  const body = parseObject(message)
  return (body && (str(obj(body.error)?.message) ?? str(body.message))) || message
}

function itemStarted(item: JsonObject | null): AgentEvent[] {
  const tool = item && toolOf(item)
  return tool ? [{ kind: 'tool-started', id: str(item.id) ?? '', name: tool.name, input: tool.input }] : []
}

function itemCompleted(item: JsonObject | null): AgentEvent[] {
  if (!item) return []
  if (item.type === 'agent_message') {
    return [{ kind: 'message', role: 'assistant', text: str(item.text) ?? '' }]
  }
  if (item.type === 'error') {
    const message = str(item.message)
    return message && !WARNING.test(message) ? [{ kind: 'error', message }] : []
  }
  const tool = toolOf(item)
  if (!tool) return []
  const denied: AgentEvent[] =
    item.status === 'declined' ? [{ kind: 'denied', message: `${tool.name}: ${tool.input}` }] : []
  const { name, ok, output } = tool
  return [...denied, { kind: 'tool-finished', id: str(item.id) ?? '', name, ok, output }]
}

function toolOf(item: JsonObject): ToolView | null {
  const ok = item.status === undefined || item.status === 'completed'
  switch (item.type) {
    case 'command_execution':
      return {
        name: 'shell',
        input: str(item.command) ?? '',
        output: str(item.aggregated_output) ?? '',
        ok: ok && (num(item.exit_code) ?? 0) === 0,
      }
    case 'file_change':
      return { name: 'edit', input: changesOf(item), output: '', ok }
    case 'mcp_tool_call':
      return { name: mcpName(item), input: compact(item.arguments), output: mcpOutput(item), ok }
    case 'web_search':
      return { name: 'web_search', input: str(item.query) ?? '', output: '', ok }
    case 'collab_tool_call':
      return { name: str(item.tool) ?? 'agent', input: str(item.prompt) ?? '', output: '', ok }
    default:
      return null
  }
}

function changesOf(item: JsonObject): string {
  return list(item.changes)
    .map((change) => `${str(obj(change)?.kind) ?? 'change'} ${str(obj(change)?.path) ?? '?'}`)
    .join(', ')
}

function mcpName(item: JsonObject): string {
  return `${str(item.server) ?? 'mcp'}.${str(item.tool) ?? '?'}`
}

function mcpOutput(item: JsonObject): string {
  const error = str(obj(item.error)?.message)
  if (error) return error
  const texts = list(obj(item.result)?.content).map((part) => str(obj(part)?.text) ?? '')
  return texts.filter((text) => text !== '').join('\n')
}

function compact(value: unknown): string {
  return value === undefined || value === null ? '' : JSON.stringify(value)
}
