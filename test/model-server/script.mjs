// @ts-check
import { asCommand } from './request.mjs'

/**
 * What the model plays, and where in it a conversation is.
 *
 * @typedef {object} Step
 * @property {string} [command]  The shell command that the agent is asked to run.
 * @property {Call} [call]       Instead of a command: any tool call, also of a tool that the agent does not offer.
 * @property {string} [text]     What the model says before the call.
 * @property {string} [token]    Proof in the tool's output that the step is done; default `STEP-OK-<n>`.
 * @property {number} [attempts] After so many calls without the token the model goes on without it; default 10.
 *
 * @typedef {{ name: string, args: object }} Call
 *
 * @typedef {object} Fault
 * @property {'no-headers'|'stall'|'cut'|'reset'|'status'|'limit'|'hold'} kind
 * @property {number} [status]          For `status`: 400, 401, 429, 500 ...
 * @property {string} [message]         For `status`; default `scripted <status>`.
 * @property {number} [frames]          For `cut`: sent before it; default: half of the answer's events.
 * @property {number} [retryAfter]      Seconds, sent as `retry-after`.
 * @property {number} [resetsIn]        For `limit`: seconds until the quota is there again; default 3600.
 * @property {number} [step]            Only at this step (1-based; number of steps + 1 is the final text).
 * @property {number} [times]           Only for the first n requests that it applies to; default: always.
 *
 * @typedef {object} Script
 * @property {Step[]|number} steps      A number makes that many steps that only print their token.
 * @property {string} [final]           The closing text; default `ALL-DONE after <n> steps.`
 * @property {number} [delayMs]         Wait before every answer.
 * @property {Fault|Fault[]} [faults]   The first one that applies is played.
 *
 * @typedef {object} Play               What is to be answered.
 * @property {string} script
 * @property {string[]} done            Tokens of the steps that are done.
 * @property {number} step              1-based; number of steps + 1 is the final text.
 * @property {string} text
 * @property {string|null} command      Null: the final text, or `call`.
 * @property {Call|null} call
 */

/** @param {number} n 1-based */
const defaultToken = (n) => `STEP-OK-${n}`

/**
 * @param {Script} script
 * @returns {Step[]}
 */
function stepsOf({ steps }) {
  if (typeof steps !== 'number') return steps
  return Array.from({ length: steps }, (_, i) => ({ command: `echo ${defaultToken(i + 1)}` }))
}

/**
 * `[[script:NAME]]` anywhere in the user's words; the first one counts, so that a continuation need not repeat it.
 * @param {readonly string[]} userTexts
 */
export function scriptName(userTexts) {
  for (const text of userTexts) {
    const name = /\[\[script:([\w.-]+)\]\]/.exec(text)?.[1]
    if (name) return name
  }
  return 'default'
}

/**
 * @param {string} name
 * @param {Script} script
 * @param {import('./request.mjs').ModelRequest} request
 * @returns {Play}
 */
export function findPlace(name, script, { toolCalls, toolResults }) {
  const steps = stepsOf(script).map((step, i) => withToken(step, i + 1))
  const done = steps.filter(({ token }) => toolResults.some((result) => hasToken(result, token)))
  const calls = (/** @type {typeof steps[number]} */ { command, call }) =>
    toolCalls.filter((made) => made === (call ? asCommand(call.args, call.name) : command)).length
  const givenUp = steps.filter((step) => calls(step) >= step.attempts)
  const next = steps.find((step) => !done.includes(step) && !givenUp.includes(step))
  const place = { script: name, done: done.map(({ token }) => token) }
  if (next) return { ...place, step: next.n, text: next.text, command: next.command, call: next.call }
  const all = done.length === steps.length
  const final = all
    ? `ALL-DONE after ${steps.length} steps.`
    : `Only ${done.length} of ${steps.length} steps are done.`
  return { ...place, step: steps.length + 1, text: script.final ?? final, command: null, call: null }
}

/**
 * @param {Step} step
 * @param {number} n
 */
function withToken(step, n) {
  const token = step.token ?? defaultToken(n)
  const { call = null, text = `Running step ${n}.`, attempts = 10 } = step
  return { n, token, command: call ? null : commandOf(step, token), call, text, attempts }
}

/**
 * @param {Step} step
 * @param {string} token
 */
function commandOf({ command = 'true' }, token) {
  return command.includes(token) ? command : `${command} && echo ${token}`
}

/**
 * STEP-OK-1 is not in STEP-OK-12.
 * @param {string} text
 * @param {string} token
 */
function hasToken(text, token) {
  let at = text.indexOf(token)
  while (at >= 0 && /[0-9]/.test(text.charAt(at + token.length))) at = text.indexOf(token, at + 1)
  return at >= 0
}
