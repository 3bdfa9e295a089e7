import type { SessionInput } from '../terminal/terminal.ts'

/**
 * tmux's command syntax, and the only place that knows it. Seen on tmux 3.3a; everything used here exists since 3.2.
 * All functions are pure: they give the arguments of one tmux call.
 */

/** The size of a detached session: some agents misbehave in tmux's own 80x24. */
const WIDTH = 200
const HEIGHT = 50

/** The session option that marks a session as rca's; it holds the task directory. */
const MARK = '@rca_task'
/** The session option that names the pane whose shell runs the launch scripts. */
const PANE = '@rca_pane'

/** tmux takes an argument's last `;` as the end of a command, unless it is escaped. */
export function argument(text: string): string {
  return text.endsWith(';') ? `${text.slice(0, -1)}\\;` : text
}

/** Text where tmux expands formats: `#{...}` and, worse, `#(command)`. A doubled `#` stands for itself. */
export function literalFormat(text: string): string {
  return text.replaceAll('#', '##')
}

/** Exactly this session. (`-t name` alone also finds a longer name that begins so.) */
const session = (name: string) => `=${name}`
/** The same where a pane or window is wanted. */
const pane = (name: string) => `=${name}:`
/**
 * The pane that has just been made, also where a user's hook on that split it or opened another window: with the session,
 * or with its newest window. (The active pane would then be the one with the user's own shell.)
 */
const firstPane = (name: string) => `=${name}:^.{top-left}`
const newPane = (name: string) => `=${name}:.{top-left}`

/**
 * The shell of the pane: plain sh, interactive, with no rc file (an interactive POSIX shell reads $ENV) whatever the
 * user's default-shell and default-command are. Several words: tmux starts them without another shell between.
 */
const SHELL = ['/bin/sh', '-i']
const shellEnvironment = (taskDir: string) => [
  '-e',
  argument(`TASK_TMPDIR=${taskDir}`),
  '-e',
  'ENV=',
  '-e',
  'PS1=$ ',
]

/**
 * Makes the marked session and types the line into its shell, in one call that fails as a whole where the name is taken.
 * What a user's tmux.conf may hold against it is set back for this session (destroy-unattached) or, where it is a server
 * option that would end the server as soon as nobody is attached, for the server (exit-unattached).
 */
export function newSession(input: SessionInput): string[] {
  const { session: name, taskDir } = input
  return joined([
    [
      ...['new-session', '-d', '-s', name, '-x', String(WIDTH), '-y', String(HEIGHT)],
      ...['-c', argument(literalFormat(input.cwd)), ...shellEnvironment(taskDir), ...SHELL],
    ],
    ['set-option', '-t', firstPane(name), MARK, argument(taskDir)],
    ['set-option', '-F', '-t', firstPane(name), PANE, '#{pane_id}'],
    ['set-option', '-t', firstPane(name), 'destroy-unattached', 'off'],
    ['set-option', '-w', '-t', firstPane(name), 'remain-on-exit', 'on'],
    ['set-option', '-s', 'exit-unattached', 'off'],
    ...typed(firstPane(name), input.line),
  ])
}

/** Types a line into a pane whose shell is idle. Ctrl-U first takes away what somebody may have typed and not sent. */
export function typeLine(paneId: string, line: string): string[] {
  return joined([['send-keys', '-t', paneId, 'C-u'], ...typed(paneId, line)])
}

function typed(target: string, line: string): string[][] {
  return [
    ['send-keys', '-t', target, '-l', argument(line)],
    ['send-keys', '-t', target, 'Enter'],
  ]
}

/** Leaves copy mode (somebody scrolled up): keys would go there and not to the shell. */
export function leaveMode(paneId: string): string[] {
  return ['send-keys', '-t', paneId, '-X', 'cancel']
}

/** Starts the shell again in a pane whose shell has gone, and types the line. */
export function respawnPane(paneId: string, input: SessionInput): string[] {
  const where = ['-c', argument(literalFormat(input.cwd)), ...shellEnvironment(input.taskDir)]
  return joined([['respawn-pane', '-k', '-t', paneId, ...where, ...SHELL], ...typed(paneId, input.line)])
}

/** A fresh window in the session, for when its pane is gone or a person's program runs in it. */
export function newWindow(input: SessionInput): string[] {
  const name = input.session
  return joined([
    [
      ...['new-window', '-t', pane(name), '-c', argument(literalFormat(input.cwd))],
      ...[...shellEnvironment(input.taskDir), ...SHELL],
    ],
    ['set-option', '-F', '-t', newPane(name), PANE, '#{pane_id}'],
    ['set-option', '-w', '-t', newPane(name), 'remain-on-exit', 'on'],
    ...typed(newPane(name), input.line),
  ])
}

const FIELDS = [
  'session_name',
  'pane_id',
  'pane_pid',
  'pane_dead',
  'pane_in_mode',
  'pane_current_command',
  'session_attached',
  'session_created',
  PANE,
  MARK,
] as const

/** One row for every pane of every session of the server. */
export function listPanes(): string[] {
  return ['list-panes', '-a', '-F', FIELDS.map((field) => `#{${field}}`).join('\t')]
}

export interface PaneRow {
  readonly session: string
  readonly paneId: string
  readonly panePid: number
  readonly dead: boolean
  readonly inMode: boolean
  readonly command: string
  readonly attached: boolean
  readonly createdAt: string
  /** The session's launch pane, `%3`, or empty. */
  readonly launchPane: string
  /** The task directory of the session's mark; empty: not rca's. */
  readonly mark: string
}

/** Parses what `listPanes` prints. The task directory comes last because a path may hold a tab. */
export function parsePanes(stdout: string): PaneRow[] {
  const rows: PaneRow[] = []
  for (const line of stdout.split('\n')) {
    const [name, paneId, pid, dead, inMode, command, attached, created, launchPane, ...mark] =
      line.split('\t')
    if (!name || !paneId || launchPane === undefined) continue
    rows.push({
      session: name,
      paneId,
      panePid: Number(pid),
      dead: dead === '1',
      inMode: inMode !== '0' && inMode !== '',
      command: command ?? '',
      attached: attached !== '0',
      createdAt: new Date(Number(created) * 1000).toISOString(),
      launchPane,
      mark: mark.join('\t'),
    })
  }
  return rows
}

export function killSession(name: string): string[] {
  return ['kill-session', '-t', session(name)]
}

/** What the pane shows: `lines` of its history and the screen, or all of it. */
export function capturePane(paneId: string, lines: number | null): string[] {
  return ['capture-pane', '-p', '-J', '-t', paneId, '-S', lines === null ? '-' : `-${lines}`]
}

export function attachSession(name: string, insideTmux: boolean): string[] {
  return insideTmux ? ['switch-client', '-t', session(name)] : ['attach-session', '-t', session(name)]
}

function joined(commands: readonly string[][]): string[] {
  return commands.flatMap((command, index) => (index === 0 ? command : [';', ...command]))
}

/** One row for every client that shows the server to somebody: its name and its terminal. */
export function listClients(): string[] {
  return ['list-clients', '-F', '#{client_control_mode}\t#{client_name}\t#{client_tty}']
}

export interface ClientRow {
  readonly name: string
  readonly tty: string
}

/** Parses what `listClients` prints, less the clients that are programs (control mode, as rca's own). */
export function parseClients(stdout: string): ClientRow[] {
  return stdout.split('\n').flatMap((line) => {
    const [control, name, tty] = line.split('\t')
    return control === '0' && name && tty ? [{ name, tty }] : []
  })
}

/** Shows a line in a client's status line until a key is pressed there or its display-time is over. Types nothing anywhere. */
export function showMessage(client: string, text: string): string[] {
  // As in `literalFormat`; here `%` would be a part of the time as well (strftime).
  return ['display-message', '-c', client, argument(literalFormat(text).replaceAll('%', '%%'))]
}
