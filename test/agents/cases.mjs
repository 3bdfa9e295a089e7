// @ts-check
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What record.mjs records.
 *
 * @typedef {import('./lab.mjs').AgentName} AgentName
 * @typedef {import('./lab.mjs').Lab} Lab
 *
 * @typedef {object} Case
 * @property {string} what
 * @property {AgentName[]} [only]
 * @property {import('../model-server/script.mjs').Script} [script]   Default: three steps.
 * @property {string} [prompt]
 * @property {boolean} [login]
 * @property {'read'|'write'} [access]
 * @property {(agent: AgentName) => string[]} [args]
 * @property {string} [resume]
 * @property {{ signal: NodeJS.Signals, whenFile: string }} [kill]
 * @property {{ name: string, what: string, prompt: string }} [sequel]  A second launch that resumes the session.
 * @property {(agent: AgentName, lab: Lab, port: number) => void} [prepare]
 */

/** The second step takes long, but only the first time. */
const SLOW_ONCE = { steps: steps('[ -e begun ] || { touch begun; sleep 20; }; echo STEP-OK-2') }
const IN_STEP_2 = 'begun'
const OPENAI_401 = 'Missing bearer or basic authentication in header'

/** @param {string} second @param {number} [attempts] */
function steps(second, attempts) {
  const middle = { command: second, ...(attempts && { attempts }) }
  return [{ command: 'echo STEP-OK-1' }, middle, { command: 'echo STEP-OK-3' }]
}

/** @param {number} status @param {number} [times] */
function failing(status, times) {
  return { steps: 3, faults: [{ kind: /** @type {const} */ ('status'), status, ...(times && { times }) }] }
}

/** @type {Record<string, Case>} */
export const cases = {
  done: { what: 'three shell commands and a closing text' },
  'killed-mid-tool': {
    what: 'SIGKILL during the second command',
    script: SLOW_ONCE,
    kill: { signal: 'SIGKILL', whenFile: IN_STEP_2 },
    sequel: { name: 'resumed', what: 'the continuation of killed-mid-tool, to the end', prompt: 'Go on.' },
  },
  sigint: {
    what: 'SIGINT during the second command',
    script: SLOW_ONCE,
    kill: { signal: 'SIGINT', whenFile: IN_STEP_2 },
    sequel: {
      name: 'resumed-after-sigint',
      what: 'the continuation of sigint, to the end',
      prompt: 'Go on.',
    },
  },
  sigterm: {
    what: 'SIGTERM during the second command',
    script: SLOW_ONCE,
    kill: { signal: 'SIGTERM', whenFile: IN_STEP_2 },
  },
  'api-400': { what: 'the provider answers 400', script: failing(400) },
  'api-401': { what: 'the provider answers 401', script: failing(401) },
  'api-500-recovered': { what: 'the provider answers 500 twice, then works', script: failing(500, 2) },
  'api-500': { what: 'the provider always answers 500', script: failing(500) },
  'api-429': {
    what: 'the provider answers 429 with retry-after 1 once, then works',
    script: { steps: 3, faults: [{ kind: 'status', status: 429, retryAfter: 1, times: 1 }] },
  },
  cut: {
    what: 'the connection is cut after the text of the second answer and before its tool call, once',
    script: { steps: 3, faults: [{ kind: 'cut', step: 2, times: 1 }] },
  },
  'cut-early': {
    what: 'the connection is cut after the first event of the second answer, once',
    only: ['claude'],
    script: { steps: 3, faults: [{ kind: 'cut', step: 2, frames: 1, times: 1 }] },
  },
  limit: {
    what: 'the quota is used up from the second answer on, in the form of the provider, back in an hour',
    script: { steps: 3, faults: [{ kind: 'limit', resetsIn: 3600, step: 2 }] },
  },
  'limit-plan': {
    what: 'the same with a subscription (OAuth token) instead of an API key',
    only: ['claude'],
    script: { steps: 3, faults: [{ kind: 'limit', resetsIn: 3600, step: 2 }] },
    prepare: (_agent, lab) => {
      delete lab.env.ANTHROPIC_API_KEY
      lab.env.CLAUDE_CODE_OAUTH_TOKEN = 'sk-ant-oat01-lab'
    },
  },
  'bad-flag': { what: 'an option that does not exist', args: () => ['--no-such-flag'] },
  'bad-model': {
    what: 'a model that does not exist; the provider answers 404',
    script: failing(404),
    args: (agent) => ['--model', agent === 'opencode' ? 'anthropic/no-such-model' : 'no-such-model'],
  },
  'not-logged-in': { what: 'no key and no login', login: false },
  'not-logged-in-openai': {
    what: "no key and no login, codex's own provider, which answers 401",
    only: ['codex'],
    login: false,
    script: { steps: 3, faults: [{ kind: 'status', status: 401, message: OPENAI_401 }] },
    prepare: (_agent, lab, port) => {
      const config = `model = "gpt-5-codex"\nopenai_base_url = "http://127.0.0.1:${port}/v1"\n`
      writeFileSync(join(lab.home, '.codex/config.toml'), config)
    },
  },
  denied: {
    what: 'the second command writes a file, for which there is no permission',
    only: ['codex', 'claude', 'opencode'],
    access: 'read',
    script: { steps: steps('touch ../outside.txt && echo STEP-OK-2', 1) },
  },
  'unknown-session': {
    what: 'a session to resume that does not exist',
    only: ['codex', 'claude', 'opencode'],
    resume: '01a1fb42-a672-7a13-a407-b43717574990',
  },
  'slash-command': {
    what: 'the prompt begins with a slash and a word, which claude takes for a command of its own',
    only: ['claude'],
    prompt: '/help me with the code',
  },
}
