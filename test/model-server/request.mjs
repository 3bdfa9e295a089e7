// @ts-check
/**
 * The three APIs' requests, read into one shape.
 *
 * @typedef {'responses'|'messages'|'chat'} Api
 *
 * @typedef {object} ModelRequest
 * @property {Api} api
 * @property {string|null} conversation   The agent's own id of the conversation, where the request shows one.
 * @property {string|null} model
 * @property {boolean} stream
 * @property {number} items               Messages (Responses API: input items).
 * @property {string[]} userTexts         Every text of the user, whole, in order.
 * @property {string|null} key            The API key.
 * @property {string[]} toolCalls         Commands that the conversation asked a shell for; other tools' names.
 * @property {string[]} toolResults
 * @property {Tool[]} tools
 * @property {number|null} running        Codex: its shell command goes on in this session, ask for more output.
 *
 * @typedef {object} Tool
 * @property {string} name
 * @property {string[]} parameters
 *
 * @typedef {import('node:http').IncomingHttpHeaders} Headers
 * @typedef {any} Json   A body as it came; read defensively.
 */

/** @type {Record<Api, (body: Json) => Pick<ModelRequest, 'items'|'userTexts'|'toolCalls'|'toolResults'>>} */
const readers = { responses: readResponses, messages: readMessages, chat: readChat }

/**
 * @param {Api} api
 * @param {Json} body
 * @param {Headers} headers
 * @returns {ModelRequest}
 */
export function readRequest(api, body, headers) {
  return {
    api,
    conversation: conversationOf(body, headers),
    key: keyOf(headers),
    model: body.model ?? null,
    stream: body.stream === true,
    ...readers[api](body),
    tools: list(body.tools).map(readTool),
    running: runningOf(list(body.input).at(-1)),
  }
}

/** The names under which the four agents offer a shell, with the versions of AGENT-CLIS.md. */
const SHELLS = ['exec_command', 'shell_command', 'shell', 'local_shell', 'Bash', 'bash']

/** @param {ModelRequest} request */
export function shellOf(request) {
  return request.tools.find(({ name }) => SHELLS.includes(name)) ?? null
}

/**
 * Codex 0.169.0 gives up waiting for a command after 30 s and says under which number it goes on.
 * @param {Json} last   item of the input
 */
function runningOf(last) {
  const [output = ''] = last?.type === 'function_call_output' ? texts(last.output) : []
  const session = /Process running with session ID (\d+)/.exec(output)?.[1]
  return session === undefined ? null : Number(session)
}

/** @param {Json} body */
function readResponses(body) {
  const input = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : list(body.input)
  const results = input.filter(({ type }) => /_call_output$/.test(type ?? ''))
  return {
    items: input.length,
    userTexts: userTexts(input),
    toolCalls: input
      .filter(({ type }) => type === 'function_call')
      .map((call) => asCommand(call.arguments, call.name)),
    toolResults: results.flatMap(({ output }) => texts(output)),
  }
}

/** @param {Json} body */
function readMessages(body) {
  const messages = list(body.messages)
  const blocks = messages.flatMap(({ content }) => list(content))
  return {
    items: messages.length,
    userTexts: userTexts(messages),
    toolCalls: blocks
      .filter(({ type }) => type === 'tool_use')
      .map((call) => asCommand(call.input, call.name)),
    toolResults: blocks.filter(({ type }) => type === 'tool_result').flatMap(({ content }) => texts(content)),
  }
}

/** @param {Json} body */
function readChat(body) {
  const messages = list(body.messages)
  const calls = messages.flatMap(({ tool_calls }) => list(tool_calls))
  return {
    items: messages.length,
    userTexts: userTexts(messages),
    toolCalls: calls.map((call) => asCommand(call.function?.arguments, call.function?.name)),
    toolResults: messages.filter(({ role }) => role === 'tool').flatMap(({ content }) => texts(content)),
  }
}

/**
 * What a tool call counts as: a shell's command, any other tool's name.
 * @param {Json} args   an object, or JSON
 * @param {string} name   of the tool
 * @returns {string}
 */
export function asCommand(args, name) {
  if (!SHELLS.includes(name)) return name
  const { cmd, command } = typeof args === 'string' ? JSON.parse(args) : (args ?? {})
  return [cmd ?? command ?? ''].flat().at(-1)
}

/** @param {Json[]} messages */
function userTexts(messages) {
  return messages.filter(({ role }) => role === 'user').flatMap(({ content }) => texts(content))
}

/**
 * @param {Json} content
 * @returns {string[]}
 */
function texts(content) {
  if (typeof content === 'string') return [content]
  return list(content).flatMap((part) => (typeof part?.text === 'string' ? [part.text] : []))
}

/**
 * @param {Json} value
 * @returns {Json[]}
 */
function list(value) {
  return Array.isArray(value) ? value : []
}

/**
 * @param {Json} tool
 * @returns {Tool}
 */
function readTool(tool) {
  const schema = tool.input_schema ?? tool.parameters ?? tool.function?.parameters
  return {
    name: tool.name ?? tool.function?.name ?? tool.type ?? '',
    parameters: Object.keys(schema?.properties ?? {}),
  }
}

/** @param {Headers} headers */
function keyOf({ authorization, 'x-api-key': key }) {
  const value = authorization?.replace(/^Bearer /, '') ?? key
  return typeof value === 'string' ? value : null
}

/**
 * @param {Json} body
 * @param {Headers} headers
 * @returns {string|null}
 */
function conversationOf(body, headers) {
  for (const name of [
    'thread-id',
    'x-claude-code-session-id',
    'x-session-affinity',
    'session_id',
    'session-id',
  ]) {
    const value = headers[name]
    if (typeof value === 'string') return value
  }
  return /session_(?:id":")?([0-9a-f-]{36})/.exec(body.metadata?.user_id ?? '')?.[1] ?? null
}
