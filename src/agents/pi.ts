import { join } from 'node:path'
import type { AttemptEnd, Driver, Invocation, LaunchRequest, Verdict } from './driver.ts'
import { loginByFile, loginByVariable } from './login.ts'
import {
  apiComplaint,
  type Complaint,
  judgeEnd,
  namesInFile,
  PROVIDER_ENV,
  plainLines,
  refuseArgs,
  refusePrompt,
} from './opencode-pi-common.ts'
import { parsePi } from './pi-events.ts'
import { awaitsPiAnswer, planPiResume, sessionFile, writeHeader } from './pi-session.ts'

// Seen with pi 0.74.2 unless said otherwise.

/** Options that take no value; pi takes the word after any other long option as its value. */
const OPTIONS = {
  flags: new Set([
    ...['no-tools', 'nt', 'no-builtin-tools', 'nbt', 'no-extensions', 'ne', 'no-skills', 'ns', 'no-themes'],
    ...['no-prompt-templates', 'np', 'no-context-files', 'nc', 'verbose', 'offline'],
  ]),
}

const SESSION = 'rca keeps the conversation itself: `rca resume` continues it.'
const NO_TASK = 'It does not run the prompt.'
const BANNED: Readonly<Record<string, string>> = {
  ...{ session: SESSION, 'session-id': SESSION, 'session-dir': SESSION, fork: SESSION },
  ...{ continue: SESSION, c: SESSION, resume: SESSION, r: SESSION },
  'no-session': 'Without a session nothing could be resumed.',
  ...{ mode: 'rca reads the JSON events; `rca logs` shows them as text.' },
  ...{ print: 'rca runs pi unattended anyway.', p: 'Use -p of rca start.' },
  ...{ export: NO_TASK, 'list-models': NO_TASK, help: NO_TASK, h: NO_TASK, version: NO_TASK, v: NO_TASK },
}
const TOOLS_HINT = 'Use --access write to choose them yourself.'
const LOOK_ONLY: readonly string[] = ['--tools', 'read,grep,find,ls']

function refuse(request: LaunchRequest, prompt: Uint8Array): ReturnType<Driver['refuse']> {
  const banned = request.access === 'read' ? { ...BANNED, tools: TOOLS_HINT, t: TOOLS_HINT } : BANNED
  return refusePrompt(prompt) ?? (request.access === 'as-given' ? null : refuseArgs(request, OPTIONS, banned))
}

/**
 * pi asks nobody for permission and knows no bounds but the list of its tools: `read` takes those away that change
 * anything, `write` and `full` are the same.
 */
function invocation(request: LaunchRequest): Invocation {
  const fixed = ['pi', '--mode', 'json', '--session', sessionFile(request)]
  const tools = request.access === 'read' ? LOOK_ONLY : []
  return {
    argv: [...fixed, ...request.agentArgs, ...tools],
    env: {},
    // Each of these repeats the whole message so far, twice: 5.5 MB for an answer of 10 kB.
    dropLinesWith: '"type":"message_update"',
  }
}

const LOGIN = 'Start pi and use /login, or hand an API key on (--env ANTHROPIC_API_KEY and the like).'
const MODELS = '`pi --list-models` shows what can be used.'
const ARGS = 'See `pi --help` for what this version takes.'

/** In this mode pi exits 0 whatever the model's provider answered. */
function judge(end: AttemptEnd): Verdict {
  return judgeEnd(end, complain)
}

function complain(end: AttemptEnd): Complaint | null {
  const { summary, exit, stderrTail } = end
  const code = exit && 'code' in exit ? exit.code : null
  const said = summary.final?.message
  if (said) return apiComplaint(said, { login: LOGIN, model: MODELS }, end)
  if (code !== null && code !== 0) return fromStderr(plainLines(stderrTail))
  if (code !== 0 || summary.events > 1) return null
  // Only the session line: an extension's command, or nothing left of the prompt.
  const hint = 'A prompt that begins with / may be a command of a pi extension.'
  return { cause: 'bad-prompt', reason: 'pi ended without asking the model', hint }
}

function fromStderr(lines: readonly string[]): Complaint | null {
  const find = (pattern: RegExp) => lines.find((line) => pattern.test(line))
  const login = find(/^No API key|^No models available|^Authentication failed/)
  if (login) return { cause: 'not-logged-in', reason: login, hint: LOGIN }
  const session = find(/^No session found/)
  if (session) return { cause: 'no-such-session', reason: session, hint: 'Start the task anew.' }
  const argument = find(/Unknown (option|provider)|^Error: .*(model|extension|skill)/i)
  if (argument) return { cause: 'bad-arguments', reason: argument, hint: ARGS }
  const reason = find(/^(\w*Error|Error)\b/) ?? lines.at(-1)
  return reason ? { cause: 'crashed', reason, hint: null } : null
}

/** In models.json a provider's `apiKey` is a variable's name, or taken literally where there is none of that name. */
function envNamesInConfig(env: Readonly<Record<string, string | undefined>>): string[] {
  const folder = env.PI_CODING_AGENT_DIR || join(env.HOME ?? '/', '.pi', 'agent')
  return namesInFile(join(folder, 'models.json'), /"apiKey"\s*:\s*"([A-Za-z_][A-Za-z0-9_]*)"/g)
}

/** pi (https://github.com/badlogic/pi-mono). It takes its session as a file, which lives in the task directory. */
export const pi: Driver = {
  name: 'pi',
  binary: 'pi',
  install: 'npm install -g @earendil-works/pi-coding-agent',
  envNames: ['PI_*', ...PROVIDER_ENV],
  // pi sets both for its tools.
  envNever: ['PI_CODING_AGENT', 'PI_SKIP_VERSION_CHECK'],
  envNamesInConfig,
  // After spawn: unknown option 0.8-0.9 s, session line 0.9-1.1 s (2.2 s cold); the complaint that there is no API key
  // and the end follow within 0.1 s.
  startup: { signMs: 2_500, graceMs: 400 },
  refuse,
  presetSession: async (request) => writeHeader(request),
  start: (request) => invocation(request),
  resume: (request) => invocation(request),
  planResume: planPiResume,
  awaitsAnswer: awaitsPiAnswer,
  parse: parsePi,
  judge,
  // It prints the version on stderr.
  versionArgv: ['pi', '--version'],
  login: async ({ env }) => {
    const folder = env.PI_CODING_AGENT_DIR || join(env.HOME ?? '/', '.pi/agent')
    return loginByVariable(PROVIDER_ENV, env) ?? loginByFile(join(folder, 'auth.json'))
  },
}
