import type { Command } from 'commander'

/** What `--help`, the manual page and the completion say of a verb beside what the commander tree does. */
interface About {
  readonly group: Group
  /** Command lines, each with what it does. Every one of them is parsed by a test. */
  readonly examples: readonly (readonly [string, string])[]
}

/** The headings of `rca --help`. */
type Group = 'Run tasks:' | 'Look at them:' | 'Supervision:' | 'Set up:'

/** One entry a verb; a test wants one for every verb there is. */
export const ABOUT: Readonly<Record<string, About>> = {
  start: {
    group: 'Run tasks:',
    examples: [
      ['rca start codex fix-tests -C ~/src/app -p "Make the tests pass"', 'start and return'],
      ['rca start claude docs -f task.md --access full', 'a long prompt, no bounds'],
      [
        'rca start codex fix-tests -f - --wait -- -m gpt-5',
        'the prompt from stdin, follow it; -m is for codex',
      ],
      ['rca start pi notes -f task.md --if-exists reuse --json', 'safe to repeat, for scripts'],
    ],
  },
  exec: {
    group: 'Run tasks:',
    examples: [
      [
        `rca exec -- codex exec -s workspace-write "Make the tests pass"`,
        'a command that you have, as a task',
      ],
      [`rca exec --name docs --wait -- npx -y opencode-ai run --auto < task.md`, 'whatever stands in front'],
      [`rca exec --explain -- sh -c 'claude -p "Fix it" | tee log'`, 'what would be done with it, and why'],
    ],
  },
  resume: {
    group: 'Run tasks:',
    examples: [
      ['rca resume fix-tests', 'go on with what was ended or given up'],
      ['rca resume fix-tests -p "Now the docs too"', 'say something new to a conversation that has ended'],
    ],
  },
  send: {
    group: 'Run tasks:',
    examples: [
      ['rca send fix-tests "Now the docs too"', 'its next turn, now or when the one that runs has ended'],
      ['rca send fix-tests -f more.md --json', 'a long one; the answer for scripts'],
    ],
  },
  kill: {
    group: 'Run tasks:',
    examples: [
      ['rca kill fix-tests', 'end the agent and all that it started; the records stay'],
      ['rca kill codex-a codex-b --grace 30s', 'give them longer to end by themselves'],
    ],
  },
  wait: {
    group: 'Run tasks:',
    examples: [
      ['rca wait fix-tests && git push', 'do something when it has ended well'],
      ['rca wait codex-a codex-b --any --timeout 2h', 'until the first of them has ended'],
      ['rca wait fix-tests --for waiting,stalled', 'until it is in one of these states, or can be no more'],
    ],
  },
  result: {
    group: 'Look at them:',
    examples: [
      ['rca result fix-tests --wait', 'the final message alone, once it has ended'],
      ['rca result fix-tests --json', 'usage, exit, times and what was denied, too'],
    ],
  },
  rm: {
    group: 'Run tasks:',
    examples: [['rca rm fix-tests docs', 'forget what has ended; --force kills what has not']],
  },
  prune: {
    group: 'Run tasks:',
    examples: [
      ['rca prune --older-than 30d --dry-run', 'see what would be removed'],
      ['rca prune --older-than 7d --state done', 'only what ended well'],
    ],
  },
  list: {
    group: 'Look at them:',
    examples: [
      ['rca list', 'live tasks and those of the last day'],
      ['rca list --watch', 'keep an eye on them'],
      ['rca list --state failed --state waiting --json', 'for scripts'],
    ],
  },
  status: {
    group: 'Look at them:',
    examples: [['rca status fix-tests', 'how it stands, why, and what happens next']],
  },
  logs: {
    group: 'Look at them:',
    examples: [
      ['rca logs -f fix-tests', 'follow what the agent says and does'],
      ['rca logs fix-tests -n 20 --since 10m', 'the last of it'],
      ['rca logs fix-tests --events', 'JSON lines of the same shape for every agent'],
    ],
  },
  events: {
    group: 'Look at them:',
    examples: [['rca events -f', 'what happens to all tasks, as it happens']],
  },
  attach: {
    group: 'Look at them:',
    examples: [['rca attach fix-tests', 'Ctrl-b d leaves it again']],
  },
  monitor: {
    group: 'Supervision:',
    examples: [
      ['rca monitor status', 'whether one runs'],
      ['rca monitor --once', 'one look at every task, for cron'],
    ],
  },
  notify: {
    group: 'Supervision:',
    examples: [
      ['rca notify test desktop', 'does a notification get through?'],
      ['rca notify list', 'the channels that config.json names'],
    ],
  },
  service: {
    group: 'Supervision:',
    examples: [
      ['rca service install --dry-run', 'see what would be written and run'],
      ['rca service install', 'have tasks go on after a reboot'],
    ],
  },
  doctor: {
    group: 'Set up:',
    examples: [
      ['rca doctor', 'what is missing or broken on this machine'],
      ['rca doctor --fix', 'and repair what is safe'],
    ],
  },
  skill: {
    group: 'Set up:',
    examples: [
      ['rca skill install', 'for the Claude Code and the OpenClaw of this user'],
      ['rca skill install .claude/skills', 'for whoever works in this project'],
      ['rca skill show', 'read it'],
    ],
  },
  schema: {
    group: 'Set up:',
    examples: [
      ['rca schema status', 'what rca status --json prints'],
      ['rca schema', 'all of them, by name'],
    ],
  },
  completion: {
    group: 'Set up:',
    examples: [
      ['eval "$(rca completion bash)"', 'in ~/.bashrc'],
      ['source <(rca completion zsh)', 'in ~/.zshrc, after compinit'],
      ['rca completion fish > ~/.config/fish/completions/rca.fish', 'once, for fish'],
    ],
  },
  man: {
    group: 'Set up:',
    examples: [['rca man', 'all of it, in your pager']],
  },
}

/** What other programs call it. */
const MEANT: Readonly<Record<string, string>> = {
  run: 'start',
  new: 'start',
  stop: 'kill',
  cancel: 'kill',
  abort: 'kill',
  show: 'status',
  inspect: 'status',
  info: 'status',
  check: 'doctor',
  tail: 'logs',
  watch: 'list --watch',
  top: 'list --watch',
  continue: 'resume',
}

/** The verb that somebody may have meant who wrote another program's word; null: none is known. Pure. */
export const meantVerb = (word: string): string | null =>
  Object.hasOwn(MEANT, word) ? (MEANT[word] ?? null) : null

/** Puts the verbs into groups, and examples under each verb's help. */
export function withHelp(program: Command): Command {
  for (const command of program.commands) {
    const about = ABOUT[command.name()]
    if (about) command.helpGroup(about.group).addHelpText('after', () => examplesText(about))
  }
  return program
    .commandsGroup('Set up:' satisfies Group)
    .helpCommand(true)
    .addHelpText('after', '\nrca <command> --help tells more, with examples; man rca and rca man tell all.')
}

function examplesText({ examples }: About): string {
  return `\nExamples:\n${examples.map(([line, what]) => `  # ${what}\n  ${line}\n`).join('')}`
}
