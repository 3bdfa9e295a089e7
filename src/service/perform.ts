import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { RcaError } from '../errors.ts'
import { writeDurable } from '../system/durable.ts'
import { makeFolders } from '../system/folders.ts'
import { quoteAll } from '../system/shell.ts'
import type { Ask } from './managers.ts'
import type { Step } from './service.ts'

/** Does the steps in order. Throws `failed`, in the program's own words, at the first that fails; doing it all again is safe. */
export async function perform(steps: readonly Step[], ask: Ask): Promise<void> {
  for (const step of steps) {
    if (step.do === 'write') write(step.path, step.content)
    else if (step.do === 'remove') rmSync(step.path, { force: true })
    else await runStep(step, ask)
  }
}

function write(path: string, content: string): void {
  makeFolders(dirname(path), 0o755)
  // Nothing in it is secret, and units are read by other users' tools.
  writeDurable(path, content, 0o644)
}

async function runStep(step: Extract<Step, { do: 'run' }>, ask: Ask): Promise<void> {
  const { ok, stderr } = await ask(step.argv, step.input)
  if (ok || step.mayFail) return
  const words = complaint(stderr) || 'it failed without a word'
  throw new RcaError('failed', `${quoteAll(step.argv)}: ${words}`, 'Mend that and run the same again.')
}

/** What a program says on stderr, less what systemctl 252 says there of the links that it makes. */
function complaint(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '' && !/^(Created symlink|Removed) /.test(line)).join('; ')
}
