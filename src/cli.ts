import { Command, CommanderError, Option } from 'commander'
import { ACCESS, AGENTS } from './agents/driver.ts'
import { SHELLS } from './completion/scripts.ts'
import { RcaError } from './errors.ts'
import { meantVerb, withHelp } from './help.ts'
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

/** The commander tree and nothing else; every action loads its verb when it is run. */
export function buildProgram(rest: readonly string[], load: () => Promise<Record<string, Verb>>): Command {
  const program = new Command('rca')
    .description('Runs long coding-agent tasks in tmux so that none is lost and none runs twice.')
    .version(VERSION, '-V, --version')
    .option('--tmux-socket <name>', 'the tmux server to use, as for tmux -L (RCA_TMUX_SOCKET)')
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
  const plain = (name: string, about: string) => {
    const command = program.command(name).description(about)
    return command.action(async (...all: unknown[]) => {
      const given = all.slice(0, -2).flat() as string[]
      const run = (await load())[command.name()]
      await run?.(given, command.optsWithGlobals(), rest)
    })
  }
  const verb = (name: string, about: string) => plain(name, about).addOption(json())

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

  const exec = verb(
    'exec',
    'run the command behind --: as a task where it is one of a coding agent, else as it is, in the foreground',
  ).option('--name <task-name>', 'the name of the task (default: made from its prompt)')
  taskOptions(exec)
    .option('--explain', 'say what would be done with the command, do nothing')
    .addHelpText('after', `\n${POLICY_HELP}`)

  verb('list', 'list live tasks and those that ended within a day')
    .aliases(['ls', 'ps'])
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
    )

  verb('status <task>', 'show the verdict on a task, the evidence for it and its attempts')

  verb('logs <task>', "show the agent's events, made readable")
    .option('-f, --follow', 'go on until the task ends')
    .option('-n, --tail <count>', 'only the last so many')
    .option(
      '--since <time>',
      'only from this time on: a duration (10m) or RFC 3339; agents that put no time on events go by attempts',
    )
    .option('--attempt <number>', 'only this attempt')
    .addOption(
      new Option('--raw', 'what the agent printed, byte for byte').conflicts(['events', 'pane', 'json']),
    )
    .addOption(
      new Option('--events', 'one JSON object an event, the same shape for every agent').conflicts('pane'),
    )
    .option('--pane', 'what its terminal shows')

  verb('events [task...]', 'print what happened to all tasks, or to these: one JSON object a line')
    .option('-f, --follow', 'go on with what happens')
    .option('-n, --tail <count>', 'of what has happened only the last so many')
    .option('--since <time>', 'of what has happened only from this time on: a duration (10m) or RFC 3339')

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
    .option('--exit-status', "exit with the agent's own last exit code")

  verb(
    'result <task>',
    'print the final message alone; the exit code is that of wait; --json: all that came of it',
  )
    .option('--wait', 'wait for the end first')
    .option('--timeout <duration>', 'wait, but give up after this long (exit code 124)')

  verb('attach <task>', "open the task's tmux or screen session in this terminal")

  verb('resume <task>', "go on with the agent's own conversation")
    .option('-p, --prompt <text>', 'say this to it (a follow-up)')
    .option('--env <name[=value]>', 'hand this variable to the agent (repeatable)', collect)

  verb(
    'send <task> [text]',
    'say something to the task: its next turn, begun as soon as the one before it has ended',
  )
    .option('-f, --prompt-file <file>', 'the text from a file, - is standard input')
    .option('--key <name>', 'your own name for it: sent again under the same one it is not sent twice')
    .option('--env <name[=value]>', 'hand this variable to the agent (repeatable)', collect)
    .addHelpText('after', '\nExample:\n  rca send fix-tests "Now the linter, too."\n')

  verb(
    'kill <task...>',
    'end the agent and everything it started, close the session, keep the records',
  ).option('--grace <duration>', 'between asking and forcing', '5s')

  verb('rm <task...>', 'remove all records of these names; not those of a task that lives').option(
    '--force',
    'kill it first',
  )

  verb('prune', 'remove the records of tasks that ended a while ago')
    .option('--older-than <duration>', 'only those that ended so long ago (30d)')
    .option('--state <state>', 'only those that ended so (repeatable)', collect)
    .option('--dry-run', 'print what would be removed, do nothing')

  among(
    verb(
      'monitor [what]',
      'watch over all tasks and go on with those that broke off; what: run (default), status, stop',
    ),
    ['run', 'status', 'stop'],
  )
    .option('--once', 'look at every task once and do what is due (for cron)')
    .option('--replace', 'end the monitor that runs and take its place')
    .addOption(new Option('--started-by-verb').hideHelp())

  among(verb('service <what>', 'install, uninstall or status: have rca monitor run from boot or login on'), [
    'install',
    'uninstall',
    'status',
  ]).option('--dry-run', 'print what would be written and run, do nothing')

  verb(
    'doctor',
    'look for what is missing, broken or left behind on this machine; 1: there are problems',
  ).option('--fix', 'repair what is safe to repair')

  among(
    verb(
      'notify <what> [channel]',
      'send a test notice over a channel (test), or list the channels of config.json (list)',
    ),
    ['test', 'list'],
  )

  among(
    verb(
      'skill <what> [dir]',
      'install teaches orchestrators (Claude Code, OpenClaw) to use rca; show, path',
    ),
    ['install', 'show', 'path'],
  ).option('--force', 'overwrite what is there also where rca did not write it')

  plain('schema [name]', 'print the JSON Schema of what a verb prints with --json, or of all')

  among(plain('completion <shell>', `print the completion script of a shell: ${SHELLS.join(', ')}`), SHELLS)

  plain('man', 'show the manual page; its source where standard output is no terminal')

  // Asked by the completion scripts; what it is given comes behind --.
  program.command('complete <shell>', { hidden: true }).action(async (shell: string) => {
    await (await load()).complete?.([shell], {}, rest)
  })
  program.command('settle <dir> <attempt>', { hidden: true }).action(async (dir: string, attempt: string) => {
    await (await load()).settle?.([dir, attempt], {}, [])
  })
  program.command('deliver <dir>', { hidden: true }).action(async (dir: string) => {
    await (await load()).deliver?.([dir], {}, [])
  })
  return withHelp(program)
}

/** Parses the command line and runs the verb. Throws RcaError for everything that the caller got wrong. */
export async function runCli(argv: readonly string[]): Promise<void> {
  const dashes = argv.indexOf('--')
  const own = dashes < 0 ? argv : argv.slice(0, dashes)
  const rest = dashes < 0 ? [] : argv.slice(dashes + 1)
  const program = buildProgram(rest, async () => (await import('./verbs/index.ts')).VERBS)
  if (own.length === 0) {
    program.outputHelp({ error: true })
    process.exitCode = 2
    return
  }
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ outputError: () => {} })
  }
  try {
    await program.parseAsync([...own], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return
    throw usage(
      error,
      own.find((word) => !word.startsWith('-')),
    )
  }
}

function usage(error: CommanderError, verb: string | undefined): RcaError {
  const [message, ...suggestion] = error.message.replace(/^error: /, '').split('\n')
  const help =
    error.code === 'commander.unknownCommand' || !verb ? 'See: rca --help' : `See: rca ${verb} --help`
  const meant = error.code === 'commander.unknownCommand' ? meantVerb(verb ?? '') : null
  const hint = meant ? `Did you mean ${meant}?` : suggestion.join(' ').replace(/^\(|\)$/g, '') || help
  if (error.code === 'commander.excessArguments' && verb === 'start') {
    return new RcaError(
      'usage',
      'start takes an agent and a task name',
      'The prompt goes behind -p, what is for the agent behind --.',
    )
  }
  if (error.code === 'commander.excessArguments' && verb === 'exec') {
    return new RcaError(
      'usage',
      'exec takes its command behind --',
      'For example: rca exec -- codex exec "fix the tests"',
    )
  }
  return new RcaError('usage', message ?? error.message, hint)
}
