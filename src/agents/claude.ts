import { join } from 'node:path'
import { type ArgRule, type Refusal, refuseArgs, refusePrompt } from './agent-args.ts'
import { parseClaude } from './claude-events.ts'
import { claudeHome, findSession, markEnd, messagesOf, setAside } from './claude-store.ts'
import { judgeClaude } from './claude-verdict.ts'
import type { Access, Driver, Invocation, LaunchRequest, ResumePlan, Said } from './driver.ts'
import {
  isAtLeast,
  type Login,
  type LoginQuestion,
  loginByCommand,
  loginByFile,
  loginByVariable,
} from './login.ts'
import { hasWorked } from './summary.ts'
import { isUnanswered } from './unanswered.ts'

// Tried with Claude Code 2.1.197.

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * `-p` never asks: what is not allowed is denied and the run goes on. Tool lists in the `=` form, since the option
 * swallows every word that follows.
 * read: no shell at all, because the user's own allow rules hold in `dontAsk` and even in `plan` (a shell command
 * allowed there wrote a file). Glob and Grep are given only where the list names them.
 * write: edits within the project by the mode, any command by the list; root is not refused.
 */
const ACCESS_FLAGS: Readonly<Record<Access, readonly string[]>> = {
  read: [
    '--permission-mode',
    'dontAsk',
    '--tools=Read,Glob,Grep,WebFetch,WebSearch,Agent,TaskCreate,TaskGet,TaskList,TaskUpdate',
    '--allowedTools=Read,Glob,Grep,WebFetch,WebSearch',
  ],
  write: ['--permission-mode', 'acceptEdits', '--allowedTools=Bash,Read,Glob,Grep,WebFetch,WebSearch,Skill'],
  full: ['--dangerously-skip-permissions'],
}

const RULES: readonly ArgRule[] = [
  {
    names: [
      '--session-id',
      '-r',
      '--resume',
      '-c',
      '--continue',
      '--fork-session',
      '--from-pr',
      '--no-session-persistence',
    ],
    because: 'rca decides which conversation goes on, and needs it stored',
    hint: 'use rca resume for a task that rca started',
  },
  {
    names: ['-p', '--print', '--output-format', '--input-format', '--replay-user-messages'],
    because: 'rca sets how it reads the prompt and prints its events',
    hint: 'leave it out; rca logs shows what the agent says',
  },
  {
    names: ['--permission-mode', '--dangerously-skip-permissions', '--allow-dangerously-skip-permissions'],
    because: 'rca sets what the agent may do, on start and resume alike',
    hint: 'use rca start --access read, write or full',
  },
  {
    names: ['-w', '--worktree', '--tmux'],
    because: 'a conversation is found again only from the directory it began in',
    hint: 'make the worktree first and use rca start -C DIR',
  },
  {
    names: ['--bg', '--background'],
    because: 'the agent would leave the session that rca watches',
    hint: 'leave it out: rca start returns at once anyway',
  },
  {
    names: ['-h', '--help', '-v', '--version'],
    because: 'it would print and end',
    hint: 'run claude itself for that',
  },
]

/**
 * `claude auth status` ends with 0 and 1, also without a network (seen on 2.1.197). An older claude might take the words for
 * a prompt.
 */
async function login(question: LoginQuestion): Promise<Login> {
  const { env, version } = question
  const quiet = { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1' }
  if (isAtLeast(version, [2, 1, 197]))
    return loginByCommand(['claude', 'auth', 'status'], { ...question, env: { ...env, ...quiet } })
  const folder = env.CLAUDE_CONFIG_DIR || join(env.HOME ?? '/', '.claude')
  const keys = ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN']
  return loginByVariable(keys, env) ?? loginByFile(join(folder, '.credentials.json'))
}

export const claude: Driver = {
  name: 'claude',
  binary: 'claude',
  install: 'npm install -g @anthropic-ai/claude-code',
  // Read from the program (2.1.197). BASH_* is spelt out: BASH_ENV is a script that every shell would run.
  envNames: [
    'ANTHROPIC_*',
    'CLAUDE_CODE_*',
    'CLAUDE_AUTOCOMPACT_PCT_OVERRIDE',
    'CLAUDE_BASH_MAINTAIN_PROJECT_WORKING_DIR',
    'CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS',
    'CLAUDE_CONFIG_DIR',
    'CLAUDE_ENV_FILE',
    'CLAUDE_SECURESTORAGE_CONFIG_DIR',
    'CLAUDE_STREAM_IDLE_TIMEOUT_MS',
    'CLAUDE_TMPDIR',
    'AWS_*',
    'AZURE_*',
    'GOOGLE_*',
    'GCLOUD_PROJECT',
    'CLOUDSDK_CONFIG',
    'CLOUD_ML_REGION',
    'VERTEX_*',
    'API_TIMEOUT_MS',
    'BASH_DEFAULT_TIMEOUT_MS',
    'BASH_MAX_OUTPUT_LENGTH',
    'BASH_MAX_TIMEOUT_MS',
    'DISABLE_*',
    'DO_NOT_TRACK',
    'ENABLE_CLAUDEAI_MCP_SERVERS',
    'ENABLE_MCP_LARGE_OUTPUT_FILES',
    'ENABLE_PROMPT_CACHING_*',
    'ENABLE_TOOL_SEARCH',
    'FORCE_PROMPT_CACHING_5M',
    'IS_SANDBOX',
    'MAX_MCP_OUTPUT_TOKENS',
    'MAX_STRUCTURED_OUTPUT_RETRIES',
    'MAX_THINKING_TOKENS',
    'MCP_*',
    'OTEL_*',
    'SLASH_COMMAND_TOOL_CHAR_BUDGET',
    'TASK_MAX_OUTPUT_LENGTH',
    'USE_BUILTIN_RIPGREP',
  ],
  envNever: [
    'CLAUDECODE',
    'CLAUDE_CODE_CHILD_SESSION',
    'CLAUDE_CODE_ENTRYPOINT',
    'CLAUDE_CODE_EXECPATH',
    'CLAUDE_CODE_REMOTE_SESSION_ID',
    'CLAUDE_CODE_RESUME_FROM_SESSION',
    'CLAUDE_CODE_RESUME_INTERRUPTED_TURN',
    'CLAUDE_CODE_RESUME_PROMPT',
    'CLAUDE_CODE_SESSION_ACCESS_TOKEN',
    'CLAUDE_CODE_SESSION_ID',
    'CLAUDE_CODE_SESSION_KIND',
    'CLAUDE_CODE_SESSION_NAME',
    'CLAUDE_CODE_SSE_PORT',
  ],
  // First event 0.35 to 0.75 s after the spawn; "Not logged in" 0.03 to 0.07 s later. A key that the server refuses shows
  // only after ten retries, 180 s.
  startup: { signMs: 5000, graceMs: 300 },
  versionArgv: ['claude', '--version'],
  login,
  refuse,
  presetSession: async (request) => request.taskId,
  start: (request, sessionId) => {
    const session = ['--session-id', sessionId ?? request.taskId]
    return invocation(request, request.access === 'as-given' ? session : [...session, ...plainSlash(request)])
  },
  resume: (request, sessionId) => invocation(request, ['--resume', sessionId, ...plainSlash(request)]),
  planResume,
  awaitsAnswer,
  parse: parseClaude,
  judge: judgeClaude,
}

function refuse(request: LaunchRequest, prompt: Uint8Array): Refusal | null {
  return (
    refusePrompt('claude', prompt) ??
    refuseSlash(request, prompt) ??
    (request.access === 'as-given' ? null : refuseArgs('claude', request.agentArgs, RULES))
  )
}

/** Without `promptStart` the launch cannot know that it has to take the slash's meaning away. */
function refuseSlash({ promptStart }: LaunchRequest, prompt: Uint8Array): Refusal | null {
  if (prompt[0] !== 0x2f || promptStart !== undefined) return null
  return {
    message: 'claude would take a prompt that begins with / for one of its commands',
    hint: 'begin with a word',
  }
}

/** The user's arguments come first: the last of several wins, and a list option at their end swallows none of ours. */
function invocation(request: LaunchRequest, tail: readonly string[]): Invocation {
  const argv = ['claude', '-p', ...request.agentArgs, '--output-format', 'stream-json', '--verbose']
  const env: Record<string, string> = {}
  if (request.root && request.access === 'full') env.IS_SANDBOX = '1'
  const access = request.access === 'as-given' ? [] : ACCESS_FLAGS[request.access]
  return { argv: [...argv, ...access, ...tail], env }
}

/**
 * A prompt that begins with `/word` would be a command, with --disable-slash-commands too ("Unknown command", exit 0). A
 * prompt on the command line goes in front of stdin with a line break, so a blank there keeps it text: " \n/help me". In a
 * command as given it is meant.
 */
function plainSlash({ promptStart }: LaunchRequest): readonly string[] {
  return promptStart?.startsWith('/') ? [' '] : []
}

/** A resume works from the file alone, only in the directory of the start, and copes with a torn last line. */
async function planResume(request: LaunchRequest, sessionId: string | null, said: Said): Promise<ResumePlan> {
  const id = sessionId ?? request.taskId
  if (!UUID.test(id)) {
    return { kind: 'impossible', why: `${id} is no claude session id`, hint: 'start the task anew' }
  }
  const home = claudeHome(request.env)
  const stored = home ? await findSession(home, id) : ({ kind: 'absent' } as const)
  if (stored.kind === 'usable') {
    const note = (await markEnd(stored.file, id)) ? 'told claude where its conversation ends' : null
    return { kind: 'resume', sessionId: id, note }
  }
  // Words without a tool changed nothing, and Claude Code prints its first words before it stores them.
  if (hasWorked(await said(hasWorked))) {
    return {
      kind: 'impossible',
      why: `claude has no record of session ${id}${home ? ` under ${home}/projects` : ''}`,
      hint: 'check CLAUDE_CONFIG_DIR, or start the task anew: its work in the project is still there',
    }
  }
  if (stored.kind === 'absent')
    return { kind: 'restart', sessionId: id, why: 'claude had stored nothing and run no tool yet' }
  // Killed between its first line and the prompt: the file can be neither resumed nor, while it is there, started again.
  const aside = await setAside(stored.file)
  return { kind: 'restart', sessionId: id, why: `claude had not stored the prompt yet (moved to ${aside})` }
}

async function awaitsAnswer(request: LaunchRequest, sessionId: string, prompt: string): Promise<boolean> {
  const home = claudeHome(request.env)
  const stored = home ? await findSession(home, sessionId) : null
  return stored?.kind === 'usable' && isUnanswered(await messagesOf(stored.file), prompt)
}
