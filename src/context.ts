import type { TerminalRecord } from './task/schema.ts'
import type { TerminalKind } from './terminal/kinds.ts'
import type { Terminal } from './terminal/terminal.ts'

/** What a command that only reads records may use of the world around it. Tests pass their own. */
export interface ReadingContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** The state directory; it may not exist yet. */
  readonly state: string
  readonly uid: number
  readonly now: () => number
  /** The argv that runs this rca again: Node and the script. */
  readonly self: readonly string[]
  /** Something takes a moment: shown to a person while it does. */
  readonly progress: (text: string | null) => void
  /** Something a person should know that is no error. */
  readonly warn: (text: string) => void
  /** Reads the whole of standard input. */
  readonly readStdin: () => Promise<Uint8Array>
  /** The socket of the tmux server that a new task would run on. */
  readonly tmuxSocket: string
}

/** The terminals that tasks run in. */
interface Terminals {
  /** The terminal of this kind in which a new task would run. */
  readonly newTerminal: (kind: TerminalKind) => TerminalRecord
  /** The terminal that a task's record names. */
  readonly terminalAt: (record: TerminalRecord) => Terminal
}

/** What a command may use of the world around it. */
export interface Context extends ReadingContext, Terminals {}

/** The same with terminals, which a verb that only reads records does without: their code takes a while to load. */
export async function withTerminals(context: ReadingContext): Promise<Context> {
  const { newTerminal, terminalFor } = await import('./terminal/index.ts')
  return {
    ...context,
    newTerminal: (kind) => newTerminal(kind, context.tmuxSocket, context.env),
    terminalAt: (record) => terminalFor(record, context.env),
  }
}
