import type { DoctorJson } from '../commands/doctor.ts'
import type { Finding, Level } from '../doctor/findings.ts'
import type { Paint } from './paint.ts'
import { oneLine } from './text.ts'

const MARK: Record<Level, string> = { ok: 'ok', note: '-', warning: '!', problem: '!!' }
/** The colours of states serve: green, yellow, red. */
const LIKE: Record<Level, string> = { ok: 'running', note: 'foreign', warning: 'stalled', problem: 'failed' }

/** What `rca doctor` tells a person. Pure. */
export function renderDoctor({ findings, repairs, ok }: DoctorJson, paint: Paint): string {
  const wide = Math.max(...findings.map((one) => one.check.length))
  const fixable = findings.some((one) => one.fix !== null)
  return [
    ...repairs.map((one) =>
      one.done ? `fixed: ${one.what}` : `could not ${one.what}: ${oneLine(one.error ?? '', 300)}`,
    ),
    ...findings.flatMap((one) => lines(one, wide, paint)),
    ok
      ? 'Nothing is wrong.'
      : `${count(findings)}${fixable ? ' rca doctor --fix repairs what is safe to repair.' : ''}`,
    '',
  ].join('\n')
}

function lines({ check, level, message, hint }: Finding, wide: number, paint: Paint): string[] {
  const mark = paint.state(LIKE[level], MARK[level].padEnd(2))
  const first = `${mark} ${paint.bold(check.padEnd(wide))}  ${oneLine(message, 600)}`
  return hint === null ? [first] : [first, `${' '.repeat(wide + 5)}${paint.dim(oneLine(hint, 400))}`]
}

function count(findings: readonly Finding[]): string {
  const { length } = findings.filter((one) => one.level === 'problem')
  return length === 1 ? 'There is a problem.' : `There are ${length} problems.`
}
