import type { Run } from '../agents/driver.ts'
import { workingDirectory } from './folders.ts'

/** Runs a program to its end, without a shell and without a terminal. See `Run`. */
export const run: Run = async (argv, options) => {
  const { execa } = await import('execa')
  const [file, ...args] = argv
  const result = await execa(file ?? '', args, {
    // Where that is gone, any: execa asks for it whatever is run.
    cwd: options.cwd ?? workingDirectory() ?? '/',
    ...(options.env === undefined ? {} : { env: options.env, extendEnv: false }),
    timeout: options.timeoutMs,
    forceKillAfterDelay: 1_000,
    reject: false,
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    stripFinalNewline: false,
    maxBuffer: 1 << 26,
  })
  const exit =
    result.signal !== undefined
      ? { signal: result.signal }
      : result.exitCode !== undefined
        ? { code: result.exitCode }
        : null
  return { exit: result.timedOut ? null : exit, stdout: result.stdout, stderr: result.stderr }
}
