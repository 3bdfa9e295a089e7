import type { Verb } from '../cli.ts'
import { SCRIPTS, SHELLS } from '../completion/scripts.ts'
import { createIo } from '../io.ts'
import { writeOut } from '../standard-streams.ts'
import { oneOf } from './common.ts'

export const completion: Verb = async ([shell = '']) => {
  oneOf('completion', shell, SHELLS)
  const io = await createIo(process.env, false)
  const found = SHELLS.find((one) => one === shell)
  if (found) io.out(SCRIPTS[found])
}

/** Asked by the shells' scripts at every Tab: never an error, and nothing on stderr. */
export const complete: Verb = async ([shell = ''], _, rest) => {
  const { answer } = await import('../commands/complete.ts')
  writeOut(answer(shell, rest, process.env))
}
