import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ArgRule, type Refusal, refuseArgs, refusePrompt } from './agent-args.ts'
import { parseCodex } from './codex-events.ts'
import { codexHome, findRollout, holdsAnswer, messagesOf } from './codex-store.ts'
import { judgeCodex } from './codex-verdict.ts'
import type { Access, Driver, Invocation, LaunchRequest, ResumePlan, Said } from './driver.ts'
import { loginByCommand, loginByVariable } from './login.ts'
import { hasAnswered, hasWorked } from './summary.ts'
import { isUnanswered } from './unanswered.ts'

// Tried with codex-cli 0.169.0.

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** `exec` never asks. A resume does not inherit the sandbox, so every launch states it. */
const ACCESS_FLAGS: Readonly<Record<Access, readonly string[]>> = {
  read: ['-s', 'read-only'],
  write: ['-s', 'workspace-write'],
  full: ['--dangerously-bypass-approvals-and-sandbox'],
}

/** Given twice these are a usage error. */
const OURS = new Set(['--json', '--skip-git-repo-check'])

const RULES: readonly ArgRule[] = [
  {
    names: ['--full-auto', '-a', '--ask-for-approval'],
    because: '`codex exec` no longer takes it',
    hint: 'use rca start --access write',
  },
  {
    names: ['-s', '--sandbox', '--yolo', '--dangerously-bypass-approvals-and-sandbox', '--approve-for-me'],
    because: 'rca sets what the agent may do, on start and resume alike',
    hint: 'use rca start --access read, write or full',
  },
  { names: ['-C', '--cd'], because: 'rca sets the directory', hint: 'use rca start -C DIR' },
  {
    names: ['--worktree'],
    because: 'each resume would work in another worktree',
    hint: 'make the worktree first and use rca start -C DIR',
  },
  { names: ['--ephemeral'], because: 'nothing would be stored to resume', hint: 'leave it out' },
  {
    names: ['resume', 'fork', 'review', 'help', '--last', '--all'],
    because: 'rca decides which conversation goes on',
    hint: 'use rca resume for a task that rca started',
  },
  {
    names: ['-h', '--help', '-V', '--version'],
    because: 'it would print and end',
    hint: 'run codex itself for that',
  },
]

export const codex: Driver = {
  name: 'codex',
  binary: 'codex',
  install: 'npm install -g @openai/codex',
  envNames: ['CODEX_*', 'OPENAI_*', 'AZURE_OPENAI_*', 'AWS_*', 'RUST_LOG'],
  // Set by codex and its npm launcher for what they run (codex-cli 0.169.0).
  envNever: [
    'CODEX_APPLY_PATCH_PRESERVE_LINE_ENDINGS',
    'CODEX_CI',
    'CODEX_MANAGED_BY_BUN',
    'CODEX_MANAGED_BY_NPM',
    'CODEX_MANAGED_PACKAGE_ROOT',
    'CODEX_SANDBOX',
    'CODEX_SANDBOX_NETWORK_DISABLED',
    'CODEX_SESSION_ID',
    'CODEX_THREAD_ID',
    'CODEX_TOOL_CALL_ID',
    'CODEX_VERSION',
  ],
  envNamesInConfig: (env) => readConfigs(env).flatMap(envNamesFromConfig),
  // First event 0.14 to 0.17 s after the spawn; a missing key ends it 0.06 to 0.09 s later. A key that the server refuses
  // shows only after 6 to 7 s of retries: too long to wait for.
  startup: { signMs: 3000, graceMs: 300 },
  versionArgv: ['codex', '--version'],
  // Exit code 0 and 1, also without a network (0.169.0). Of a key for `codex exec` it knows nothing.
  login: async (question) =>
    loginByVariable(['CODEX_API_KEY'], question.env) ??
    loginByCommand(['codex', 'login', 'status'], question),
  refuse,
  presetSession: async () => null,
  start: (request) => invocation(request, ['-']),
  resume: (request, sessionId) => invocation(request, ['resume', sessionId, '-']),
  planResume,
  awaitsAnswer,
  parse: parseCodex,
  judge: judgeCodex,
}

/** The texts of config.toml and of the profiles beside it (`-p NAME` reads NAME.config.toml), as far as there are any. */
function readConfigs(env: Readonly<Record<string, string | undefined>>): string[] {
  const home = env.CODEX_HOME || (env.HOME && join(env.HOME, '.codex'))
  if (!home) return []
  try {
    const names = readdirSync(home).filter((name) => /^(.+\.)?config\.toml$/.test(name))
    return names.map((name) => readFileSync(join(home, name), 'utf8'))
  } catch {
    return []
  }
}

/** Names of environment variables that a config.toml tells codex to read: the keys and headers of model providers and MCP servers. */
export function envNamesFromConfig(toml: string): string[] {
  const text = toml.replace(/^\s*#.*$/gm, '')
  const found = new Set<string>()
  for (const [, name] of text.matchAll(/\b(?:env_key|bearer_token_env_var)"?\s*=\s*["']([^"'\n]+)["']/g)) {
    if (name) found.add(name)
  }
  for (const [, table] of text.matchAll(/\benv_http_headers"?\s*=\s*\{([^}]*)\}/g)) addValues(table, found)
  for (const [, table] of text.matchAll(/^\s*\[[^\]]*\benv_http_headers"?\]\s*\n([^[]*)/gm))
    addValues(table, found)
  for (const [, items] of text.matchAll(/\benv_vars"?\s*=\s*\[([^\]]*)\]/g)) {
    for (const [, name] of (items ?? '').matchAll(/["'](\w+)["']/g)) if (name) found.add(name)
  }
  return [...found]
}

function addValues(table: string | undefined, found: Set<string>): void {
  for (const [, name] of (table ?? '').matchAll(/=\s*["'](\w+)["']/g)) if (name) found.add(name)
}

function refuse(request: LaunchRequest, prompt: Uint8Array): Refusal | null {
  const args = request.access === 'as-given' ? null : refuseArgs('codex', request.agentArgs, RULES)
  return refusePrompt('codex', prompt) ?? args
}

/**
 * The user's arguments come first: `-i FILE...` swallows every word up to the next option, and behind it `-` or
 * `resume ID` would be an image and a new thread begin. Only in front of `resume` are -s and -C taken at all.
 */
function invocation(request: LaunchRequest, tail: readonly string[]): Invocation {
  const { access, agentArgs, cwd } = request
  if (access === 'as-given')
    return { argv: ['codex', 'exec', ...agentArgs, '--json', '-C', cwd, ...tail], env: {} }
  const args = agentArgs.filter((arg) => !OURS.has(arg))
  const flags = ['--json', ...ACCESS_FLAGS[access], '--skip-git-repo-check', '-C', cwd]
  return { argv: ['codex', 'exec', ...args, ...flags, ...tail], env: {} }
}

async function planResume(request: LaunchRequest, sessionId: string | null, said: Said): Promise<ResumePlan> {
  const touched = async () => hasWorked(await said(hasWorked))
  if (!sessionId) return withoutId(await touched())
  // Codex takes any other word for a thread name, finds none and silently begins a new thread.
  if (!UUID.test(sessionId)) {
    return { kind: 'impossible', why: `${sessionId} is no codex thread id`, hint: 'start the task anew' }
  }
  const home = codexHome(request.env)
  const rollout = home && (await findRollout(home, sessionId))
  if (rollout && (hasAnswered(await said(hasAnswered)) || (await holdsAnswer(rollout))))
    return { kind: 'resume', sessionId, note: null }
  // Where there is a thread it may not even hold the prompt; a new one loses nothing and does nothing twice.
  if (!(await touched())) return { kind: 'restart', sessionId: null, why: 'codex had not begun to work yet' }
  return {
    kind: 'impossible',
    why: `codex has no record of thread ${sessionId}${home ? ` under ${home}/sessions` : ''}`,
    hint: 'check CODEX_HOME, or start the task anew: its work in the project is still there',
  }
}

async function awaitsAnswer(request: LaunchRequest, sessionId: string, prompt: string): Promise<boolean> {
  const home = codexHome(request.env)
  const rollout = home && (await findRollout(home, sessionId))
  return rollout ? isUnanswered(await messagesOf(rollout), prompt) : false
}

/**
 * `thread.started` is printed before the first model request, so no id means that nothing was done. Work without an id
 * means that events were lost: guessing a thread by directory and time could continue somebody else's.
 */
function withoutId(touched: boolean): ResumePlan {
  if (!touched) return { kind: 'restart', sessionId: null, why: 'codex ended before its thread began' }
  return {
    kind: 'impossible',
    why: 'the thread id was not recorded although codex worked',
    hint: 'find the thread with `codex resume` in the project, or start the task anew',
  }
}
