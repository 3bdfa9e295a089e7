import type { SessionInput } from '../terminal/terminal.ts'

/**
 * GNU screen's command syntax, and the only place that knows it. Seen on screen 4.09.00. All functions are pure: they give the
 * arguments of one call of screen, or read what it prints.
 */

/** Lines that a window keeps. */
const SCROLLBACK = '10000'

/**
 * What is read instead of the user's ~/.screenrc, which may hold anything. (A system's own screenrc is left out by
 * $SYSSCREENRC.) Windows are no logins (utmp), and the log is written at once instead of every ten seconds.
 */
export const RC = ['startup_message off', 'deflogin off', 'defzombie off', 'logfile flush 0', ''].join('\n')

/**
 * What a window runs: the line, and then a plain interactive shell with no rc file. With `set -m` the line gets the terminal
 * as it would from an interactive shell: a Ctrl-C there is for the line alone, and that the shell is idle can be seen. The
 * shell goes on as the same process.
 */
const inShell = (line: string) => ['/bin/sh', '-c', `set -m; ${line}; exec /bin/sh -i`]

/** Text in which screen expands `%` (string escapes) and `^X`. Doubled they stand for themselves. */
const literal = (text: string) => text.replaceAll(/[%^]/g, (one) => one + one)

/** Makes a detached session that runs the line and writes what shows in it to a log. */
export function newSession(input: SessionInput, rc: string, log: string): string[] {
  const options = ['-U', '-c', rc, '-h', SCROLLBACK, '-L', '-Logfile', literal(log)]
  return [...options, '-dmS', input.session, ...inShell(input.line)]
}

/** Exactly this session: the pid and the name. (A name alone also finds a longer one that begins so.) */
const session = ({ pid, session: name }: Pick<ScreenRow, 'pid' | 'session'>) => ['-S', `${pid}.${name}`]

/** Opens one more window in which the line runs. */
export function newWindow(row: ScreenRow, line: string): string[] {
  return [...session(row), '-X', 'screen', ...inShell(escaped(line))]
}

/**
 * Types a line into a window whose shell is idle. Ctrl-U first takes away what somebody may have typed and not sent. It
 * arrives also in copy mode.
 */
export function typeLine(row: ScreenRow, window: string, line: string): string[] {
  return [...session(row), '-p', window, '-X', 'stuff', `\\025${escaped(line)}\\012`]
}

/** In the arguments of a command screen replaces `$NAME`, even in quotes, and reads `\ooo` and `^X` as characters. */
function escaped(text: string): string {
  return text.replaceAll(/[\\^$]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, '0')}`)
}

export function quit(row: ScreenRow): string[] {
  return [...session(row), '-X', 'quit']
}

/** Takes away what a killed screen has left of its session. */
export function wipe(row: ScreenRow): string[] {
  return ['-wipe', `${row.pid}.${row.session}`]
}

/** Shows the session in this terminal, beside whoever else looks at it. */
export function attachSession(row: ScreenRow): string[] {
  return ['-x', `${row.pid}.${row.session}`]
}

/** Lists all sessions of the user. Its exit code says nothing: it is 1 where there are none. */
export const LIST = ['-ls']

export interface ScreenRow {
  /** Of the screen process that is the session. */
  readonly pid: number
  readonly session: string
  readonly attached: boolean
  /** The process has gone, and left its socket. */
  readonly dead: boolean
}

/**
 * Parses what `screen -ls` prints: `<pid>.<name>`, perhaps a date, and the state, each after a tab and the last two in
 * brackets: `(Detached)`, `(Attached)`, `(Multi, attached)`, `(Dead ???)`.
 */
export function parseSessions(stdout: string): ScreenRow[] {
  return stdout.split('\n').flatMap((line) => {
    const [, pid, name, state] = /^\t(\d+)\.([^\t]+)\t(?:.*\t)?\(([^()\t]*)\)\s*$/.exec(line) ?? []
    if (!pid || !name || state === undefined) return []
    const attached = /attached/i.test(state)
    return [{ pid: Number(pid), session: name, attached, dead: /dead/i.test(state) }]
  })
}
