// @ts-check
import { answers, frame, shellArguments } from './answer.mjs'
import { errorAnswer } from './fault.mjs'
import { shellOf } from './request.mjs'

/**
 * Puts an answer, or a fault, on the wire.
 *
 * @typedef {import('./request.mjs').ModelRequest} ModelRequest
 * @typedef {import('./script.mjs').Fault} Fault
 * @typedef {import('./script.mjs').Play} Play
 * @typedef {import('node:http').ServerResponse} Res
 */

/**
 * @param {ModelRequest} request
 * @param {Play} play
 * @param {Fault} fault
 * @param {Res} res
 */
export function playFault(request, play, fault, res) {
  switch (fault.kind) {
    case 'no-headers':
      return
    case 'stall':
      return res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    case 'reset':
      return void res.socket?.resetAndDestroy()
    case 'cut': {
      // Later than the last event, or a client may never see that one.
      const frames = framesOf(request, play)
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      const sent = frames.slice(0, fault.frames ?? Math.ceil(frames.length / 2))
      return void res.write(sent.join(''), () => setTimeout(() => res.destroy(), 100))
    }
    default: {
      const { status, headers, body } = errorAnswer(request.api, fault, Date.now())
      return sendJson(res, status, body, headers)
    }
  }
}

/**
 * @param {ModelRequest} request
 * @param {Play} play
 * @param {Res} res
 */
export function send(request, play, res) {
  if (!request.stream) return sendJson(res, 200, answers[request.api].json(answerOf(request, play)))
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  res.end(framesOf(request, play).join(''))
}

/**
 * @param {ModelRequest} request
 * @param {Play} play
 */
function framesOf(request, play) {
  return answers[request.api].events(answerOf(request, play)).map(frame)
}

let answered = 0

/**
 * @param {ModelRequest} request
 * @param {Play} play
 * @returns {import('./answer.mjs').Answer}
 */
function answerOf(request, play) {
  answered += 1
  const id = `lab${String(answered).padStart(6, '0')}`
  const model = request.model ?? 'scripted'
  if (play.command === null) return { id, model, text: play.text, call: play.call }
  const call = callOf(request, play.command)
  return { id, model, text: call ? play.text : 'There is no shell tool, so nothing was done.', call }
}

/**
 * @param {ModelRequest} request
 * @param {string} command
 */
function callOf(request, command) {
  if (request.running !== null) {
    return { name: 'write_stdin', args: { session_id: request.running, chars: '', yield_time_ms: 30_000 } }
  }
  const shell = shellOf(request)
  return shell && { name: shell.name, args: shellArguments(shell, command) }
}

/**
 * @param {Res} res
 * @param {number} status
 * @param {object} body
 * @param {Record<string, string>} [headers]
 */
export function sendJson(res, status, body, headers = {}) {
  res.writeHead(status, { 'content-type': 'application/json', ...headers })
  res.end(JSON.stringify(body))
}
