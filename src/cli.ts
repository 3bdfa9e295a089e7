import { Command, Option } from 'commander'
import { ACCESS, AGENTS } from './agents/driver.ts'
import { SHELLS } from './completion/scripts.ts'
import { withHelp } from './help.ts'
import { ON_STALL, RESTART } from './task/policy.ts'
import { TERMINALS } from './terminal/kinds.ts'
import { VERSION } from './version.ts'

type Options = Record<string, unknown>

/** Runs one verb: its arguments, its options with the global ones, what came after `--`. */
export type Verb = (args: readonly string[], options: Options, rest: readonly string[]) => Promise<void>

const collect = (value: string, all: string[] | undefined) => [...(all ?? []), value]
/** The words that a verb's first argument may be, for help and completion; the verb itself refuses others, in its own words. */
function among(command: Command, words: readonly string[]): Command {
  const [argument] = command.registeredArguments
  if (argument) argument.argChoices = [...words]
  return command
}
const json = () => new Option('--json', 'for programs: JSON on stdout, errors as one line of JSON on stderr')

/** What can be said of a new task, whichever verb makes it. */
const taskOptions = (command: Command) =>
  command
    .option('--env <name[=value]>', 'hand this variable to the agent too (repeatable)', collect)
    .addOption(new Option('--restart <when>', 'whether it goes on by itself').choices(RESTART))
    .option('--backoff <duration>', 'wait so long before a second attempt in a row, then twice as long')
    .option('--max-retries <number|none>', 'give up after so many resumes in a row without progress')
    .option('--deadline <duration|none>', 'make no attempt later than this after the start')
    .option('--stall-after <duration|none>', 'take an agent as stalled after so long without output')
    .addOption(new Option('--on-stall <what>', 'what to do about a stalled agent').choices(ON_STALL))
    .option('--max-log-size <size|none>', 'drop the oldest of its logs where they take up more')
    .addOption(
      new Option('--terminal <what>', 'run it in this and in nothing else (RCA_TERMINAL)').choices(TERMINALS),
    )
    .option('--no-monitor', 'start nobody who supervises it')
    .option(
      '--notify <channel>',
      'tell this channel what becomes of it (repeatable; docs/notifications.md)',
      collect,
    )
    .option(
      '--notify-on <events>',
      'what is told, with commas between: done,failed,gave-up (default), failures, all',
    )
    .option('--progress-every <duration>', 'tell of progress at most this often (default: 10m)')
    .addOption(
      new Option(
        '--if-exists <what>',
        'a task of that name exists: reuse gives it back, replace kills it first',
      )
        .choices(['fail', 'reuse', 'replace'])
        .default('fail'),
    )
    .option(
      '--wait',
      "follow the task on stderr and end with wait's exit code; interrupting leaves the task running",
    )

const POLICY_HELP = `What a flag does not say, config.json does (README, "Settings"), or else:
  --restart on-failure --backoff 3m --max-retries none --deadline 5h --stall-after 15m --on-stall report
  --max-log-size 1GB`

/** Makes the command of a verb. */
interface Maker {
  /** One that reads or changes something, with `--json`. */
  readonly verb: (name: string, about: string) => Command
  /** One that prints a text as it is. */
  readonly plain: (name: string, about: string) => Command
  /** One that rca's own scripts ask. */
  readonly hidden: (name: string) => Command
}

/** The commander tree and nothing else: an entry a verb, in the order of the help. */
const TREE: Readonly<Record<string, (make: Maker) => unknown>> = {
  start: ({ verb }) => {
    const start = verb(
      'start <agent> <task-name>',
      `start a task; agents: ${AGENTS.join(', ')}. What follows -- goes to the agent.`,
    )
      .option('-C, --cwd <dir>', 'the project folder (default: this one)')
      .option('-p, --prompt <text>', 'what the agent is to do')
      .option('-f, --prompt-file <file>', 'the same from a file, - is standard input')
      .addOption(
        new Option('--access <what>', 'what the agent may do by itself').choices(ACCESS).default('write'),
      )
      .option('--yolo', 'the same as --access full')
    taskOptions(start)
      .option('--dry-run', 'print what would be run and the launch script, do nothing')
      .addHelpText('after', `\n${POLICY_HELP}`)
  },
  exec: ({ verb }) => {
    const exec = verb(
      'exec',
      'run the command behind --: as a task where it is one of a coding agent, else as it is, in the foreground',
    ).option('--name <task-name>', 'the name of the task (default: made from its prompt)')
    taskOptions(exec)
      .option('--explain', 'say what would be done with the command, do nothing')
      .addHelpText('after', `\n${POLICY_HELP}`)
  },
  list: ({ verb }) =>
    verb('list', 'list live tasks and those that ended within a day')
      .aliases(ALIASES.list)
      .option(
        '-a, --all',
        'every task on record, and sessions of tmux and screen with such names that are not of rca',
      )
      .option('--state <state>', 'only tasks in this state (repeatable)', collect)
      .option('--agent <agent>', 'only tasks of this agent (repeatable)', collect)
      .option('-q, --quiet', 'names only')
      .addOption(
        new Option('-w, --watch', 'on the whole screen, drawn anew when it changes; q ends it').conflicts(
          'quiet',
        ),
      ),
  status: ({ verb }) =>
    verb('status <task>', 'show the verdict on a task, the evidence for it and its attempts'),
  logs: ({ verb }) =>
    verb('logs <task>', "show the agent's events, made readable")
      .option('-f, --follow', 'go on until the task ends')
      .option('-n, --tail <count>', 'only the last so many')
      .option(
        '--since <time>',
        'only from this time on: a duration (10m) or RFC 3339; agents that put no time on events go by attempts',
      )
      .option('--attempt <number>', 'only this attempt')
      .addOption(
        new Option('--raw', 'what the agent printed, byte for byte').conflicts([
          'events',
          'pane',
          'json',
          'since',
        ]),
      )
      .addOption(
        new Option('--events', 'one JSON object an event, the same shape for every agent').conflicts('pane'),
      )
      .addOption(new Option('--pane', 'what its terminal shows').conflicts(['follow', 'since', 'attempt'])),
  events: ({ verb }) =>
    verb('events [task...]', 'print what happened to all tasks, or to these: one JSON object a line')
      .option('-f, --follow', 'go on with what happens')
      .option('-n, --tail <count>', 'of what has happened only the last so many')
      .option('--since <time>', 'of what has happened only from this time on: a duration (10m) or RFC 3339'),
  wait: ({ verb }) =>
    verb('wait <task...>', 'block until tasks have ended; 0 when all ended well')
      .option('--any', 'until the first of them has')
      .addOption(
        new Option(
          '--for <state>',
          'until they are in this state, or can no longer come to it (repeatable, or with commas)',
        )
          .argParser(collect)
          .conflicts('exitStatus'),
      )
      .option('--timeout <duration>', 'give up after this long (exit code 124)')
      .option('--exit-status', "exit with the agent's own last exit code"),
  result: ({ verb }) =>
    verb(
      'result <task>',
      'print the final message alone; the exit code is that of wait; --json: all that came of it',
    )
      .option('--wait', 'wait for the end first')
      .option('--timeout <duration>', 'wait, but give up after this long (exit code 124)'),
  attach: ({ verb }) => verb('attach <task>', "open the task's tmux or screen session in this terminal"),
  resume: ({ verb }) =>
    verb('resume <task>', "go on with the agent's own conversation")
      .option('-p, --prompt <text>', 'say this to it (a follow-up)')
      .option('--env <name[=value]>', 'hand this variable to the agent (repeatable)', collect),
  send: ({ verb }) =>
    verb(
      'send <task> [text]',
      'say something to the task: its next turn, begun as soon as the one before it has ended',
    )
      .option('-f, --prompt-file <file>', 'the text from a file, - is standard input')
      .option('--key <name>', 'your own name for it: sent again under the same one it is not sent twice')
      .option('--env <name[=value]>', 'hand this variable to the agent (repeatable)', collect)
      .addHelpText('after', '\nExample:\n  rca send fix-tests "Now the linter, too."\n'),
  kill: ({ verb }) =>
    verb(
      'kill <task...>',
      'end the agent and everything it started, close the session, keep the records',
    ).option('--grace <duration>', 'between asking and forcing', '5s'),
  rm: ({ verb }) =>
    verb('rm <task...>', 'remove all records of these names; not those of a task that lives').option(
      '--force',
      'kill it first',
    ),
  prune: ({ verb }) =>
    verb('prune', 'remove the records of tasks that ended a while ago')
      .option('--older-than <duration>', 'only those that ended so long ago (30d)')
      .option('--state <state>', 'only those that ended so (repeatable)', collect)
      .option('--dry-run', 'print what would be removed, do nothing'),
  monitor: ({ verb }) =>
    among(
      verb(
        'monitor [what]',
        'watch over all tasks and go on with those that broke off; what: run (default), status, stop',
      ),
      ['run', 'status', 'stop'],
    )
      .option('--once', 'look at every task once and do what is due (for cron)')
      .option('--replace', 'end the monitor that runs and take its place')
      .addOption(new Option('--started-by-verb').hideHelp()),
  service: ({ verb }) =>
    among(
      verb('service <what>', 'install, uninstall or status: have rca monitor run from boot or login on'),
      ['install', 'uninstall', 'status'],
    ).option('--dry-run', 'print what would be written and run, do nothing'),
  doctor: ({ verb }) =>
    verb(
      'doctor',
      'look for what is missing, broken or left behind on this machine; 1: there are problems',
    ).option('--fix', 'repair what is safe to repair'),
  notify: ({ verb }) =>
    among(
      verb(
        'notify <what> [channel]',
        'send a test notice over a channel (test), or list the channels of config.json (list)',
      ),
      ['test', 'list'],
    ),
  skill: ({ verb }) =>
    among(
      verb(
        'skill <what> [dir]',
        'install teaches orchestrators (Claude Code, OpenClaw) to use rca; show, path',
      ),
      ['install', 'show', 'path'],
    ).option('--force', 'overwrite what is there also where rca did not write it'),
  schema: ({ plain }) =>
    plain('schema [name]', 'print the JSON Schema of what a verb prints with --json, or of all'),
  completion: ({ plain }) =>
    among(
      plain('completion <shell>', `print the completion script of a shell: ${SHELLS.join(', ')}`),
      SHELLS,
    ),
  man: ({ plain }) => plain('man', 'show the manual page; its source where standard output is no terminal'),
  complete: ({ hidden }) => hidden('complete <shell>'),
  settle: ({ hidden }) => hidden('settle <dir> <attempt>'),
  deliver: ({ hidden }) => hidden('deliver <dir>'),
}

/** The other names of verbs. */
const ALIASES = { list: ['ls', 'ps'] } as const

/** The verb that a word names, or null. */
export function verbNamed(word: string): string | null {
  if (Object.hasOwn(TREE, word)) return word
  return Object.entries(ALIASES).find(([, others]) => others.some((one) => one === word))?.[0] ?? null
}

/**
 * The program with all its verbs, or with `only` one: that is enough where it is known which is meant. Every action loads its
 * verb when it is run.
 */
export function buildProgram(
  rest: readonly string[],
  load: () => Promise<Record<string, Verb>>,
  only: string | null = null,
): Command {
  const program = new Command('rca')
    .description('Runs long coding-agent tasks in tmux so that none is lost and none runs twice.')
    .version(VERSION, '-V, --version')
    .option('--tmux-socket <name>', 'the tmux server to use, as for tmux -L (RCA_TMUX_SOCKET)')
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
  const run = (command: Command) =>
    command.action(async (...all: unknown[]) => {
      const given = all.slice(0, -2).flat() as string[]
      const verb = (await load())[command.name()]
      await verb?.(given, command.optsWithGlobals(), rest)
    })
  const plain = (name: string, about: string) => run(program.command(name).description(about))
  const make: Maker = {
    plain,
    verb: (name, about) => plain(name, about).addOption(json()),
    hidden: (name) => run(program.command(name, { hidden: true })),
  }
  for (const [name, add] of Object.entries(TREE)) if (only === null || name === only) add(make)
  return withHelp(program)
}
