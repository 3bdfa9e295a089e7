import type { Argument, Command, Help, Option } from 'commander'
import { EXIT } from './errors.ts'
import { ABOUT } from './help.ts'

/** A paragraph with a hanging term (man(7), .TP): term and text. */
type Entry = readonly [string, string]

const EXIT_STATUS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'Well.',
  failed: 'The operation or the awaited task failed.',
  usage: 'Usage: an unknown verb or option, a bad name or value.',
  notFound: 'No such task.',
  unknown: 'The state is unknown: a record cannot be read.',
  conflict: "Conflict: already running, or the name belongs to a session that is not rca's.",
  unavailable: 'tmux or the agent is missing.',
  config: 'Bad configuration: in config.json, or a state directory that cannot be used.',
  timeout: '--timeout ran out.',
  gaveUp: 'The awaited task was given up: retries, deadline, or too many resumes within an hour.',
}

const ENVIRONMENT: readonly Entry[] = [
  ['RCA_HOME', 'The state directory. Default: $XDG_STATE_HOME/rca, else ~/.local/state/rca.'],
  ['RCA_TMUX_SOCKET', 'The tmux server to use, as for tmux -L (a name) or -S (a path).'],
  ['XDG_CONFIG_HOME', 'The folder with rca/config.json in it. Default: ~/.config.'],
  ['NO_COLOR', 'No colours, whatever it holds. FORCE_COLOR: colours also where there is no terminal.'],
]

const FILES: readonly Entry[] = [
  ['~/.config/rca/config.json', 'Settings: the policy of supervision, the arguments of each agent.'],
  ['~/.local/state/rca/tasks/', 'One directory a task, mode 0700: the prompt, the events, the journal.'],
  ['~/.local/state/rca/monitor.log', 'What the monitor did.'],
]

/** The manual page rca(1) as roff, man(7) macros alone: everything in it comes from the commander tree. Pure. */
export function manualPage(program: Command, version: string): string {
  const help = program.createHelp()
  return [
    `.TH RCA 1 "" ${quoted(`rca ${version}`)} "User Commands"`,
    section('NAME', `rca \\- ${roff('resilient coding agent')}`),
    section('SYNOPSIS', `.B rca\n.RI [ options ]\n.I command\n.RI [ arguments ]`),
    section('DESCRIPTION', paragraph(program.description())),
    section('OPTIONS', options(help.visibleOptions(program), help)),
    section(
      'COMMANDS',
      help
        .visibleCommands(program)
        .map((one) => command(one, help))
        .join('\n'),
    ),
    section('EXIT STATUS', entries([...exits(), ['130, 143', 'Ended by SIGINT or SIGTERM.']])),
    section('ENVIRONMENT', entries(ENVIRONMENT)),
    section('FILES', entries(FILES)),
    section('SEE ALSO', '.BR tmux (1)'),
    '',
  ].join('\n')
}

const exits = (): Entry[] =>
  Object.entries(EXIT).map(([name, code]) => [String(code), EXIT_STATUS[name as keyof typeof EXIT]])

const section = (title: string, body: string) => `.SH ${quoted(title)}\n${body}`

function command(one: Command, help: Help): string {
  const args = one.registeredArguments.map(argument).join(' ')
  const names = [one.name(), ...one.aliases()].join(', ')
  return [
    `.SS ${quoted(`${names} ${args}`.trim())}`,
    paragraph(one.description()),
    ...choices(one.registeredArguments),
    options(help.visibleOptions(one), help),
    examples(one.name()),
  ]
    .filter(Boolean)
    .join('\n')
}

function argument(one: Argument): string {
  const name = `${one.name()}${one.variadic ? '...' : ''}`
  return one.required ? `<${name}>` : `[${name}]`
}

function choices(all: readonly Argument[]): string[] {
  return all.flatMap((one) =>
    one.argChoices ? [`.PP\n${line(`${one.name()}: ${one.argChoices.join(', ')}.`)}`] : [],
  )
}

const options = (all: readonly Option[], help: Help) =>
  entries(all.map((one) => [help.optionTerm(one), help.optionDescription(one)]))

function entries(all: readonly Entry[]): string {
  return all.map(([term, text]) => `.TP\n.B ${quoted(term)}\n${line(text)}`).join('\n')
}

function examples(verb: string): string {
  const all = ABOUT[verb]?.examples ?? []
  const shown = all.map(
    ([example, what]) => `.PP\n${line(`${capital(what)}:`)}\n.PP\n.RS 4\n.nf\n${line(example)}\n.fi\n.RE`,
  )
  return shown.join('\n')
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
const paragraph = (text: string) => line(capital(text))

/** A macro's argument: a double quote is written as two of them (groff(7)). */
const quoted = (text: string) => `"${roff(text).replaceAll('"', '""')}"`

/** A line of text; a dot or a quote at its beginning would make it a request. */
const line = (text: string) => roff(text).replace(/^(?=[.'])/, '\\&')

/** Text that shows as it is: backslashes, and what troff would set as a dash, a quotation mark, an accent or a tilde. */
function roff(text: string): string {
  const SPECIAL: Record<string, string> = {
    '\\': '\\(rs',
    '-': '\\-',
    "'": '\\(aq',
    '`': '\\(ga',
    '^': '\\(ha',
    '~': '\\(ti',
  }
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\\\-'`^~]/g, (char) => SPECIAL[char] ?? char)
}
