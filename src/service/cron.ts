import { RcaError } from '../errors.ts'
import type { Seen, Service, Step } from './service.ts'

/** Ends the line that is rca's; a comment to the shell that cron runs. */
const MARK = '# rca-monitor'

/**
 * A word for the shell, as it must stand in a crontab. cron(8) looks at `%` and backslashes before the shell does: a plain
 * `%` ends the command, `\%` is one, and crons differ on two backslashes (crontab(5) of Debian's 3.0pl1 and of cronie 1.6).
 * So no backslash is ever followed by another or by a `%`: the quotes are closed and opened between them.
 */
export function cronWord(word: string): string {
  if (/^[A-Za-z0-9_/:=.,@+-]+$/.test(word)) return word
  const quoted = word.replaceAll(/['\\]/g, (char) => (char === "'" ? `'"'"'` : "\\''"))
  return `'${quoted.replaceAll('%', '\\%')}'`
}

/** The line of the monitor. `env` and not the shell's own assignments: SHELL in a crontab may be any shell. Pure. */
export function cronLine(service: Service): string {
  const variables = Object.entries(service.env).map(([name, value]) => `${name}=${value}`)
  const words = ['/usr/bin/env', ...variables, ...service.command].map(cronWord)
  return `@reboot ${words.join(' ')} ${MARK}`
}

const isOurs = (line: string) => /^@reboot\s/.test(line) && line.trimEnd().endsWith(MARK)

export const hasLine = (table: string) => table.split('\n').some(isOurs)

/** The table with `line` in place of ours, or at its end; every other line as it was. Pure. */
export function withLine(table: string, line: string): string {
  const lines = table.split('\n')
  const at = lines.findIndex(isOurs)
  if (at < 0) return `${table}${table === '' || table.endsWith('\n') ? '' : '\n'}${line}\n`
  return lines.flatMap((one, index) => (index === at ? [line] : isOurs(one) ? [] : [one])).join('\n')
}

export function withoutLine(table: string): string {
  return table
    .split('\n')
    .filter((line) => !isOurs(line))
    .join('\n')
}

interface Answer {
  readonly ok: boolean
  readonly stdout: string
  readonly stderr: string
}

/**
 * Reads `crontab -l`. Debian's cron, cronie and macOS say `no crontab for USER`, BusyBox that it cannot open the file. Any
 * other failure throws: a table that could not be read must not be written over. Pure.
 */
export function parseTable({ ok, stdout, stderr }: Answer): string | null {
  if (ok) return stdout
  if (/no crontab for|No such file or directory/.test(stderr)) return null
  throw new RcaError('failed', `crontab -l: ${stderr.trim() || 'no answer'}`)
}

const put = (input: string): Step => ({ do: 'run', argv: ['crontab', '-'], input })

export function installLine(service: Service, seen: Seen): Step[] {
  const table = seen.text ?? ''
  const wanted = withLine(table, cronLine(service))
  return wanted === table ? [] : [put(wanted)]
}

/** Takes our line out; a table that then is empty stays as an empty one, it may have been there before. */
export function uninstallLine(seen: Seen): Step[] {
  return seen.installed ? [put(withoutLine(seen.text ?? ''))] : []
}
