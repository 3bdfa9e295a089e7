import type { AttemptEnd, Exit } from './driver.ts'

/** Why an attempt ended, in one line, and where that line was found. */
export interface Reason {
  readonly text: string
  readonly source: 'final' | 'stderr' | 'event' | 'exit'
}

const SIGNALS: Readonly<Record<number, string>> = {
  129: 'SIGHUP',
  130: 'SIGINT',
  134: 'SIGABRT',
  137: 'SIGKILL',
  139: 'SIGSEGV',
  143: 'SIGTERM',
}
/** Sent from outside: what the agent said last is not why it ended. */
const SENT = new Set(['SIGHUP', 'SIGINT', 'SIGKILL', 'SIGTERM'])

const ERROR_LINE = /^(\w*error\b|fatal\b|panic|thread '.*' panicked)/i
/** Log lines with a time stamp, and warnings: they come with good runs too. */
const NOISE = /^(\d{4}-\d\d-\d\dT|warning:|Reading (additional input|prompt) from stdin)/i
const LONGEST = 500

/** The signal that ended a process, also where a program or shell turned it into 128 + n. */
export function signalOf(exit: Exit | null): string | null {
  if (!exit) return null
  return 'signal' in exit ? exit.signal : (SIGNALS[exit.code] ?? null)
}

/** The agent's own words where it said any that explain the end, else how the process ended. Always one line. */
export function reasonOf({ summary, exit, stderrTail }: AttemptEnd): Reason {
  const final = summary.final?.message?.trim()
  if (final) return { text: oneLine(final), source: 'final' }
  const signal = signalOf(exit)
  if (signal && SENT.has(signal)) return { text: describeExit(exit), source: 'exit' }
  const error = errorLine(stderrTail)
  if (error) return { text: error, source: 'stderr' }
  if (summary.lastError) return { text: oneLine(summary.lastError), source: 'event' }
  const last = lines(stderrTail).at(-1)
  return last ? { text: oneLine(last), source: 'stderr' } : { text: describeExit(exit), source: 'exit' }
}

/** The last line of stderr that announces an error; a heading ("Error loading config.toml:") takes the next line along. */
export function errorLine(stderr: string): string | null {
  const all = lines(stderr)
  const at = all.findLastIndex((line) => ERROR_LINE.test(line))
  const line = all[at]
  if (line === undefined) return null
  return oneLine(line.endsWith(':') ? `${line} ${all[at + 1] ?? ''}` : line)
}

export function describeExit(exit: Exit | null): string {
  if (!exit) return 'ended, and how was not recorded'
  if ('signal' in exit) return `ended by ${exit.signal}`
  const signal = signalOf(exit)
  return signal ? `ended by ${signal} (exit code ${exit.code})` : `exit code ${exit.code}`
}

export function oneLine(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim()
  return flat.length > LONGEST ? `${flat.slice(0, LONGEST - 1)}…` : flat
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !NOISE.test(line))
}
