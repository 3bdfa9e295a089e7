import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { load } from './pack/load.ts'
import { VERSION } from './version.ts'

/** Those whose start matters: each has compiled code of its own. */
const PARTS =
  /^(attach|complete|deliver|events|exec|kill|list|logs|monitor|result|resume|send|settle|start|status|wait)$/

/** Runs one command line. The version is all that is asked for often enough to be worth not loading the rest. */
export async function main(argv: readonly string[]): Promise<void> {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) return sayVersion()
  const verb = argv[0] === 'ls' || argv[0] === 'ps' ? 'list' : (argv[0] ?? '')
  const part = PARTS.test(verb) ? verb : 'rest'
  const cli = load(join(__dirname, 'rca.pack'), 'src/main.ts', part, process.env)
  await (cli as typeof import('./main.ts')).main(argv)
}

/** Without the stream that is standard output: that takes Node 3 ms to make. */
function sayVersion(): void {
  const line = `${VERSION}\n`
  try {
    writeSync(1, line)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'EAGAIN') process.stdout.write(line)
    // Whoever read has left: that is no error.
    else if (code !== 'EPIPE') process.exitCode = 1
  }
}
