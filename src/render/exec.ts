import type { Explanation } from '../commands/exec-explain.ts'
import { formatDuration } from '../duration.ts'
import { quoteAll } from '../system/shell.ts'
import type { Paint } from './paint.ts'
import { oneLine } from './text.ts'

/** What `rca exec --explain` tells a person. Pure. */
export function renderExplanation(one: Explanation, paint: Paint): string {
  if (one.kind === 'foreground') {
    return `${paint.bold('in the foreground')}, as it is: ${oneLine(one.why, 200)}\n  ${oneLine(quoteAll(one.argv), 400)}\n`
  }
  const { text, input } = one.prompt
  const rows: [string, string | null][] = [
    ['runs', quoteAll(one.argv)],
    ['folder', one.cwd],
    ['prompt', [text === null ? null : JSON.stringify(text), input].filter(Boolean).join(', and ')],
    ['sets', one.env.join(', ') || null],
    ['without', one.withoutEnv.join(', ') || null],
    ['deadline', one.deadlineMs === null ? null : `${formatDuration(one.deadlineMs)} after the start`],
    ...one.notes.map((note): [string, string] => ['note', note]),
  ]
  const known = rows.filter((row): row is [string, string] => row[1] !== null)
  return [
    `${paint.bold('a task')}: ${one.name ?? `${one.agent}-…, named after its prompt`}`,
    ...known.map(([name, value]) => `  ${paint.dim(name.padEnd(9))}${oneLine(value, 400)}`),
    '',
  ].join('\n')
}
