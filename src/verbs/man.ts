import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Verb } from '../cli.ts'
import { RcaError } from '../errors.ts'
import { VERSION } from '../version.ts'
import { open } from './common.ts'

/** Shows the manual page in a terminal; elsewhere prints its source. */
export const man: Verb = async (_, options) => {
  const { io, context } = await open(options)
  const page = join(dirname(realpathSync(context.self.at(-1) ?? '')), '../dist/rca.1')
  if (process.stdout.isTTY && existsSync(page)) return show(page)
  const [{ buildProgram }, { manualPage }] = await Promise.all([import('../cli.ts'), import('../manual.ts')])
  io.out(
    manualPage(
      buildProgram([], async () => ({})),
      VERSION,
    ),
  )
}

/** A name with a slash is a file to every man (man-db, mandoc, macOS). */
async function show(page: string): Promise<void> {
  const { execa } = await import('execa')
  const result = await execa('man', [page], { stdio: 'inherit', reject: false })
  if (result.exitCode === undefined)
    throw new RcaError('unavailable', 'man is not installed', 'rca <command> --help tells the same.')
  process.exitCode = result.exitCode
}
