// @ts-check
import { appendFileSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { takeFault } from './fault.mjs'
import { readRequest } from './request.mjs'
import { findPlace, scriptName } from './script.mjs'
import { playFault, send, sendJson } from './send.mjs'

/**
 * A model provider on loopback that plays scripts: see README.md.
 *
 * @typedef {import('./request.mjs').Api} Api
 * @typedef {import('./request.mjs').ModelRequest} ModelRequest
 * @typedef {import('./script.mjs').Script} Script
 * @typedef {import('./script.mjs').Fault} Fault
 * @typedef {import('./script.mjs').Play} Play
 * @typedef {import('node:http').IncomingMessage} Req
 * @typedef {import('node:http').ServerResponse} Res
 *
 * @typedef {object} LogEntry
 * @property {number} n                   1, 2, 3 ...
 * @property {string} at                  RFC 3339.
 * @property {Api} api
 * @property {string|null} conversation   The agent's session or thread id, where it sends one.
 * @property {string|null} key            The API key that came with it.
 * @property {string|null} model
 * @property {string} script
 * @property {number} items               Messages in the request.
 * @property {string} firstUser           The start of the first user text.
 * @property {string} lastUser            The start of the last one.
 * @property {string[]} userTexts         All user texts, whole.
 * @property {string[]} done              Tokens of steps found done.
 * @property {string} answer              `step 2`, `poll 2` (codex waits for a long step), `final`, `side`, or a
 *   fault: `cut`, `status 401`, `limit` ...
 * @property {boolean} held               Is waiting for release().
 * @property {boolean} closed             The client went away before the answer was complete.
 *
 * @typedef {object} Options
 * @property {number} [port]
 * @property {Record<string, Script>} scripts   By name; `default` is for conversations without a `[[script:NAME]]`.
 * @property {string} [log]                     Append every entry to this file as JSONL.
 * @property {string} [dump]                    Append every request (headers, body) to this file as JSONL.
 *
 * @typedef {object} ModelServer
 * @property {number} port
 * @property {string} url
 * @property {LogEntry[]} requests
 * @property {(name: string, script: Script) => void} setScript    Adds or replaces; its fault counts begin anew.
 * @property {(name: string, faults: Fault|Fault[]) => void} setFaults
 * @property {(name?: string) => number} release    Lets held requests of the script (or all) go on; says how many.
 * @property {(match: (entry: LogEntry) => boolean, timeoutMs?: number) => Promise<LogEntry>} waitFor
 *   The first entry that matches, already logged or to come.
 * @property {() => Promise<void>} close
 *
 * @typedef {object} State
 * @property {Options} options
 * @property {Map<string, Script>} scripts
 * @property {Map<Fault, number>} uses
 * @property {LogEntry[]} requests
 * @property {Map<LogEntry, () => void>} holds
 * @property {Set<() => void>} watchers
 */

const PATHS = /** @type {const} */ ([
  [/\/responses$/, 'responses'],
  [/\/messages$/, 'messages'],
  [/\/chat\/completions$/, 'chat'],
])

/**
 * @param {Options} options
 * @returns {Promise<ModelServer>}
 */
export async function startModelServer(options) {
  /** @type {State} */
  const state = {
    options,
    scripts: new Map(Object.entries(options.scripts)),
    uses: new Map(),
    requests: [],
    holds: new Map(),
    watchers: new Set(),
  }
  const server = createServer((req, res) => {
    handle(state, req, res).catch((error) => res.destroy(error))
  })
  await new Promise((resolve) => server.listen(options.port ?? 0, '127.0.0.1', () => resolve(null)))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    requests: state.requests,
    setScript: (name, script) => void state.scripts.set(name, script),
    setFaults: (name, faults) =>
      void state.scripts.set(name, { ...scriptOf(state, name), faults: [faults].flat() }),
    release: (name) => release(state, name),
    waitFor: (match, timeoutMs = 30_000) => waitFor(state, match, timeoutMs),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/**
 * @param {State} state
 * @param {string} name
 * @returns {Script}
 */
function scriptOf(state, name) {
  return state.scripts.get(name) ?? state.scripts.get('default') ?? { steps: 0 }
}

/**
 * @param {State} state
 * @param {string} [name]
 */
function release(state, name) {
  const chosen = [...state.holds].filter(([entry]) => name === undefined || entry.script === name)
  for (const [, go] of chosen) go()
  return chosen.length
}

/**
 * @param {State} state
 * @param {(entry: LogEntry) => boolean} match
 * @param {number} timeoutMs
 * @returns {Promise<LogEntry>}
 */
function waitFor(state, match, timeoutMs) {
  return new Promise((resolve, reject) => {
    const look = () => {
      const entry = state.requests.find(match)
      if (entry) end(() => resolve(entry))
    }
    const timer = setTimeout(
      () => end(() => reject(new Error(`no such model request within ${timeoutMs} ms`))),
      timeoutMs,
    )
    /** @param {() => void} settle */
    const end = (settle) => {
      clearTimeout(timer)
      state.watchers.delete(look)
      settle()
    }
    state.watchers.add(look)
    look()
  })
}

/**
 * @param {State} state
 * @param {Req} req
 * @param {Res} res
 */
async function handle(state, req, res) {
  const path = (req.url ?? '/').split('?')[0] ?? '/'
  const api = PATHS.find(([pattern]) => pattern.test(path))?.[1]
  const raw = await readBody(req)
  if (state.options.dump) {
    appendFileSync(
      state.options.dump,
      `${JSON.stringify({ method: req.method, path, headers: req.headers, raw })}\n`,
    )
  }
  if (req.method === 'POST' && api)
    return answerModel(state, readRequest(api, JSON.parse(raw), req.headers), res)
  if (path.startsWith('/lab/')) return control(state, req.method ?? 'GET', path, raw, res)
  if (path.endsWith('/count_tokens')) return sendJson(res, 200, { input_tokens: Math.ceil(raw.length / 4) })
  if (path.endsWith('/models')) return sendJson(res, 200, { object: 'list', data: [] })
  return req.method === 'HEAD' ? void res.writeHead(200).end() : sendJson(res, 404, { error: 'not found' })
}

/** @param {Req} req */
async function readBody(req) {
  const chunks = []
  for await (const chunk of req) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * For when the server is another process: GET /lab/requests, POST /lab/release[/NAME], PUT /lab/scripts/NAME.
 * @param {State} state
 * @param {string} method
 * @param {string} path
 * @param {string} raw
 * @param {Res} res
 */
function control(state, method, path, raw, res) {
  const [, , verb, name] = path.split('/')
  const action = `${method} ${verb}`
  if (action === 'GET requests') return sendJson(res, 200, state.requests)
  if (action === 'POST release') return sendJson(res, 200, { released: release(state, name) })
  if (action !== 'PUT scripts' || !name) return sendJson(res, 404, { error: 'not found' })
  state.scripts.set(name, JSON.parse(raw))
  return sendJson(res, 200, { name })
}

/**
 * @param {State} state
 * @param {ModelRequest} request
 * @param {Res} res
 */
async function answerModel(state, request, res) {
  const name = scriptName(request.userTexts)
  const script = scriptOf(state, name)
  // Titles, summaries, warm-ups: whoever offers no tools is not at work.
  const side = request.tools.length === 0
  const play = findPlace(name, script, request)
  const fault = side ? null : takeFault([script.faults ?? []].flat(), play.step, state.uses)
  const entry = record(state, request, play, side ? 'side' : answerName(request, play, fault))
  res.on('close', () => {
    entry.closed = !res.writableFinished
    state.holds.delete(entry)
  })
  if (script.delayMs && !side) await sleep(script.delayMs)
  if (fault?.kind === 'hold') await hold(state, entry)
  else if (fault) return playFault(request, play, fault, res)
  return send(request, side ? { ...play, text: 'Scripted title', command: null, call: null } : play, res)
}

/**
 * @param {ModelRequest} request
 * @param {Play} play
 * @param {Fault|null} fault
 */
function answerName({ running }, { command, call, step }, fault) {
  if (fault?.kind === 'status') return `status ${fault.status}`
  if (fault && fault.kind !== 'hold') return fault.kind
  if (command === null && call === null) return 'final'
  return `${running === null ? 'step' : 'poll'} ${step}`
}

/**
 * @param {State} state
 * @param {ModelRequest} request
 * @param {Play} play
 * @param {string} answer
 */
function record(state, request, play, answer) {
  const { api, conversation, key, model, items, userTexts } = request
  /** @type {LogEntry} */
  const entry = {
    n: state.requests.length + 1,
    at: new Date().toISOString(),
    ...{ api, conversation, key, model, items, script: play.script },
    firstUser: (userTexts.at(0) ?? '').slice(0, 200),
    lastUser: (userTexts.at(-1) ?? '').slice(0, 200),
    ...{ userTexts, done: play.done, answer, held: false, closed: false },
  }
  state.requests.push(entry)
  if (state.options.log) appendFileSync(state.options.log, `${JSON.stringify(entry)}\n`)
  notice(state)
  return entry
}

/** @param {State} state */
function notice(state) {
  for (const look of [...state.watchers]) look()
}

/**
 * @param {State} state
 * @param {LogEntry} entry
 * @returns {Promise<void>}
 */
function hold(state, entry) {
  return new Promise((resolve) => {
    state.holds.set(entry, () => {
      entry.held = false
      state.holds.delete(entry)
      resolve()
    })
    entry.held = true
    notice(state)
  })
}

/**
 * A script file holds `{ "scripts": { NAME: script } }`, or one script, which is then the default.
 * @param {string} path
 * @returns {Record<string, Script>}
 */
function readScripts(path) {
  const value = JSON.parse(readFileSync(path, 'utf8'))
  return value.scripts ?? { default: value }
}

async function main() {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      script: { type: 'string' },
      log: { type: 'string' },
      dump: { type: 'string' },
    },
  })
  const { port, script, log, dump } = values
  const scripts = script ? readScripts(script) : { default: { steps: 3 } }
  const server = await startModelServer({
    port: Number(port),
    scripts,
    ...(log !== undefined && { log }),
    ...(dump !== undefined && { dump }),
  })
  console.log(JSON.stringify({ port: server.port, url: server.url, pid: process.pid }))
  for (const signal of ['SIGTERM', 'SIGINT'])
    process.once(signal, () => void server.close().then(() => process.exit()))
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main()
