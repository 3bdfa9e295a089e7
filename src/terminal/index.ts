import type { TerminalRecord } from '../task/schema.ts'
import { tmuxServer } from '../tmux/server.ts'
import { tmuxTerminal } from '../tmux/terminal.ts'
import type { Terminal } from './terminal.ts'

type Env = Readonly<Record<string, string | undefined>>

/** The terminal that a record names. */
export function terminalFor(record: TerminalRecord, env: Env): Terminal {
  return tmuxTerminal(tmuxServer(record.socket, env), env)
}
