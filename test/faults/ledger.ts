/**
 * The ledger of the fake agent `ledger`: one line for each step's begin and end, and one for each other process that still
 * lived when a step was begun. KIND STEP PROCESS ATTEMPT TIME, where PROCESS is `pid:start time`, ATTEMPT the cookie.
 */
export interface Line {
  readonly kind: 'begin' | 'end' | 'beside'
  readonly step: number
  readonly process: string
  readonly attempt: string
  /** Ms since the epoch; clocks are set back, so nothing is judged by it. */
  readonly atMs: number
}

const LINE = /^(begin|end|beside) (\d+) (\d+:\d+) (\S+) (\d+)$/

/** The lines of a ledger; what is none is in `torn`. Pure. */
export function parseLedger(text: string): { lines: Line[]; torn: string[] } {
  const lines: Line[] = []
  const torn: string[] = []
  for (const one of text.split('\n').filter(Boolean)) {
    const [, kind, step, process, attempt, atMs] = LINE.exec(one) ?? []
    if (!kind || !process || !attempt) torn.push(one)
    else lines.push({ kind: kind as Line['kind'], step: Number(step), process, attempt, atMs: Number(atMs) })
  }
  return { lines, torn }
}

/** What is wrong with a ledger of a task that is done; empty: every step was done once and nobody worked beside another. Pure. */
export function wrongWith(text: string, steps: number): string[] {
  const { lines, torn } = parseLedger(text)
  return [
    ...torn.map((one) => `no line of a ledger: ${one}`),
    ...Array.from({ length: steps }, (_, index) => wrongStep(lines, index + 1)).flat(),
    ...lines.filter((one) => one.step > steps || one.step < 1).map((one) => `there is no step ${one.step}`),
    ...outOfOrder(lines),
    ...together(lines),
    ...attemptTwice(lines),
  ]
}

function wrongStep(lines: readonly Line[], step: number): string[] {
  const of = lines.filter((one) => one.step === step && one.kind !== 'beside')
  const ends = of.filter((one) => one.kind === 'end')
  if (ends.length !== 1) return [`step ${step} was ended ${ends.length} times`]
  if (of.at(-1)?.kind !== 'end') return [`step ${step} was begun again after its end`]
  const begins = of.filter((one) => one.kind === 'begin')
  if (begins.at(-1)?.process !== ends[0]?.process)
    return [`step ${step} was ended by one who had not begun it`]
  // Begun again it was cut, and only a process that is no more was cut.
  return new Set(begins.map((one) => one.process)).size === begins.length
    ? []
    : [`step ${step} was begun twice by one process`]
}

function outOfOrder(lines: readonly Line[]): string[] {
  const ended = new Set<number>([0])
  const wrong: string[] = []
  for (const one of lines) {
    if (one.kind === 'end') ended.add(one.step)
    if (one.kind === 'begin' && !ended.has(one.step - 1))
      wrong.push(`step ${one.step} was begun before step ${one.step - 1} had ended`)
  }
  return wrong
}

/** Two at a time: one of them saw the other, or their lines are mixed. */
function together(lines: readonly Line[]): string[] {
  const wrong = lines
    .filter((one) => one.kind === 'beside')
    .map((one) => `while step ${one.step} was begun, process ${one.process} still lived`)
  const order = lines.filter((one) => one.kind !== 'beside').map((one) => one.process)
  const runs = order.filter((one, index) => one !== order[index - 1])
  const back = runs.find((one, index) => runs.indexOf(one) !== index)
  return back ? [...wrong, `process ${back} went on after another had begun`] : wrong
}

function attemptTwice(lines: readonly Line[]): string[] {
  const processes = new Map<string, Set<string>>()
  for (const { attempt, process, kind } of lines)
    if (kind !== 'beside') processes.set(attempt, (processes.get(attempt) ?? new Set()).add(process))
  return [...processes]
    .filter(([, all]) => all.size > 1)
    .map(([attempt, all]) => `attempt ${attempt} ran as ${[...all].join(' and ')}`)
}
