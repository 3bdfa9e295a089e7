import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Context } from '../context.ts'
import { errno, RcaError } from '../errors.ts'

/** Where a prompt comes from: one of the two. */
interface PromptSource {
  readonly prompt: string | null
  /** A file; `-` is standard input. */
  readonly promptFile: string | null
}

/** The bytes of a prompt. `how`: how it is given where it comes from no file. Throws `usage` where there is none, or two. */
export async function readPrompt(
  { prompt, promptFile }: PromptSource,
  context: Pick<Context, 'cwd' | 'readStdin'>,
  how: '-p' | 'TEXT',
): Promise<Uint8Array> {
  const direct = how === '-p' ? '-p TEXT' : how
  if (prompt !== null && promptFile !== null)
    throw new RcaError('usage', `Give the prompt once: with ${how} or with -f`)
  if (prompt === null && promptFile === null) {
    throw new RcaError(
      'usage',
      'There is no prompt',
      `Give it with ${direct} or -f FILE (- is standard input).`,
    )
  }
  const bytes = prompt !== null ? Buffer.from(prompt) : await readPromptFile(promptFile ?? '-', context)
  if (/^\s*$/.test(new TextDecoder().decode(bytes.subarray(0, 65_536))) && bytes.length < 65_536) {
    throw new RcaError('usage', 'The prompt is empty', 'Say what the agent is to do.')
  }
  return bytes
}

async function readPromptFile(
  file: string,
  context: Pick<Context, 'cwd' | 'readStdin'>,
): Promise<Uint8Array> {
  if (file === '-') return context.readStdin()
  const path = resolve(context.cwd, file)
  try {
    return readFileSync(path)
  } catch (error) {
    const why = { ENOENT: 'does not exist', EISDIR: 'is a directory', EACCES: 'may not be read' }[
      errno(error) ?? ''
    ]
    throw new RcaError('usage', `The prompt file ${path} ${why ?? `cannot be read (${errno(error)})`}`)
  }
}
