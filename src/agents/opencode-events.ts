import type { AgentEvent } from './event.ts'
import { type JsonObject, num, obj, parseObject, str, utc } from './json.ts'
import { plainLines, withCached } from './opencode-pi-common.ts'

// What `opencode run --format json` prints, as seen with opencode 1.18.33.

/** One line of stdout. Every line names its session; a step's first line is enough to learn it from. */
export function parseOpencode(line: string): AgentEvent[] {
  const event = parseObject(line)
  if (!event) return []
  const part = obj(event.part) ?? {}
  const events = eventsOf(event, part)
  const at = utc(event.timestamp)
  return at === null ? events : events.map((one) => ({ at, ...one }))
}

function eventsOf(event: JsonObject, part: JsonObject): AgentEvent[] {
  switch (event.type) {
    case 'step_start':
      return [...session(event), { kind: 'turn' }]
    case 'text':
      return message(str(part.text))
    case 'tool_use':
      return tool(part, obj(part.state) ?? {})
    case 'step_finish':
      return [usage(part), ...finish(str(part.reason))]
    case 'error':
      return [...session(event), ...failure(obj(event.error) ?? {})]
    default:
      return []
  }
}

function session(event: JsonObject): AgentEvent[] {
  const id = str(event.sessionID)
  return id ? [{ kind: 'session', id }] : []
}

function message(text: string | null): AgentEvent[] {
  return text ? [{ kind: 'message', role: 'assistant', text }] : []
}

/** A refusal is a tool's error: by a rule in the first words, by nobody there to ask (no `--auto`) in the second. */
const DENIED = /^The user (has specified a rule which prevents|rejected permission)/

/** Printed when the tool has ended, never before; its times tell when it began. */
function tool(part: JsonObject, state: JsonObject): AgentEvent[] {
  const id = str(part.callID) ?? ''
  const name = str(part.tool) ?? 'tool'
  const asked = inputOf(obj(state.input) ?? {})
  const ok = state.status === 'completed'
  const output = (ok ? str(state.output) : str(state.error)) ?? ''
  const began = utc(obj(state.time)?.start)
  const events: AgentEvent[] = [
    { kind: 'tool-started', id, name, input: asked, ...(began === null ? {} : { at: began }) },
    { kind: 'tool-finished', id, name, ok, output },
  ]
  if (!ok && DENIED.test(output)) events.push({ kind: 'denied', message: `${name} ${asked}: not permitted` })
  return events
}

function inputOf(input: JsonObject): string {
  return str(input.command) ?? str(input.filePath) ?? str(input.pattern) ?? JSON.stringify(input)
}

/** `input` does not include the cached tokens. */
function usage(part: JsonObject): AgentEvent {
  const tokens = obj(part.tokens) ?? {}
  const cached = num(obj(tokens.cache)?.read)
  const usage = {
    inputTokens: withCached(num(tokens.input), cached),
    cachedInputTokens: cached,
    outputTokens: num(tokens.output),
    costUsd: num(part.cost),
  }
  return { kind: 'usage', usage }
}

/** Only `stop` ends a run well; after `tool-calls` there is more to come, and everything else broke off an answer. */
function finish(reason: string | null): AgentEvent[] {
  if (reason === 'stop') return [{ kind: 'finished', outcome: 'completed', message: null }]
  if (reason === 'tool-calls') return []
  return [{ kind: 'error', message: `the answer broke off: ${reason ?? 'no reason given'}` }]
}

function failure(error: JsonObject): AgentEvent[] {
  const data = obj(error.data) ?? {}
  const words = str(data.message) ?? str(error.name) ?? 'unknown error'
  const status = num(data.statusCode)
  const message = status === null ? words : `${words} (HTTP ${status})${whenAgain(status, data)}`
  return [
    { kind: 'error', message },
    { kind: 'finished', outcome: 'failed', message },
  ]
}

/** The provider's answer comes along whole, headers as an object and the body as text: when it will serve again. */
function whenAgain(status: number, data: JsonObject): string {
  if (status !== 429) return ''
  const resetsAt = num(obj(parseObject(str(data.responseBody) ?? '')?.error)?.resets_at)
  const reset = resetsAt === null ? null : utc(resetsAt * 1000)
  if (reset !== null) return `, resets at ${reset}`
  const after = str(obj(data.responseHeaders)?.['retry-after'])
  return after === null ? '' : `, retry-after: ${after}`
}

/**
 * With `--print-logs --log-level ERROR` stderr has what stdout leaves out: each failed model request as it happens
 * (stdout is silent while opencode tries again), and the error behind "Unexpected server error".
 */
export function parseOpencodeStderr(line: string): Extract<AgentEvent, { kind: 'error' }>[] {
  const [plain = ''] = plainLines(line)
  if (!/\blevel=ERROR\b.*\bmessage=("stream error"|failed)/.test(plain) || / small=true /.test(plain))
    return []
  const quoted = /\berror(?:\.error)?=("(?:[^"\\]|\\.)*")/.exec(plain)?.[1]
  const message = quoted ? str(parseObject(`{"text":${quoted}}`)?.text) : null
  if (!message) return []
  const at = utc(/\btimestamp=(\S+)/.exec(plain)?.[1])
  return [{ kind: 'error', message, ...(at === null ? {} : { at }) }]
}
