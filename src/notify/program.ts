import type { Readable } from 'node:stream'
import { childProcess } from '../system/lazy.ts'
import { endAll, findByCookie } from '../system/processes.ts'
import { randomId } from '../system/random.ts'
import type { Outcome } from './channel.ts'

/** A program that is to run to a good end. */
export interface Program {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly stdin?: string
  readonly signal: AbortSignal
}

/** Everything that the program starts inherits this: it is how the whole tree of one that hangs is ended. */
const COOKIE = 'RCA_NOTICE_RUN'
const ERROR_BYTES = 2_000

/** What a program that delivers a notice may need of the caller's environment; nothing else reaches it. */
const KEPT =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_.*|TZ|TMPDIR|XDG_.*|DBUS_SESSION_BUS_ADDRESS|DISPLAY|WAYLAND_DISPLAY|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|OPENCLAW_.*)$/

/** Pure. */
export function programEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (pair): pair is [string, string] => pair[1] !== undefined && KEPT.test(pair[0]),
    ),
  )
}

/** Runs a program without a shell. One whose time is up is ended with all that it has started. */
export async function runProgram(program: Program): Promise<Outcome> {
  const mark = randomId()
  const ended = await runToEnd(program, mark)
  if (ended !== 'late') return ended
  const left = await endAll(() => findByCookie([COOKIE], (value) => value === mark), { graceMs: 500 })
  return {
    ok: false,
    error: left.length > 0 ? 'it did not end in time, and would not die' : 'it did not end in time',
  }
}

/** What it leaves running in the background keeps nobody waiting: its own end counts, not that of its output. */
function runToEnd(program: Program, mark: string): Promise<Outcome | 'late'> {
  const [file = '', ...args] = program.argv
  return new Promise((resolve) => {
    if (program.signal.aborted) return resolve('late')
    const child = childProcess().spawn(file, args, {
      cwd: '/',
      env: { ...program.env, [COOKIE]: mark },
      stdio: ['pipe', 'ignore', 'pipe'],
      detached: true,
    })
    const words = lastWords(child.stderr)
    child.on('error', (error) => resolve({ ok: false, error: `${file} cannot be run: ${error.message}` }))
    child.stdin.on('error', () => {})
    child.stdin.end(program.stdin ?? '')
    program.signal.addEventListener('abort', () => resolve('late'), { once: true })
    child.on('exit', (code, signal) => {
      // What it said last may still be on its way.
      setTimeout(() => {
        child.stderr.destroy()
        resolve(judge(code, signal, words()))
      }, 20)
    })
  })
}

function lastWords(stream: Readable): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-ERROR_BYTES)
  })
  stream.on('error', () => {})
  return () => text.trim().split('\n').slice(-3).join(' ').trim()
}

/** Pure. */
function judge(code: number | null, signal: string | null, words: string): Outcome {
  if (code === 0) return { ok: true }
  const how = code === null ? `was ended by ${signal}` : `ended with exit code ${code}`
  return { ok: false, error: `it ${how}${words ? `: ${words}` : ''}` }
}
