import { writeFileSync } from 'node:fs'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { TERMINALS } from '../../src/terminal/kinds.ts'

/**
 * At the end of a run: a Markdown table of every fault in every terminal, on stdout and, where RCA_FAULTS_TABLE names a file,
 * in that file.
 */
class FaultsTable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const cells = modules.flatMap((module) => [...module.children.allTests()].map(cellOf))
    if (cells.length === 0) return
    const table = renderTable(cells)
    process.stdout.write(`\n${table}\n`)
    if (process.env.RCA_FAULTS_TABLE) writeFileSync(process.env.RCA_FAULTS_TABLE, table)
  }
}

interface Cell {
  readonly fault: string
  readonly terminal: string
  readonly state: 'passed' | 'failed' | 'skipped' | 'pending'
  readonly text: string
}

function cellOf(test: TestCase): Cell {
  const result = test.result()
  const seconds = `${((test.diagnostic()?.duration ?? 0) / 1_000).toFixed(1)} s`
  const note = result.state === 'skipped' ? result.note : undefined
  const text = { passed: seconds, failed: `**fail** ${seconds}`, skipped: note ?? 'left out', pending: '?' }
  const suite = test.parent.type === 'suite' ? `${test.parent.name}: ` : ''
  return {
    // The soak says what it runs in.
    fault: `${suite}${test.name}`.replace(/, (tmux|screen|plain):/, ':'),
    terminal: test.project.name.split('-')[1] ?? 'tmux',
    state: result.state,
    text: text[result.state],
  }
}

/** Pure. */
function renderTable(cells: readonly Cell[]): string {
  const faults = [...new Set(cells.map((cell) => cell.fault))]
  const cellIn = (fault: string, terminal: string) =>
    cells.find((one) => one.fault === fault && one.terminal === terminal)?.text ?? '-'
  const count = (terminal: string, state: Cell['state']) =>
    cells.filter((one) => one.terminal === terminal && one.state === state).length
  const sum = (terminal: string) =>
    `${count(terminal, 'passed')} passed, ${count(terminal, 'failed')} failed, ${count(terminal, 'skipped')} left out`
  const lines = [
    ['fault', ...TERMINALS],
    ['---', ...TERMINALS.map(() => '---')],
    ...faults.map((fault) => [fault, ...TERMINALS.map((terminal) => cellIn(fault, terminal))]),
    ['all', ...TERMINALS.map(sum)],
  ]
  return lines.map((line) => `| ${line.join(' | ')} |\n`).join('')
}

// biome-ignore lint/style/noDefaultExport: this is how vitest loads a reporter
export default FaultsTable
