import { CommanderError } from 'commander'
import { buildProgram, verbNamed } from './cli.ts'
import { RcaError } from './errors.ts'
import { meantVerb } from './help.ts'
import { writeErr, writeOut } from './standard-streams.ts'

/** Parses the command line and runs the verb. Throws RcaError for everything that the caller got wrong. */
export async function runCli(argv: readonly string[]): Promise<void> {
  const dashes = argv.indexOf('--')
  const own = dashes < 0 ? argv : argv.slice(0, dashes)
  const rest = dashes < 0 ? [] : argv.slice(dashes + 1)
  const program = buildProgram(
    rest,
    async () => (await import('./verbs/index.ts')).VERBS,
    verbNamed(own[0] ?? ''),
  )
  if (own.length === 0) {
    program.outputHelp({ error: true })
    process.exitCode = 2
    return
  }
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ outputError: () => {}, writeOut, writeErr })
  }
  try {
    await program.parseAsync([...own], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return
    throw usage(
      error,
      own.find((word) => !word.startsWith('-')),
    )
  }
}

function usage(error: CommanderError, verb: string | undefined): RcaError {
  const [message, ...suggestion] = error.message.replace(/^error: /, '').split('\n')
  const help =
    error.code === 'commander.unknownCommand' || !verb ? 'See: rca --help' : `See: rca ${verb} --help`
  const meant = error.code === 'commander.unknownCommand' ? meantVerb(verb ?? '') : null
  const hint = meant ? `Did you mean ${meant}?` : suggestion.join(' ').replace(/^\(|\)$/g, '') || help
  if (error.code === 'commander.excessArguments' && verb === 'start') {
    return new RcaError(
      'usage',
      'start takes an agent and a task name',
      'The prompt goes behind -p, what is for the agent behind --.',
    )
  }
  if (error.code === 'commander.excessArguments' && verb === 'exec') {
    return new RcaError(
      'usage',
      'exec takes its command behind --',
      'For example: rca exec -- codex exec "fix the tests"',
    )
  }
  return new RcaError('usage', message ?? error.message, hint)
}
