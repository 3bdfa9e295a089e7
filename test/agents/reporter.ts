import { writeFileSync } from 'node:fs'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { AGENTS } from '../../src/agents/driver.ts'

/**
 * At the end of a run: a Markdown table of what each agent did in each scenario, on stdout and, where RCA_AGENTS_TABLE
 * names a file, in that file.
 */
class AgentsTable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    if (tests.length === 0) return
    const table = renderTable(tests.map(cellOf))
    process.stdout.write(`\n${table}\n`)
    if (process.env.RCA_AGENTS_TABLE) writeFileSync(process.env.RCA_AGENTS_TABLE, table)
  }
}

interface Cell {
  readonly scenario: string
  readonly agent: string
  readonly text: string
}

function cellOf(test: TestCase): Cell {
  const seconds = `${((test.diagnostic()?.duration ?? 0) / 1000).toFixed(1)} s`
  const { note } = test.meta() as { note?: string }
  const passed = note ? `pass ${seconds}: ${note}` : `pass ${seconds}`
  const text = { passed, failed: `**fail** ${seconds}`, skipped: '-', pending: '?' }
  const agent = test.parent.type === 'suite' ? test.parent.name : ''
  return { scenario: test.name, agent, text: text[test.result().state] }
}

/** Pure. */
function renderTable(cells: readonly Cell[]): string {
  const scenarios = [...new Set(cells.map((cell) => cell.scenario))]
  const rows = scenarios.map((scenario) => [
    scenario,
    ...AGENTS.map(
      (agent) => cells.find((one) => one.scenario === scenario && one.agent === agent)?.text ?? '',
    ),
  ])
  const lines = [['scenario', ...AGENTS], ['---', ...AGENTS.map(() => '---')], ...rows]
  return lines.map((line) => `| ${line.join(' | ')} |\n`).join('')
}

// biome-ignore lint/style/noDefaultExport: this is how vitest loads a reporter
export default AgentsTable
