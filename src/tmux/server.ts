import { basename, dirname } from 'node:path'
import { RcaError } from '../errors.ts'
import { checkPrivateDirectory } from '../system/durable.ts'
import { makeFolders } from '../system/folders.ts'
import { childProcess } from '../system/lazy.ts'
import { serverEnvironment } from '../terminal/environment.ts'
import { installHint } from '../terminal/install.ts'
import { listPanes, type PaneRow, parsePanes } from './command.ts'

type Env = Readonly<Record<string, string | undefined>>

/** The outcome of one tmux call; `code` null: it did not run or was killed. */
export interface TmuxResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** One tmux server, reached through its socket. */
export interface TmuxServer {
  readonly socket: string
  /** Runs one tmux call (`-u`: without it tmux prints `_` for tabs and letters beyond ASCII in a C locale). Throws `unavailable` where there is no tmux. `prefix` runs it through another program. */
  call(args: readonly string[], prefix?: readonly string[]): TmuxResult
  /** All panes of all sessions; empty where no server runs. Throws on a tmux that is too old. */
  panes(): PaneRow[]
}

export function tmuxServer(socket: string, env: Env): TmuxServer {
  const call = (args: readonly string[], prefix: readonly string[] = []): TmuxResult => {
    const [file, ...rest] = [...prefix, 'tmux', '-u', '-S', socket, ...args]
    const result = childProcess().spawnSync(file ?? 'tmux', rest, {
      env: serverEnvironment(env),
      encoding: 'utf8',
      timeout: 20_000,
    })
    if (result.error && 'code' in result.error && result.error.code === 'ENOENT') throw noTmux()
    return { code: result.status, stdout: result.stdout ?? '', stderr: (result.stderr ?? '').trim() }
  }
  return { socket, call, panes: () => panesFrom(call(listPanes())) }
}

function panesFrom(result: TmuxResult): PaneRow[] {
  if (result.code === 0) return parsePanes(result.stdout)
  if (isNoServer(result.stderr)) return []
  throw tmuxFailed(result)
}

/** tmux 3.3a's words where nothing listens at the socket. */
export function isNoServer(stderr: string): boolean {
  return /no server running|error connecting to|server exited|lost server/.test(stderr)
}

/** Where tmux 3.3a cannot make its socket it says so, starts nothing, and ends with 0. */
export function isNoSocket(stderr: string): boolean {
  return stderr.startsWith('error creating ')
}

export function isDuplicateSession(stderr: string): boolean {
  return stderr.includes('duplicate session')
}

/** tmux makes its own folder only for `-L`; with a socket's path it must be there (after a reboot /tmp is empty). */
export function ensureSocketDirectory(socket: string, uid: number): void {
  const folder = dirname(socket)
  if (basename(folder) !== `tmux-${uid}`) return
  makeFolders(folder, 0o700)
  checkPrivateDirectory(folder)
}

/** The oldest tmux that will do: `new-session -e` came with 3.2. */
const OLDEST = [3, 2] as const

/** Throws `unavailable` where tmux is missing or too old, with the command that installs it here. */
export function checkTmux(env: Env): void {
  const options = { env: serverEnvironment(env), encoding: 'utf8', timeout: 20_000 } as const
  const result = childProcess().spawnSync('tmux', ['-V'], options)
  if (result.error && 'code' in result.error && result.error.code === 'ENOENT') throw noTmux()
  if (result.status === null) throw tmuxFailed({ code: null, stdout: '', stderr: '' })
  const version = result.stdout.trim()
  if (isTooOld(version)) {
    throw new RcaError(
      'unavailable',
      `${version} is too old: rca needs tmux 3.2 or newer`,
      installHint('tmux'),
    )
  }
}

/** Whether `tmux -V`'s answer names a release before 3.2. (`tmux 3.3a`, `tmux next-3.4`, `tmux master`.) Pure. */
export function isTooOld(version: string): boolean {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(version) ?? []
  if (!major || !minor) return false
  const [needMajor, needMinor] = OLDEST
  return Number(major) < needMajor || (Number(major) === needMajor && Number(minor) < needMinor)
}

function noTmux(): RcaError {
  return new RcaError('unavailable', 'tmux is not installed (or not on PATH)', installHint('tmux'))
}

/** Any other failure of a tmux call, in tmux's words. */
export function tmuxFailed(result: TmuxResult): RcaError {
  if (result.code === null) return new RcaError('unavailable', 'tmux did not answer within 20 s')
  return new RcaError('failed', `tmux: ${result.stderr || `exit code ${result.code}`}`)
}
