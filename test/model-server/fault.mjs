// @ts-check
/**
 * Error answers in each provider's own form.
 *
 * @typedef {import('./request.mjs').Api} Api
 * @typedef {import('./script.mjs').Fault} Fault
 * @typedef {{ status: number, headers: Record<string, string>, body: object }} ErrorAnswer
 */

/** @type {Record<number, { openai: string, anthropic: string }>} */
const TYPES = {
  400: { openai: 'invalid_request_error', anthropic: 'invalid_request_error' },
  401: { openai: 'invalid_api_key', anthropic: 'authentication_error' },
  403: { openai: 'permission_error', anthropic: 'permission_error' },
  404: { openai: 'model_not_found', anthropic: 'not_found_error' },
  429: { openai: 'rate_limit_exceeded', anthropic: 'rate_limit_error' },
  500: { openai: 'server_error', anthropic: 'api_error' },
  529: { openai: 'server_error', anthropic: 'overloaded_error' },
}

/**
 * The fault that applies now, if any. Counts its uses in `uses`.
 * @param {readonly Fault[]} faults
 * @param {number} step
 * @param {Map<Fault, number>} uses
 */
export function takeFault(faults, step, uses) {
  const fault = faults.find(
    (one) => (one.step ?? step) === step && (uses.get(one) ?? 0) < (one.times ?? Number.POSITIVE_INFINITY),
  )
  if (fault) uses.set(fault, (uses.get(fault) ?? 0) + 1)
  return fault ?? null
}

/**
 * @param {Api} api
 * @param {Fault} fault
 * @param {number} now ms
 * @returns {ErrorAnswer}
 */
export function errorAnswer(api, fault, now) {
  if (fault.kind === 'limit') return limit(api, fault.resetsIn ?? 3600, now)
  const status = fault.status ?? 500
  const message = fault.message ?? `scripted ${status}`
  /** @type {Record<string, string>} */
  const headers = fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) }
  const type = TYPES[status] ?? { openai: 'error', anthropic: 'api_error' }
  const body = api === 'messages' ? anthropicBody(type.anthropic, message) : openaiBody(type.openai, message)
  return { status, headers, body }
}

/**
 * @param {string} type
 * @param {string} message
 */
const anthropicBody = (type, message) => ({ type: 'error', error: { type, message }, request_id: 'req_lab' })

/**
 * @param {string} type
 * @param {string} message
 */
const openaiBody = (type, message) => ({ error: { message, type, param: null, code: type } })

/**
 * A plan's quota is used up.
 * @param {Api} api
 * @param {number} resetsIn seconds
 * @param {number} now ms
 * @returns {ErrorAnswer}
 */
function limit(api, resetsIn, now) {
  const resetsAt = Math.floor(now / 1000) + resetsIn
  return { responses: codexLimit, messages: anthropicLimit, chat: openaiLimit }[api](resetsIn, resetsAt)
}

/**
 * As codex-rs/codex-client reads it for ChatGPT plans.
 * @param {number} resetsIn
 * @param {number} resetsAt
 */
function codexLimit(resetsIn, resetsAt) {
  const error = {
    type: 'usage_limit_reached',
    message: 'The usage limit has been reached',
    plan_type: 'plus',
    resets_at: resetsAt,
    resets_in_seconds: resetsIn,
  }
  return { status: 429, headers: {}, body: { error } }
}

/**
 * @param {number} resetsIn
 * @param {number} resetsAt
 */
function anthropicLimit(resetsIn, resetsAt) {
  const unified = 'anthropic-ratelimit-unified'
  const headers = {
    'retry-after': String(resetsIn),
    'x-should-retry': 'false',
    [`${unified}-status`]: 'rejected',
    [`${unified}-reset`]: String(resetsAt),
    [`${unified}-representative-claim`]: 'five_hour',
    [`${unified}-5h-status`]: 'rejected',
    [`${unified}-5h-reset`]: String(resetsAt),
    [`${unified}-5h-utilization`]: '1.0',
    [`${unified}-overage-status`]: 'rejected',
    [`${unified}-overage-disabled-reason`]: 'org_level_disabled',
  }
  const message = "This request would exceed your account's rate limit. Please try again later."
  return { status: 429, headers, body: anthropicBody('rate_limit_error', message) }
}

function openaiLimit() {
  const message = 'You exceeded your current quota, please check your plan and billing details.'
  return { status: 429, headers: {}, body: openaiBody('insufficient_quota', message) }
}
