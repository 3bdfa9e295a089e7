import type { Context } from '../context.ts'
import { which } from '../system/which.ts'
import type { TerminalRecord } from '../task/schema.ts'
import { TERMINALS, type TerminalKind } from './kinds.ts'

/** Whether what a terminal needs is on PATH. A plain one needs nothing. */
export function isInstalled(kind: TerminalKind, env: Context['env']): boolean {
  return kind === 'plain' || which(kind, env.PATH ?? '', '/') !== null
}

/** Those that are there, the best first. */
export function installedTerminals(context: Pick<Context, 'newTerminal' | 'env'>): TerminalRecord[] {
  return TERMINALS.filter((kind) => isInstalled(kind, context.env)).map(context.newTerminal)
}

/**
 * Where a new task may run, the best first; `wanted`: there and nowhere else. Throws `unavailable`, with the command that
 * installs it, where what is wanted is not there.
 */
export function chooseTerminals(
  wanted: TerminalKind | null,
  context: Pick<Context, 'newTerminal' | 'terminalAt' | 'env'>,
): TerminalRecord[] {
  if (wanted === null) return installedTerminals(context)
  const record = context.newTerminal(wanted)
  context.terminalAt(record).check()
  return [record]
}

/** What is left where `record` would not have it: the ones after it that are there. */
export function terminalsAfter(
  record: TerminalRecord,
  context: Pick<Context, 'newTerminal' | 'env'>,
): TerminalRecord[] {
  const place = TERMINALS.indexOf(record.kind)
  return installedTerminals(context).filter((one) => TERMINALS.indexOf(one.kind) > place)
}
