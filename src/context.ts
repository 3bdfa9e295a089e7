import { stateDirectory } from './task/paths.ts'
import type { TerminalRecord } from './task/schema.ts'
import { newTerminal, terminalFor } from './terminal/index.ts'
import type { TerminalKind } from './terminal/kinds.ts'
import type { Terminal } from './terminal/terminal.ts'
import { checkSocketName, socketPath } from './tmux/server.ts'

/** What a command may use of the world around it. Tests pass their own. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** The state directory; it may not exist yet. */
  readonly state: string
  readonly uid: number
  /** The terminal of this kind in which a new task would run. */
  readonly newTerminal: (kind: TerminalKind) => TerminalRecord
  /** The terminal that a task's record names. */
  readonly terminalAt: (record: TerminalRecord) => Terminal
  readonly now: () => number
  /** The argv that runs this rca again: Node and the script. */
  readonly self: readonly string[]
  /** Something takes a moment: shown to a person while it does. */
  readonly progress: (text: string | null) => void
  /** Something a person should know that is no error. */
  readonly warn: (text: string) => void
  /** Reads the whole of standard input. */
  readonly readStdin: () => Promise<Uint8Array>
  readonly stdinIsTty: boolean
}

export function terminalsFrom(env: Context['env'], socketOption: string | null, uid: number) {
  const name = socketOption ?? (env.RCA_TMUX_SOCKET || null)
  const socket = socketPath(name === null ? null : checkSocketName(name), env, uid)
  return {
    newTerminal: (kind: TerminalKind) => newTerminal(kind, socket, env),
    terminalAt: (record: TerminalRecord) => terminalFor(record, env),
  }
}

export { stateDirectory }
