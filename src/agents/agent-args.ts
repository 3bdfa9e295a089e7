/** An option or word that a user must not hand to an agent because rca decides it, and what to do instead. */
export interface ArgRule {
  readonly names: readonly string[]
  readonly because: string
  readonly hint: string
}

export interface Refusal {
  readonly message: string
  readonly hint: string
}

/** Arguments are options: a first word would be a subcommand or a second prompt, and `--` or `-` ends the options. */
export function refuseArgs(
  agent: string,
  args: readonly string[],
  rules: readonly ArgRule[],
): Refusal | null {
  const first = args[0]
  if (first !== undefined && !first.startsWith('-')) return refuseWord(agent, first)
  const end = args.find((arg) => arg === '--' || arg === '-')
  if (end) return refuseWord(agent, end)
  for (const arg of args) {
    const name = arg.startsWith('-') ? arg.split('=', 1)[0] : arg
    const rule = rules.find((one) => one.names.includes(name ?? arg))
    if (rule) return { message: `${agent} ${name}: ${rule.because}`, hint: rule.hint }
  }
  return null
}

/** Codex refuses what is not UTF-8 (0.169.0), Claude Code puts U+FFFD in its place (2.1.197); blank is no task for either. */
export function refusePrompt(agent: string, prompt: Uint8Array): Refusal | null {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(prompt)
  } catch {
    return {
      message: `${agent} takes only UTF-8, and the prompt is not`,
      hint: 'convert it first, for example with iconv',
    }
  }
  if (text.trim() !== '') return null
  return { message: 'the prompt is blank', hint: 'say what to do with --prompt or --prompt-file' }
}

function refuseWord(agent: string, word: string): Refusal {
  return {
    message: `${agent} ${word}: only options can be handed on to the agent`,
    hint: 'the prompt goes into --prompt or --prompt-file, before the --',
  }
}
