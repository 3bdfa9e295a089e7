import { readFileSync } from 'node:fs'
import type { AttemptEnd, Cause, LaunchRequest, Verdict } from './driver.ts'
import { describeExit, oneLine, signalOf } from './reason.ts'
import { limitFacts, OVERLOADED, USAGE_LIMIT } from './usage-limit.ts'

/** What the drivers of opencode and pi share: both take loose arguments and report API errors as free text. */
interface OptionTable {
  /** Options that stand alone. */
  readonly flags: ReadonlySet<string>
  /** Options that take every word up to the next option. */
  readonly lists?: ReadonlySet<string>
  /** Short options that take a value; given only where several short options may be written as one word. */
  readonly grouped?: ReadonlySet<string>
}

interface ScannedArgs {
  /** Options as written, without dashes and values: `session`, `s`. */
  readonly options: readonly string[]
  readonly words: readonly string[]
}

/**
 * Splits arguments into options and words. An option that the table does not know is taken to have a value, as both
 * programs do themselves, so a word is only reported where the agent would read it as part of the prompt.
 */
export function scanArgs(args: readonly string[], table: OptionTable): ScannedArgs {
  const options: string[] = []
  const words: string[] = []
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ''
    if (arg === '--') return { options, words: [...words, ...args.slice(at + 1)] }
    if (!arg.startsWith('-')) {
      words.push(arg)
      continue
    }
    const { names, value } = optionsIn(arg, table)
    options.push(...names)
    at += value ? 0 : valuesAfter(args, at, names.at(-1) ?? '', table)
  }
  return { options, words }
}

function optionsIn(arg: string, table: OptionTable): { names: string[]; value: boolean } {
  if (arg.startsWith('--') || !table.grouped) {
    const [name = '', value] = arg.replace(/^--?/, '').split('=', 2)
    return { names: [name], value: value !== undefined }
  }
  const names: string[] = []
  for (const letter of arg.slice(1)) {
    names.push(letter)
    if (table.grouped.has(letter)) return { names, value: names.length < arg.length - 1 }
  }
  return { names, value: false }
}

function valuesAfter(args: readonly string[], at: number, name: string, table: OptionTable): number {
  if (table.flags.has(name)) return 0
  const most = table.lists?.has(name) ? args.length : 1
  let count = 0
  while (count < most && args[at + count + 1]?.startsWith('-') === false) count++
  return count
}

type Refusal = { readonly message: string; readonly hint: string }

/** Prompts that either agent would drop or alter. */
export function refusePrompt(prompt: Uint8Array): Refusal | null {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(prompt)
  } catch {
    return {
      message: 'The prompt is not UTF-8.',
      hint: 'The agent would alter it: convert it with iconv -t UTF-8.',
    }
  }
  if (text.trim() !== '') return null
  return { message: 'The prompt is empty.', hint: 'Give it with -p TEXT or -f FILE.' }
}

/** `banned` maps an option to what should be done instead. */
export function refuseArgs(
  request: LaunchRequest,
  table: OptionTable,
  banned: Readonly<Record<string, string>>,
): Refusal | null {
  const { options, words } = scanArgs(request.agentArgs, table)
  for (const option of options) {
    const name = option.replace(/^no-/, '')
    const hint = Object.hasOwn(banned, option) ? banned[option] : banned[name]
    if (hint)
      return { message: `${option.length > 1 ? '--' : '-'}${option} cannot be given to the agent.`, hint }
  }
  if (words.length === 0) return null
  return {
    message: `${JSON.stringify(words[0])} would be added to the prompt.`,
    hint: 'Put it into the prompt, or write --option=value if it belongs to an option.',
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is removed here
const COLOUR = /\u001b\[[0-9;]*m/g

/** The non-empty lines of a piece of stderr, without colours. */
export function plainLines(text: string): string[] {
  const lines = text.replace(COLOUR, '').split('\n')
  return lines.map((line) => line.trim()).filter((line) => line !== '')
}

export interface Complaint {
  readonly cause: Cause
  readonly reason: string
  readonly hint: string | null
  /** See Verdict. */
  readonly resetsAt?: string | null
}

/** What the two agents have in common at an end; `complain` says what the agent itself complained of, or null. */
export function judgeEnd(end: AttemptEnd, complain: (end: AttemptEnd) => Complaint | null): Verdict {
  const { exit, summary } = end
  if (summary.final?.outcome === 'completed') return { outcome: 'completed' }
  const signal = signalOf(exit)
  // Both die of SIGINT where a person presses Ctrl-C.
  if (signal === 'SIGINT') {
    return { outcome: 'interrupted', cause: 'interrupted', reason: describeExit(exit), hint: CONTINUE }
  }
  const complaint = signal ? null : complain(end)
  if (complaint) return { outcome: 'failed', ...complaint, reason: oneLine(complaint.reason) }
  if (signal || (exit && 'code' in exit && exit.code !== 0)) {
    return { outcome: 'failed', cause: 'crashed', reason: describeExit(exit), hint: null }
  }
  const said = summary.lastError ? `no final answer: ${summary.lastError}` : 'ended without a final answer'
  return { outcome: 'unfinished', cause: 'unfinished', reason: oneLine(said), hint: null }
}

const CONTINUE = '`rca resume` continues it'

/** Sorts a provider's error text. A status is found where opencode-events.ts and pi put it. */
function apiCause(message: string): Cause {
  const status = /^(\d{3})\b|\(HTTP (\d{3})\)/.exec(message)
  const code = status?.[1] ?? status?.[2]
  if (OVERLOADED.test(message)) return 'api-error'
  if (USAGE_LIMIT.test(message)) return 'usage-limit'
  if (code === '429') return 'usage-limit'
  if (code === '401' || code === '403') return 'not-logged-in'
  // What a provider says of a model that it does not have.
  if (code === '404') return 'bad-arguments'
  if (/api.?key|unauthori[sz]ed|authenticat|credential|not logged in|oauth/i.test(message))
    return 'not-logged-in'
  return 'api-error'
}

/** A complaint in the provider's words; `hints` are the agent's own. */
export function apiComplaint(
  reason: string,
  hints: { readonly login: string; readonly model: string },
  end: Pick<AttemptEnd, 'endedMs'>,
): Complaint {
  const cause = apiCause(reason)
  if (cause === 'usage-limit') return { cause, reason, ...limitFacts(reason, end) }
  const hint: Partial<Record<Cause, string>> = { 'not-logged-in': hints.login, 'bad-arguments': hints.model }
  return { cause, reason, hint: hint[cause] ?? null }
}

/** Model providers' variables, which opencode and pi read by the same names (opencode 1.18.33, pi 0.74.2). */
export const PROVIDER_ENV = [
  ...[
    'ANTHROPIC_*',
    'OPENAI_*',
    'OPENROUTER_*',
    'GOOGLE_*',
    'GEMINI_*',
    'GCLOUD_PROJECT',
    'AWS_*',
    'AZURE_*',
  ],
  ...[
    'GROQ_*',
    'MISTRAL_*',
    'XAI_*',
    'DEEPSEEK_*',
    'CEREBRAS_*',
    'FIREWORKS_*',
    'TOGETHER_*',
    'AI_GATEWAY_*',
  ],
  ...[
    'ZAI_*',
    'MINIMAX_*',
    'MOONSHOT_*',
    'KIMI_*',
    'CLOUDFLARE_*',
    'XIAOMI_*',
    'HF_TOKEN',
    'COPILOT_GITHUB_TOKEN',
  ],
  'OPENCODE_API_KEY',
]

/** Both count cached tokens apart from the input; rca, like the other agents, counts them in. */
export function withCached(input: number | null, cached: number | null): number | null {
  return input === null ? null : input + (cached ?? 0)
}

/**
 * Names of environment variables that one of the agent's configuration files tells it to read: what `pattern`'s first group
 * finds in its text. None where there is no such file.
 */
export function namesInFile(path: string, pattern: RegExp): string[] {
  try {
    return [...readFileSync(path, 'utf8').matchAll(pattern)].flatMap(([, name]) => name ?? [])
  } catch {
    return []
  }
}
