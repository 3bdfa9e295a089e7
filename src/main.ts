import { errno, RcaError } from './errors.ts'
import { writeErr } from './standard-streams.ts'
import { VERSION } from './version.ts'

/**
 * Runs one command line. Sets the exit code and returns: `process.exit` would cut what is still on its way into a pipe.
 * A known error is a line and a hint; anything else is a bug and says so.
 */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    const { runCli } = await import('./command-line.ts')
    await runCli(argv)
  } catch (error) {
    await report(error, argv)
  }
}

async function report(error: unknown, argv: readonly string[]): Promise<void> {
  const known = asKnown(error)
  process.exitCode = known?.exitCode ?? 1
  const options = argv.slice(0, argv.includes('--') ? argv.indexOf('--') : undefined)
  if (options.includes('--json')) {
    const { harmlessJson } = await import('./render/text.ts')
    const code = known?.code ?? 'bug'
    const message = known?.message ?? String(error)
    writeErr(
      `${harmlessJson({ error: { code, message, hint: known?.hint ?? null, exitCode: process.exitCode, ...known?.details } })}\n`,
    )
    return
  }
  const { renderError } = await import('./render/error.ts')
  writeErr(known ? renderError(known.message, known.hint) : bug(error))
}

/** A full or read-only disk and the like are the machine's errors, not ours. */
function asKnown(error: unknown): RcaError | null {
  if (error instanceof RcaError) return error
  const code = errno(error)
  const path = error instanceof Error && 'path' in error ? ` (${error.path})` : ''
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new RcaError('failed', `No space left on the disk${path}`)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new RcaError('config', `Not allowed: ${code}${path}`, 'Check who owns it, or set RCA_HOME.')
  }
  return null
}

function bug(error: unknown): string {
  const stack = error instanceof Error ? error.stack : String(error)
  return `rca ${VERSION}: this is a bug in rca, please report it with these lines:\n${stack}\n`
}
