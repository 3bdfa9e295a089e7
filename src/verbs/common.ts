import { constants } from 'node:os'
import { type Context, type ReadingContext, withTerminals } from '../context.ts'
import { parseDuration } from '../duration.ts'
import { RcaError } from '../errors.ts'
import { createIo, type Io, readStdin } from '../io.ts'
import { workingDirectory } from '../system/folders.ts'
import { stateDirectory } from '../task/paths.ts'
import { checkSocketName, socketPath } from '../tmux/socket.ts'

export type Options = Readonly<Record<string, unknown>>

export const text = (options: Options, name: string) =>
  typeof options[name] === 'string' ? options[name] : null

export const flag = (options: Options, name: string) => options[name] === true

export const texts = (options: Options, name: string): string[] =>
  Array.isArray(options[name]) ? options[name].map(String) : []

function world(options: Options, io: Io): ReadingContext {
  const uid = process.getuid?.() ?? 0
  if (process.platform === 'win32') {
    throw new RcaError(
      'unavailable',
      'rca does not run on Windows itself: what it builds on is not there',
      'Run it inside WSL: wsl --install, and install rca and the agents there.',
    )
  }
  const { env } = process
  const socketName = text(options, 'tmuxSocket') ?? (env.RCA_TMUX_SOCKET || null)
  return {
    env,
    cwd: cwd(),
    state: stateDirectory(env),
    uid,
    tmuxSocket: socketPath(socketName === null ? null : checkSocketName(socketName), env, uid),
    now: Date.now,
    self: [process.execPath, process.argv[1] ?? ''],
    progress: io.progress,
    warn: (message) => io.err(`rca: ${message}\n`),
    readStdin,
  }
}

/** Where it is gone a path that cannot be: most verbs do without. */
export const cwd = () => workingDirectory() ?? '/dev/null/the folder that you are in is gone'

/** For a verb that only reads records. */
export const openToRead = async (options: Options) => {
  const io = await createIo(process.env, flag(options, 'json'))
  return { io, context: world(options, io) }
}

export const open = async (options: Options): Promise<{ io: Io; context: Context }> => {
  const { io, context } = await openToRead(options)
  return { io, context: await withTerminals(context) }
}

/** Whether config.json wants tasks to be supervised. Only verbs that may start the monitor ask: reading verbs must not. */
export async function wantsMonitor(context: ReadingContext): Promise<boolean> {
  const { loadConfig } = await import('../config.ts')
  return loadConfig(context.env).monitor
}

/** A signal that fires when a person interrupts; the exit code is then 128 + the signal's number. */
export function interruptible(onStop: () => void): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      process.exitCode = 128 + constants.signals[name]
      onStop()
      stop.abort()
    })
  }
  return stop.signal
}

export function oneOf(option: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return
  throw new RcaError('usage', `${option}: ${JSON.stringify(value)} is none`, `One of: ${allowed.join(', ')}.`)
}

export function wholeNumber(option: string, value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value)
  throw new RcaError('usage', `${option}: ${JSON.stringify(value)} is not a whole number`)
}

/** `10m` is ten minutes ago; anything else must be a time. */
function moment(value: string, now: number): number {
  if (/^[\d.]+(ms|s|m|h|d)/.test(value)) return now - parseDuration(value, '--since')
  const time = Date.parse(value)
  if (!Number.isNaN(time)) return time
  throw new RcaError(
    'usage',
    `--since: ${JSON.stringify(value)} is neither a duration nor a time`,
    'For example: 10m.',
  )
}

/** How much of a log or a journal is shown. */
export function stretch(options: Options, context: ReadingContext) {
  return {
    follow: flag(options, 'follow'),
    tail: options.tail === undefined ? null : wholeNumber('--tail', text(options, 'tail') ?? ''),
    sinceMs: options.since === undefined ? null : moment(text(options, 'since') ?? '', context.now()),
  }
}
