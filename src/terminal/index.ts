import { screenTerminal } from '../screen/terminal.ts'
import type { TerminalRecord } from '../task/schema.ts'
import { tmuxServer } from '../tmux/server.ts'
import { tmuxTerminal } from '../tmux/terminal.ts'
import type { TerminalKind } from './kinds.ts'
import { plainTerminal } from './plain.ts'
import type { Terminal } from './terminal.ts'

type Env = Readonly<Record<string, string | undefined>>

/** The terminal that a record names. */
export function terminalFor(record: TerminalRecord, env: Env): Terminal {
  switch (record.kind) {
    case 'tmux':
      return tmuxTerminal(tmuxServer(record.socket, env), env)
    case 'screen':
      return screenTerminal(record.folder, env)
    case 'plain':
      return plainTerminal(env)
  }
}

/** Where a new task would run, called from here: on the servers that plain `tmux` and plain `screen` reach. Pure. */
export function newTerminal(kind: TerminalKind, tmuxSocket: string, env: Env): TerminalRecord {
  if (kind === 'tmux') return { kind, socket: tmuxSocket }
  return kind === 'screen' ? { kind, folder: env.SCREENDIR || null } : { kind }
}
