import { VERSION } from './version.ts'

/** Runs one command line. The version is all that is asked for often enough to be worth not loading the rest. */
export async function main(argv: readonly string[]): Promise<void> {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    process.stdout.write(`${VERSION}\n`)
    return
  }
  const cli = await import('./main.ts')
  await cli.main(argv)
}
