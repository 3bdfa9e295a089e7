import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { type Paint, PLAIN, wantsColour } from './render/paint.ts'
import { harmlessJson, oneLine } from './render/text.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Where results and remarks go. Data to stdout; everything else to stderr. */
export interface Io {
  readonly json: boolean
  readonly paint: Paint
  readonly width: number
  readonly out: (text: string | Uint8Array) => void
  readonly err: (text: string) => void
  readonly outJson: (value: unknown) => void
  readonly progress: (text: string | null) => void
}

export async function createIo(env: Env, json: boolean): Promise<Io> {
  const coloured = !json && wantsColour(env, process.stdout.isTTY === true)
  const out = (text: string | Uint8Array) => void process.stdout.write(text)
  return {
    json,
    paint: coloured ? (await import('./render/colour.ts')).COLOURED : PLAIN,
    width: process.stdout.columns ?? 120,
    out,
    err: (text) => void process.stderr.write(text),
    outJson: (value) => out(`${harmlessJson(value)}\n`),
    progress: json || !process.stderr.isTTY ? () => {} : spinner(),
  }
}

/** Waits for a slow reader of standard output: what has not gone out yet is held in memory. Ends early with the signal. */
export async function drained(signal: AbortSignal): Promise<void> {
  if (!process.stdout.writableNeedDrain || signal.aborted) return
  await once(process.stdout, 'drain', { signal }).catch((error) => {
    if (!signal.aborted) throw error
  })
}

/**
 * One line of a log, with the time. It may quote an agent, and a disk that is full for a while costs lines, not their writer.
 */
export function logLine(line: string): void {
  try {
    writeSync(2, `${new Date().toISOString()} ${oneLine(line, LOG_WIDTH)}\n`)
  } catch {
    // There is nobody to tell.
  }
}

const LOG_WIDTH = 1_000

/** A spinner on stderr that appears only when something has taken a while. */
function spinner(): Io['progress'] {
  let timer: NodeJS.Timeout | undefined
  let stop: (() => void) | undefined
  return (text) => {
    clearTimeout(timer)
    stop?.()
    stop = undefined
    if (text === null) return
    let over = false
    timer = setTimeout(async () => {
      const { default: ora } = await import('ora')
      if (over) return
      const shown = ora({ text, stream: process.stderr, discardStdin: false }).start()
      stop = () => shown.stop()
    }, 300)
    stop = () => {
      over = true
    }
  }
}

/** Reads all of standard input; empty where it is closed. */
export async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
