// @ts-check
/**
 * The three APIs' answers: a text and perhaps one tool call, as server-sent events or as one JSON body.
 *
 * @typedef {object} Answer
 * @property {string} id                  Unique; ids of messages and calls are made from it.
 * @property {string} model
 * @property {string} text
 * @property {{ name: string, args: object }|null} call
 *
 * @typedef {{ event?: string, data: object|string }} Sse
 */

/** @type {Record<import('./request.mjs').Api, { events: (a: Answer) => Sse[], json: (a: Answer) => object }>} */
export const answers = {
  responses: { events: responsesEvents, json: responsesJson },
  messages: { events: messagesEvents, json: messagesJson },
  chat: { events: chatEvents, json: chatJson },
}

/** @param {Sse} sse */
export function frame({ event, data }) {
  const body = typeof data === 'string' ? data : JSON.stringify(data)
  return `${event ? `event: ${event}\n` : ''}data: ${body}\n\n`
}

/**
 * What the shell tool is asked. Long time-outs: a step may sleep.
 * @param {import('./request.mjs').Tool} tool
 * @param {string} command
 */
export function shellArguments({ name, parameters }, command) {
  /** @type {Record<string, unknown>} */
  const all = {
    cmd: command,
    command: name === 'shell' || name === 'local_shell' ? ['bash', '-c', command] : command,
    description: 'Runs one step of the script',
    yield_time_ms: 30_000,
    timeout_ms: 600_000,
    // opencode and claude count milliseconds, pi (lower case, two parameters) seconds
    timeout: 600_000,
  }
  if (name === 'bash' && !parameters.includes('description')) delete all.timeout
  return Object.fromEntries(Object.entries(all).filter(([key]) => parameters.includes(key)))
}

const USAGE = { input: 100, output: 20 }

/** @param {Answer} a */
function responsesOutput({ id, text, call }) {
  const content = [{ type: 'output_text', text, annotations: [] }]
  const message = { type: 'message', id: `msg_${id}`, role: 'assistant', status: 'completed', content }
  if (!call) return [message]
  const args = JSON.stringify(call.args)
  const item = {
    type: 'function_call',
    id: `fc_${id}`,
    call_id: `call_${id}`,
    name: call.name,
    arguments: args,
  }
  return [message, { ...item, status: 'completed' }]
}

/** @param {Answer} a */
function responsesJson(a) {
  const { input, output } = USAGE
  const usage = {
    input_tokens: input,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + output,
  }
  const head = { id: `resp_${a.id}`, object: 'response', status: 'completed', model: a.model }
  return { ...head, output: responsesOutput(a), usage }
}

/**
 * @param {Answer} a
 * @returns {Sse[]}
 */
function responsesEvents(a) {
  const begun = { id: `resp_${a.id}`, object: 'response', status: 'in_progress', model: a.model, output: [] }
  const items = responsesOutput(a)
  const events = [
    { type: 'response.created', response: begun },
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { ...items[0], status: 'in_progress', content: [] },
    },
    {
      type: 'response.output_text.delta',
      item_id: `msg_${a.id}`,
      output_index: 0,
      content_index: 0,
      delta: a.text,
    },
    ...items.map((item, output_index) => ({ type: 'response.output_item.done', output_index, item })),
    { type: 'response.completed', response: responsesJson(a) },
  ]
  return events.map((event, i) => ({ event: event.type, data: { ...event, sequence_number: i } }))
}

/** @param {Answer} a */
function messagesJson(a) {
  const { input, output } = USAGE
  const text = { type: 'text', text: a.text }
  const call = a.call && { type: 'tool_use', id: `toolu_${a.id}`, name: a.call.name, input: a.call.args }
  return {
    id: `msg_${a.id}`,
    type: 'message',
    role: 'assistant',
    model: a.model,
    content: call ? [text, call] : [text],
    stop_reason: a.call ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: input, output_tokens: output },
  }
}

/**
 * @param {Answer} a
 * @returns {Sse[]}
 */
function messagesEvents(a) {
  const whole = messagesJson(a)
  const message = { ...whole, content: [], stop_reason: null, usage: { ...whole.usage, output_tokens: 1 } }
  const blocks = [...messagesBlock(0, { type: 'text', text: '' }, { type: 'text_delta', text: a.text })]
  if (a.call) {
    const start = { type: 'tool_use', id: `toolu_${a.id}`, name: a.call.name, input: {} }
    const delta = { type: 'input_json_delta', partial_json: JSON.stringify(a.call.args) }
    blocks.push(...messagesBlock(1, start, delta))
  }
  const stop = { stop_reason: whole.stop_reason, stop_sequence: null }
  const events = [
    { type: 'message_start', message },
    ...blocks,
    { type: 'message_delta', delta: stop, usage: { output_tokens: whole.usage.output_tokens } },
    { type: 'message_stop' },
  ]
  return events.map((data) => ({ event: data.type, data }))
}

/**
 * @param {number} index
 * @param {object} content_block
 * @param {object} delta
 */
function messagesBlock(index, content_block, delta) {
  return [
    { type: 'content_block_start', index, content_block },
    { type: 'content_block_delta', index, delta },
    { type: 'content_block_stop', index },
  ]
}

/** @param {Answer} a */
function chatParts({ id, call }) {
  if (!call) return { finish_reason: 'stop', calls: [] }
  const fn = { name: call.name, arguments: JSON.stringify(call.args) }
  return {
    finish_reason: 'tool_calls',
    calls: [{ index: 0, id: `call_${id}`, type: 'function', function: fn }],
  }
}

const CHAT_USAGE = {
  prompt_tokens: USAGE.input,
  completion_tokens: USAGE.output,
  total_tokens: USAGE.input + USAGE.output,
}

/** @param {Answer} a */
function chatJson(a) {
  const { finish_reason, calls } = chatParts(a)
  const message = { role: 'assistant', content: a.text, ...(calls.length > 0 && { tool_calls: calls }) }
  const choices = [{ index: 0, message, finish_reason }]
  return {
    id: `chatcmpl-${a.id}`,
    object: 'chat.completion',
    created: 0,
    model: a.model,
    choices,
    usage: CHAT_USAGE,
  }
}

/**
 * @param {Answer} a
 * @returns {Sse[]}
 */
function chatEvents(a) {
  const { finish_reason, calls } = chatParts(a)
  const head = { id: `chatcmpl-${a.id}`, object: 'chat.completion.chunk', created: 0, model: a.model }
  /** @param {object} delta @param {string|null} finish */
  const chunk = (delta, finish = null) => ({
    data: { ...head, choices: [{ index: 0, delta, finish_reason: finish }] },
  })
  const callChunks = calls.map((call) => chunk({ tool_calls: [call] }))
  const usage = { data: { ...head, choices: [], usage: CHAT_USAGE } }
  const text = chunk({ role: 'assistant', content: a.text })
  return [text, ...callChunks, chunk({}, finish_reason), usage, { data: '[DONE]' }]
}
