import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { pausePoint } from '../system/pause.ts'
import { appendJournal } from '../task/journal.ts'
import type { TerminalRecord } from '../task/schema.ts'
import { type Launch, launchAttempt, type Reach } from './launch.ts'

/** Where an attempt may be launched. */
export interface Places {
  /** Where the task has run so far, or was meant to. */
  readonly current: TerminalRecord
  /** Those to try, in this order. */
  readonly candidates: readonly TerminalRecord[]
}

/**
 * Launches on the first terminal that will have it. Each is tried with an attempt of its own: the one before was called off
 * and can never begin, so that nothing runs twice however late a terminal comes to it. Throws what the last one says, and at
 * once what the task's own says that is no fault of its (a `conflict`: somebody else has the name).
 */
export async function launchOnFirst(
  launch: Launch,
  { current, candidates }: Places,
  context: Pick<Context, 'self' | 'warn' | 'terminalAt'>,
  reach: Reach,
): Promise<{ readonly attempt: number; readonly begun: 'begun' | 'over' }> {
  let { attempt } = launch
  let on = current
  let reason = `${current.kind} is not installed any more`
  for (const [index, record] of candidates.entries()) {
    if (record.kind !== on.kind) {
      context.warn(`${launch.spec.session} runs ${howIn(record)}, not in ${on.kind}: ${reason}`)
      appendJournal(launch.dir, { type: 'terminal-changed', attempt, terminal: record, reason })
      pausePoint('terminal-changed')
    }
    on = record
    const end = await launchAttempt({ ...launch, attempt }, context.terminalAt(record), context, reach)
    if (end.kind !== 'called-off') return { attempt, begun: end.kind }
    pausePoint('called-off')
    const taken = isTaken(end.error) && record.kind === current.kind
    if (index === candidates.length - 1 || taken) throw end.error
    reason = end.error instanceof Error ? end.error.message : String(end.error)
    attempt++
  }
  throw new Error('there is no terminal to launch on')
}

/** How a task runs there, in words. */
export const howIn = ({ kind }: TerminalRecord) => (kind === 'plain' ? 'without a terminal' : `in ${kind}`)

const isTaken = (error: unknown) => error instanceof RcaError && error.code === 'conflict'
