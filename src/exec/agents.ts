import type { AgentName } from '../agents/driver.ts'
import { unsure } from './not-certain.ts'
import { type OptionTable, type Scanned, scanOptions } from './options.ts'

/**
 * The command lines of the four CLIs that run one prompt to its end, read from their `--help`, their parsers and what they
 * did: codex-cli 0.169.0, Claude Code 2.1.197, opencode 1.18.33, pi 0.74.2.
 */

/** What one agent's arguments say. */
interface AgentArguments {
  /** Options that stood in front of the subcommand (`codex -c a=b exec`): they stay there. */
  readonly before: readonly string[]
  /** What is handed on, permission flags and all, as written. */
  readonly agentArgs: readonly string[]
  /** The prompt in the command; null: it is to come on standard input. */
  readonly prompt: string | null
  /** The folder that it is told to work in, as written. */
  readonly folder: string | null
  readonly notes: readonly string[]
}

interface AgentReader {
  /** Its npm packages. */
  readonly packages: readonly string[]
  /** Reads what stands behind its name. Throws NotCertain. */
  readonly read: (args: readonly string[]) => AgentArguments
  /** What the model is asked where the prompt stands in the command and standard input holds something too. */
  readonly join: (prompt: string, input: string) => string
}

const ENDS = 'it prints and ends'
const SESSION = 'it goes on with a conversation that is not of rca'
const UNSTORED = 'the conversation is not stored, so that nothing could go on with it'
const WORKTREE = 'each attempt would work in another worktree'
const LEAVES = 'the agent would leave the task'
const INTERACTIVE = 'it wants a person'

const CODEX_SHARED = {
  values: [
    ...['-c', '--config', '--enable', '--disable', '-m', '--model', '--local-provider', '-p', '--profile'],
    ...['-s', '--sandbox', '--add-dir'],
  ],
  flags: [
    ...['--strict-config', '--oss', '--approve-for-me', '--yolo', '--dangerously-bypass-hook-trust'],
    '--dangerously-bypass-approvals-and-sandbox',
  ],
  refused: { '--worktree': WORKTREE, '-h': ENDS, '--help': ENDS, '-V': ENDS, '--version': ENDS },
  joined: 'attached',
} satisfies OptionTable

/** In front of `exec`; what is said there of the folder and of images is not followed. */
const CODEX_ROOT: OptionTable = {
  ...CODEX_SHARED,
  values: [...CODEX_SHARED.values, '-a', '--ask-for-approval'],
  flags: [...CODEX_SHARED.flags, '--search'],
}

const CODEX_EXEC: OptionTable = {
  ...CODEX_SHARED,
  values: [
    ...CODEX_SHARED.values,
    ...['-C', '--cd', '--thread-source', '--cyber-access-program', '--output-schema', '--color'],
    ...['-o', '--output-last-message'],
  ],
  flags: [
    ...CODEX_SHARED.flags,
    ...['--skip-git-repo-check', '--trust', '--ignore-user-config', '--ignore-rules', '--json'],
  ],
  lists: ['-i', '--image'],
  dropped: ['--json', '-C', '--cd'],
  paths: ['-o', '--output-last-message', '--output-schema', '-i', '--image', '--add-dir'],
  refused: {
    ...CODEX_SHARED.refused,
    '--ephemeral': UNSTORED,
    ...{ '--full-auto': 'codex exec no longer takes it', '-a': 'codex exec does not take it' },
  },
}

const CODEX_SUBCOMMANDS = ['resume', 'fork', 'review', 'help']

const codex: AgentReader = {
  packages: ['@openai/codex'],
  read: (args) => {
    const at = args.findIndex((arg) => arg === 'exec' || arg === 'e')
    const before = args.slice(0, at < 0 ? args.length : at)
    const root = scanOptions(before, CODEX_ROOT)
    if (at < 0 || root.words.length > 0 || root.afterDashes)
      unsure('only `codex exec` runs a prompt to its end')
    const found = scanOptions(args.slice(at + 1), CODEX_EXEC)
    const [first = ''] = found.words
    if (!found.afterDashes && CODEX_SUBCOMMANDS.includes(first)) {
      unsure(
        first === 'resume' || first === 'fork'
          ? `codex exec ${first}: ${SESSION}`
          : `codex exec ${first} is no prompt`,
      )
    }
    const prompt = onlyWord(found)
    const folder = folderOf(found, '-C', '--cd')
    return { before, agentArgs: found.kept, prompt: prompt === '-' ? null : prompt, folder, notes: [] }
  },
  join: (prompt, input) =>
    input.trim() === ''
      ? prompt
      : `${prompt}\n\n<stdin>\n${input}${input.endsWith('\n') ? '' : '\n'}</stdin>`,
}

const CLAUDE: OptionTable = {
  values: [
    ...['--agent', '--agents', '--append-system-prompt', '--append-system-prompt-file', '--debug-file'],
    ...['--effort', '--fallback-model', '--json-schema', '--max-budget-usd', '--max-thinking-tokens'],
    ...['--max-turns', '--model', '-n', '--name', '--permission-mode', '--plugin-dir', '--plugin-url'],
    ...['--setting-sources', '--settings', '--system-prompt', '--system-prompt-file', '--output-format'],
    '--input-format',
  ],
  flags: [
    ...['-p', '--print', '--allow-dangerously-skip-permissions', '--dangerously-skip-permissions', '--bare'],
    ...['--brief', '--chrome', '--no-chrome', '--disable-slash-commands', '--ide', '--include-hook-events'],
    ...['--exclude-dynamic-system-prompt-sections', '--include-partial-messages', '--safe-mode'],
    ...['--strict-mcp-config', '--verbose'],
  ],
  lists: [
    ...[
      '--add-dir',
      '--allowedTools',
      '--allowed-tools',
      '--disallowedTools',
      '--disallowed-tools',
      '--betas',
    ],
    ...['--file', '--mcp-config', '--tools'],
  ],
  maybes: ['-d', '--debug'],
  dropped: ['-p', '--print', '--output-format', '--input-format', '--include-partial-messages'],
  refused: {
    ...{ '-c': SESSION, '--continue': SESSION, '-r': SESSION, '--resume': SESSION, '--from-pr': SESSION },
    ...{ '--fork-session': SESSION, '--session-id': 'the conversation has an id of its own' },
    '--no-session-persistence': UNSTORED,
    ...{ '-w': WORKTREE, '--worktree': WORKTREE, '--tmux': LEAVES, '--bg': LEAVES, '--background': LEAVES },
    '--replay-user-messages': 'it is spoken to while it runs',
    ...{ '-h': ENDS, '--help': ENDS, '-v': ENDS, '--version': ENDS },
  },
  joined: 'attached',
  joinedLists: true,
}

const claude: AgentReader = {
  packages: ['@anthropic-ai/claude-code'],
  read: (args) => {
    const found = scanOptions(args, CLAUDE)
    const printed = args.slice(0, args.includes('--') ? args.indexOf('--') : undefined)
    if (!printed.includes('-p') && !printed.includes('--print')) unsure('without -p claude wants a person')
    if ((found.valueOf('--input-format') ?? 'text') !== 'text') unsure('it is spoken to while it runs')
    const [first = ''] = found.words
    if (!found.afterDashes && /^[a-z][a-z-]*$/.test(first)) unsure(`claude ${first} may be a subcommand`)
    const format = found.valueOf('--output-format')
    const notes = format
      ? [`--output-format ${format} is left out: rca keeps the events, and rca logs shows them`]
      : []
    return { before: [], agentArgs: found.kept, prompt: onlyWord(found), folder: null, notes }
  },
  join: (prompt, input) => (input === '' ? prompt : `${prompt}\n${input}`),
}

const OPENCODE: OptionTable = {
  values: ['--log-level', '-m', '--model', '--agent', '--variant', '--port', '--format', '--dir'],
  flags: ['--print-logs', '--pure', '--share', '--thinking', '--auto'],
  lists: ['-f', '--file'],
  dropped: ['--format', '--dir'],
  paths: ['-f', '--file'],
  refused: {
    ...{ '-c': SESSION, '--continue': SESSION, '-s': SESSION, '--session': SESSION, '--fork': SESSION },
    '--title': 'rca finds the conversation again by a title of its own',
    '--command': 'it would run again in every attempt',
    ...{ '--attach': LEAVES, '-i': INTERACTIVE, '--interactive': INTERACTIVE, '--mini': INTERACTIVE },
    ...{ '-h': ENDS, '--help': ENDS, '-v': ENDS, '--version': ENDS },
  },
  joined: 'equals',
}

const opencode: AgentReader = {
  packages: ['opencode-ai'],
  read: ([subcommand, ...args]) => {
    if (subcommand !== 'run') unsure('only `opencode run` runs a prompt to its end')
    const found = scanOptions(args, OPENCODE)
    const folder = folderOf(found, '--dir')
    return { before: [], agentArgs: found.kept, prompt: opencodePrompt(found.words), folder, notes: [] }
  },
  join: (prompt, input) => (input === '' ? prompt : `${prompt}\n${input}`),
}

/** One word is the prompt; of several opencode makes a line, with quotes around those that hold a blank. */
function opencodePrompt(words: readonly string[]): string | null {
  if (words.some((word) => word.trim() !== '' && !Number.isNaN(Number(word))))
    unsure('opencode alters numbers')
  if (words.length <= 1) return words[0] ?? null
  return words.map((word) => (word.includes(' ') ? `"${word.replaceAll('"', '\\"')}"` : word)).join(' ')
}

const PI: OptionTable = {
  values: [
    ...[
      '--provider',
      '--model',
      '--api-key',
      '--system-prompt',
      '--append-system-prompt',
      '--models',
      '--tools',
    ],
    ...['-t', '--thinking', '--extension', '-e', '--skill', '--prompt-template', '--theme', '--mode'],
  ],
  flags: [
    ...['-p', '--print', '--no-tools', '-nt', '--no-builtin-tools', '-nbt', '--no-extensions', '-ne'],
    ...['--no-skills', '-ns', '--no-prompt-templates', '-np', '--no-themes', '--no-context-files', '-nc'],
    ...['--verbose', '--offline'],
  ],
  dropped: ['-p', '--print', '--mode'],
  refused: {
    ...{ '--continue': SESSION, '-c': SESSION, '--resume': SESSION, '-r': SESSION, '--session': SESSION },
    ...{
      '--fork': SESSION,
      '--session-dir': 'the conversation has a place of its own',
      '--no-session': UNSTORED,
    },
    ...{ '--export': ENDS, '--list-models': ENDS, '--help': ENDS, '-h': ENDS, '--version': ENDS, '-v': ENDS },
  },
  joined: 'no',
}

const PI_COMMANDS = ['install', 'remove', 'uninstall', 'update', 'list', 'config']

const pi: AgentReader = {
  packages: ['@earendil-works/pi-coding-agent', '@mariozechner/pi-coding-agent'],
  read: (args) => {
    if (PI_COMMANDS.includes(args[0] ?? '')) unsure(`pi ${args[0]} is no prompt`)
    const found = scanOptions(args, PI)
    const mode = found.valueOf('--mode')
    const printed = args.includes('-p') || args.includes('--print') || mode === 'json'
    if (!printed) unsure('without -p pi wants a person')
    if (mode !== null && mode !== 'text' && mode !== 'json') unsure('it is spoken to while it runs')
    const prompt = onlyWord(found)
    if (prompt?.startsWith('@')) unsure('pi would attach the file')
    if (prompt === '-') unsure('pi does not take -')
    return { before: [], agentArgs: found.kept, prompt, folder: null, notes: [] }
  },
  join: (prompt, input) => input.trim() + prompt,
}

export const READERS: Readonly<Record<AgentName, AgentReader>> = { codex, claude, opencode, pi }

function onlyWord({ words }: Scanned): string | null {
  if (words.length > 1) unsure('it has more than one prompt')
  return words[0] ?? null
}

/** Paths beside it would be looked for from the folder in which the command is run. */
function folderOf(found: Scanned, ...names: string[]): string | null {
  const folder = found.valueOf(...names)
  if (folder !== null && found.relativePath !== null) {
    unsure(`${found.relativePath} is looked for from another folder than ${folder}`)
  }
  return folder
}
