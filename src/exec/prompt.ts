import { readFileSync, statSync } from 'node:fs'
import type { AgentName } from '../agents/driver.ts'
import { crypto } from '../system/lazy.ts'
import { READERS } from './agents.ts'
import type { AgentCommand } from './recognise.ts'

/** How long claude waits for something on standard input when it has a prompt (2.1.197), ms. */
const PATIENCE_MS = 3_000

/** What the model is to be asked, byte for byte, and what of it was read from `rca exec`'s own standard input. */
export interface ReadPrompt {
  readonly prompt: Uint8Array
  readonly own: Uint8Array | null
}

/** Reads all of the prompt as the agent would. Throws Node's own error where a file cannot be read. */
export async function readPrompt(
  found: AgentCommand,
  remark: (text: string) => void,
  stdin: NodeJS.ReadableStream,
): Promise<ReadPrompt> {
  const { agent, prompt, input } = found
  if (input.from === 'nowhere') return { prompt: Buffer.from(prompt ?? ''), own: null }
  const mayBeSilent = prompt !== null && agent === 'claude'
  const read = input.from === 'file' ? readFile(input.path) : await readOwn(stdin, mayBeSilent, remark, agent)
  const own = input.from === 'own' ? read : null
  return { prompt: prompt === null ? read : Buffer.from(READERS[agent].join(prompt, read.toString())), own }
}

/** What can be read again: the command may have to run as it is after all. */
function readFile(path: string): Buffer {
  if (!statSync(path).isFile()) throw new Error(`${path} is no file`)
  return readFileSync(path)
}

/** All agents read standard input to its end, also where they have a prompt; claude gives up where nothing comes. */
function readOwn(
  stdin: NodeJS.ReadableStream,
  mayBeSilent: boolean,
  remark: (text: string) => void,
  agent: AgentName,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const silent = setTimeout(() => {
      if (!mayBeSilent) return remark(`waiting for the end of standard input, as ${agent} does`)
      remark('nothing comes on standard input: going on without it, as claude does')
      stdin.removeAllListeners().pause()
      if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
      resolve(Buffer.alloc(0))
    }, PATIENCE_MS)
    stdin.on('data', (chunk) => {
      clearTimeout(silent)
      chunks.push(Buffer.from(chunk))
    })
    stdin.on('end', () => {
      clearTimeout(silent)
      resolve(Buffer.concat(chunks))
    })
    stdin.on('error', (error) => {
      clearTimeout(silent)
      reject(error)
    })
  })
}

/** The longest part of a made name that comes from the prompt. */
const LONGEST = 40

/** A task's name from what it is asked: its first words, and six digits that tell it from others that begin alike. Pure. */
export function nameFor(prompt: Uint8Array, cwd: string): string {
  const words = new TextDecoder()
    .decode(prompt.subarray(0, 1_024))
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
  const cut =
    words.length <= LONGEST
      ? words
      : words
          .slice(0, LONGEST + 1)
          .replace(/-[^-]*$/, '')
          .slice(0, LONGEST)
  const hash = crypto().createHash('sha256').update(cwd).update('\0').update(prompt).digest('hex').slice(0, 6)
  return `${cut || 'task'}-${hash}`
}
