import { join } from 'node:path'
import type { Access, Driver, Invocation, LaunchRequest } from './driver.ts'
import { parseObject } from './json.ts'
import { loginByFile, loginByVariable } from './login.ts'
import { parseOpencode, parseOpencodeStderr } from './opencode-events.ts'
import { namesInFile, PROVIDER_ENV, refuseArgs, refusePrompt, scanArgs } from './opencode-pi-common.ts'
import { awaitsOpencodeAnswer, planOpencodeResume, titleOf } from './opencode-store.ts'
import { judgeOpencode } from './opencode-verdict.ts'

// Seen with opencode 1.18.33 unless said otherwise.

/** Options of `opencode run` that take no value; `--file` takes all words that follow. */
const OPTIONS = {
  flags: new Set(['print-logs', 'pure', 'share', 'thinking']),
  lists: new Set(['file', 'f']),
  grouped: new Set(['s', 'm', 'f', 'p', 'u']),
}

const SESSION = 'rca keeps the conversation itself: `rca resume` continues it.'
const ACCESS_HINT = 'Use --access read, write or full.'
const NO_TASK = 'It does not run the prompt.'
const BANNED: Readonly<Record<string, string>> = {
  ...{ session: SESSION, s: SESSION, continue: SESSION, c: SESSION, fork: SESSION },
  title: 'rca finds the conversation again by a title of its own.',
  format: 'rca reads the JSON events; `rca logs` shows them as text.',
  dir: 'Use --cwd.',
  ...{ auto: ACCESS_HINT, yolo: ACCESS_HINT, 'dangerously-skip-permissions': ACCESS_HINT },
  ...{ attach: 'The agent would run outside of this task.', prompt: 'Use -p or -f of rca start.' },
  command: 'It would run again at every resume: put what it does into the prompt.',
  ...{ interactive: NO_TASK, i: NO_TASK, mini: NO_TASK, demo: NO_TASK },
  ...{ help: NO_TASK, h: NO_TASK, version: NO_TASK, v: NO_TASK },
}

/**
 * The last rule that matches counts, and a key that some configuration file has already keeps its place there. A `?`
 * matches one character: written so, a rule has a key of its own and comes after all others.
 */
const last = (tool: string) => tool.replace(/.$/, '?')
const all = (tools: readonly string[], rule: Rule): [string, Rule][] =>
  tools.map((tool) => [last(tool), rule])

type Rule = 'allow' | 'deny' | Readonly<Record<string, 'allow' | 'deny'>>

/** opencode's own rules ask about these, and nobody is there to answer. */
const NO_SECRETS = { '*': 'allow', '*.env': 'deny', '*.env.*': 'deny', '*.env.example': 'allow' } as const
const TOUCHING = ['bash', 'edit', 'write', 'patch', 'task', 'webfetch', 'websearch', 'external_directory']

/**
 * Rules on top of the user's own. `read` leaves the model only the tools that look at the project. `write` refuses what
 * lies outside the project: opencode's file tools keep to it, of shell commands it sees only the plain ones
 * (`cat /etc/x`, `cd /x`), not `> /x` or `sh -c '...'`.
 */
const RULES: Readonly<Record<Access, readonly [string, Rule][] | null>> = {
  read: [
    ['**', 'deny'],
    [last('read'), NO_SECRETS],
    ...all(['glob', 'grep', 'list', 'lsp', 'skill', 'todoread', 'todowrite'], 'allow'),
    ...all(TOUCHING, 'deny'),
  ],
  write: all(['external_directory'], 'deny'),
  full: null,
}

/** OPENCODE_PERMISSION is laid over the permissions of every configuration file; `full` leaves it to the user. */
function permission(request: LaunchRequest): Record<string, string> {
  const rules = request.access === 'as-given' ? null : RULES[request.access]
  if (!rules) return {}
  const own = parseObject(request.env.OPENCODE_PERMISSION ?? '')
  return { OPENCODE_PERMISSION: JSON.stringify({ ...own, ...Object.fromEntries(rules) }) }
}

/**
 * `--auto` at every access: without it the first question ends the run, with code 0. What is denied stays denied. A command as
 * given has it or has it not.
 */
function invocation(request: LaunchRequest, session: readonly string[]): Invocation {
  const auto = request.access === 'as-given' ? [] : ['--auto']
  const fixed = ['opencode', 'run', '--format', 'json', ...auto, '--dir', request.cwd]
  return { argv: [...fixed, ...logs(request), ...session, ...request.agentArgs], env: permission(request) }
}

/** Errors on stderr as they happen; stdout is silent while opencode tries a request again. */
function logs(request: LaunchRequest): string[] {
  const { options } = scanArgs(request.agentArgs, OPTIONS)
  return options.includes('print-logs') || options.includes('log-level')
    ? []
    : ['--print-logs', '--log-level', 'ERROR']
}

/** opencode.json may hold `{env:NAME}` anywhere (https://opencode.ai/docs/config). */
function envNamesInConfig(env: Readonly<Record<string, string | undefined>>): string[] {
  const folder = join(env.XDG_CONFIG_HOME || join(env.HOME ?? '/', '.config'), 'opencode')
  const paths = ['opencode.json', 'opencode.jsonc', 'config.json'].map((name) => join(folder, name))
  if (env.OPENCODE_CONFIG) paths.push(env.OPENCODE_CONFIG)
  return paths.flatMap((path) => namesInFile(path, /\{env:([A-Za-z_][A-Za-z0-9_]*)\}/g))
}

/** opencode (https://opencode.ai). Its session id is learnt from the first event, which follows the first answer. */
export const opencode: Driver = {
  name: 'opencode',
  binary: 'opencode',
  install: 'npm install -g opencode-ai',
  envNames: [
    ...[
      'OPENCODE_*',
      ...PROVIDER_ENV,
      'VERTEX_*',
      'GCP_PROJECT',
      'ZHIPU_*',
      'COHERE_*',
      'PERPLEXITY_*',
      'OLLAMA_*',
    ],
    ...[
      'DEEPINFRA_*',
      'BASETEN_*',
      'NVIDIA_*',
      'LMSTUDIO_*',
      'VERCEL_OIDC_TOKEN',
      'GITLAB_TOKEN',
      'GITLAB_INSTANCE_URL',
    ],
    ...['AICORE_*', 'SNOWFLAKE_CORTEX_*', 'EXA_API_KEY', 'PARALLEL_API_KEY'],
  ],
  // The first two are set for tools; the others are set by a terminal, editor or server that opencode itself runs in.
  envNever: [
    ...['OPENCODE', 'OPENCODE_PID', 'OPENCODE_TERMINAL', 'OPENCODE_CLIENT', 'OPENCODE_WORKSPACE_ID'],
    ...['OPENCODE_ROUTE', 'OPENCODE_EDITOR_SSE_PORT', 'OPENCODE_SERVER_USERNAME', 'OPENCODE_SERVER_PASSWORD'],
  ],
  envNamesInConfig,
  // After spawn: unknown option 0.7-1.2 s, unknown session 1.3 s, no such model or no key 2.0-2.9 s, first answer
  // 2.4-4.6 s with a model that answers at once. An error event is followed by the end within 0.3 s.
  startup: { signMs: 3_000, graceMs: 400 },
  refuse: (request, prompt) =>
    refusePrompt(prompt) ?? (request.access === 'as-given' ? null : refuseArgs(request, OPTIONS, BANNED)),
  presetSession: async () => null,
  start: (request, sessionId) =>
    sessionId ? opencode.resume(request, sessionId) : invocation(request, ['--title', titleOf(request)]),
  resume: (request, sessionId) => invocation(request, ['--session', sessionId]),
  planResume: planOpencodeResume,
  awaitsAnswer: awaitsOpencodeAnswer,
  parse: parseOpencode,
  parseStderr: parseOpencodeStderr,
  judge: judgeOpencode,
  versionArgv: ['opencode', '--version'],
  // Its own `auth list` makes a database first, and takes seconds (1.18.33).
  login: async ({ env }) => {
    const folder = join(env.XDG_DATA_HOME || join(env.HOME ?? '/', '.local/share'), 'opencode')
    return loginByVariable(PROVIDER_ENV, env) ?? loginByFile(join(folder, 'auth.json'))
  },
}
