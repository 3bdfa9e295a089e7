import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { recognise } from './recognise.ts'
import { parseShell } from './shell.ts'

/** The commands of the table in docs/exec.md, and what it says of them. */
function rows(): { line: string; kind: string; about: string }[] {
  const text = readFileSync(join(import.meta.dirname, '../../docs/exec.md'), 'utf8')
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => {
      const [, commands = '', about = ''] = /^\| (.*?[^\\]) \| (.*) \|$/.exec(line) ?? []
      const kind = about.startsWith('a task') ? 'task' : /^foreground/.exec(about)?.[0]
      return commands.split(/(?<=`), (?=`)/).map((one) => ({
        line: one.replace(/^`|`$/g, '').replaceAll('\\|', '|'),
        kind: kind ?? 'nothing',
        about,
      }))
    })
}

describe('the table in docs/exec.md is true', () => {
  it.each(rows())('$line: $kind', ({ line, kind }) => {
    const argv = parseShell(line, null)[0]?.pipeline[0]?.words.map((word) => word.text) ?? []
    const own = / -$| -p$|^opencode run$/.test(line)
    const input = own ? 'own' : 'nowhere'
    expect(
      recognise(argv, { cwd: '/code', env: {}, input, isDirectory: () => true, realPath: () => null }).kind,
    ).toBe(kind)
  })

  it('has rows', () => expect(rows().length).toBeGreaterThan(60))
})
