import { once } from 'node:events'
import { closeSync, constants } from 'node:fs'
import { join } from 'node:path'
import { RcaError } from '../errors.ts'
import { until } from '../launch/startup.ts'
import { openOwn } from '../system/durable.ts'
import { isAlive } from '../system/identity.ts'
import { childProcess } from '../system/lazy.ts'
import { signal } from '../system/processes.ts'
import { planScope, scopeFacts } from '../system/scope.ts'
import { attemptNumbers, hasGate, readAttempt } from '../task/attempt.ts'
import { attemptFiles, files } from '../task/paths.ts'
import { serverEnvironment } from './environment.ts'
import { loggedText } from './log.ts'
import type { Owner, SessionInput, Terminal } from './terminal.ts'

type Env = Readonly<Record<string, string | undefined>>

/** How long it is watched whether a launch script comes to its gate, ms. */
const WATCHED_MS = 1_000

/**
 * No terminal at all: the launch script is a process in a session of its own (setsid(2)), with nothing to read from and
 * `terminal.log` to write to. Nobody can look into it, nothing can be typed, and no name is ever taken.
 */
export function plainTerminal(env: Env): Terminal {
  const run = (input: SessionInput) => runDetached(input, env)
  return {
    record: { kind: 'plain' },
    check: () => {},
    open: run,
    reach: run,
    close: async (task) => endLaunchScripts(task),
    session: async () => null,
    foreign: () => [],
    attach: async (task) => {
      throw new RcaError(
        'failed',
        `${task.session} runs without a terminal`,
        `See: rca logs -f ${task.session}`,
      )
    },
    text: async (task, lines) => loggedText(task, lines),
    preview: (input) => argvOf(input),
  }
}

const argvOf = ({ taskDir, attempt }: SessionInput) => [
  '/bin/sh',
  join(files.attempt(taskDir, attempt), attemptFiles.launch),
]

async function runDetached(input: SessionInput, env: Env): Promise<string | null> {
  const { prefix, warning } = planScope(await scopeFacts(env))
  const [file = '', ...args] = [...prefix, ...argvOf(input)]
  const log = openOwn(
    files.terminalLog(input.taskDir),
    constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT,
  )
  try {
    const child = childProcess().spawn(file, args, {
      cwd: input.taskDir,
      env: { ...serverEnvironment(env), TASK_TMPDIR: input.taskDir, TERM: 'dumb' },
      detached: true,
      stdio: ['ignore', log, log],
    })
    child.unref()
    let code: number | null = null
    child.on('exit', (status) => {
      code = status ?? 1
    })
    await once(child, 'spawn')
    const gated = () => hasGate(input.taskDir, input.attempt) || code !== null || undefined
    const folder = files.attempt(input.taskDir, input.attempt)
    await until([folder], gated, { timeoutMs: WATCHED_MS, everyMs: 20 })
    if (code !== null && !hasGate(input.taskDir, input.attempt))
      throw new RcaError('failed', `${file} ended with code ${code} and ran no launch script`)
    return warning
  } finally {
    closeSync(log)
  }
}

/** As the end of a session does: they hang up. */
function endLaunchScripts({ dir }: Owner): void {
  for (const number of attemptNumbers(dir)) {
    const { launcher } = readAttempt(dir, number)
    if (launcher && isAlive(launcher)) signal(launcher, 'SIGHUP')
  }
}
