import { RcaError } from '../errors.ts'
import { childProcess } from '../system/lazy.ts'
import { serverEnvironment } from '../terminal/environment.ts'
import { installHint } from '../terminal/install.ts'

type Env = Readonly<Record<string, string | undefined>>

/** The outcome of one call of screen; `code` null: it did not run or was killed. */
export interface ScreenResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The user's sessions of screen, as they are found in one folder of sockets. */
export interface Screens {
  /** SCREENDIR; null: the folder that screen itself takes. */
  readonly folder: string | null
  /** Runs one call of screen. Throws `unavailable` where there is none. */
  call(args: readonly string[], options?: CallOptions): ScreenResult
}

interface CallOptions {
  /** Runs it through another program. */
  readonly prefix?: readonly string[]
  /** Set for the session that is made, and all in it. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export function screens(folder: string | null, env: Env): Screens {
  const { SCREENDIR: _, ...kept } = serverEnvironment(env)
  const own = folder === null ? kept : { ...kept, SCREENDIR: folder }
  const call = (args: readonly string[], { prefix = [], env: more = {}, cwd }: CallOptions = {}) => {
    const [file = 'screen', ...rest] = [...prefix, 'screen', ...args]
    const result = childProcess().spawnSync(file, rest, {
      // A system's screenrc may hold anything, and goes for the session that is made.
      env: { ...own, SYSSCREENRC: '/dev/null', ...more },
      encoding: 'utf8',
      timeout: 20_000,
      ...(cwd === undefined ? {} : { cwd }),
    })
    if (result.error && 'code' in result.error && result.error.code === 'ENOENT') throw noScreen()
    const { status: code, stdout, stderr } = result
    return { code, stdout: stdout ?? '', stderr: (stderr ?? '').trim() }
  }
  return { folder, call }
}

/** Throws `unavailable` where screen is missing. */
export function checkScreen(env: Env): void {
  const options = { env: serverEnvironment(env), encoding: 'utf8', timeout: 20_000 } as const
  const result = childProcess().spawnSync('screen', ['-v'], options)
  // Its exit code is 1 in some releases.
  if (result.error && 'code' in result.error && result.error.code === 'ENOENT') throw noScreen()
  if (result.status === null) throw screenFailed({ code: null, stdout: '', stderr: '' })
}

function noScreen(): RcaError {
  return new RcaError('unavailable', 'screen is not installed (or not on PATH)', installHint('screen'))
}

/** Any other failure of a call, in screen's words: it says the last of them on stdout. */
export function screenFailed(result: ScreenResult): RcaError {
  if (result.code === null) return new RcaError('unavailable', 'screen did not answer within 20 s')
  const words = `${result.stdout}\n${result.stderr}`.trim().split('\n').at(-1)?.trim()
  return new RcaError('failed', `screen: ${words || `exit code ${result.code}`}`)
}
