import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { buildProgram } from '../../src/cli.ts'
import { runCli } from '../../src/command-line.ts'
import { candidatesFor } from '../../src/completion/candidates.ts'
import { ABOUT, meantVerb } from '../../src/help.ts'
import { manualPage } from '../../src/manual.ts'

const program = buildProgram([], async () => ({}))
const help = program.createHelp()
const verbs = help.visibleCommands(program).filter((one) => one.name() !== 'help')
const each = verbs.map((one): [string, Command] => [one.name(), one])
const nothing = { tasks: () => [], channels: () => [] }

/** As a reader sees it: what `man` prints, without line breaks. */
const page = manualPage(program, '1.2.3')
const read = spawnSync('man', ['-l', '-'], {
  input: page,
  encoding: 'utf8',
  env: { ...process.env, MANWIDTH: '500', LC_ALL: 'C' },
})
const shown = read.stdout?.replaceAll(/\s+/g, ' ') ?? ''

/** The words of a command line of the examples: of a shell's syntax they hold quotes and what follows the command. */
function wordsOf(line: string): string[] {
  const own = line.split(/ && | > |\)"?$/)[0] ?? ''
  const from = own.slice(own.indexOf('rca ') + 4)
  return [...from.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}

describe.each(each)('rca %s', (name, command) => {
  it('says what it does, and what each of its options does', () => {
    expect(command.description()).not.toBe('')
    for (const option of help.visibleOptions(command)) expect(option.description, option.flags).not.toBe('')
  })

  it('has a heading and examples, and every example is a command line that rca understands', async () => {
    expect(ABOUT[name]?.group).toBeDefined()
    expect(ABOUT[name]?.examples.length).toBeGreaterThan(0)
    for (const [line] of ABOUT[name]?.examples ?? []) {
      const words = wordsOf(line)
      const dashes = words.indexOf('--')
      const seen: string[] = []
      const parser = buildProgram([], async () => ({ [name]: async () => void seen.push(name) }))
      for (const one of [parser, ...parser.commands])
        one.exitOverride().configureOutput({ outputError: () => {} })
      await parser.parseAsync(dashes < 0 ? words : words.slice(0, dashes), { from: 'user' })
      expect(seen, line).toEqual([name])
    }
  })

  it('is in the manual page, with every option and example', ({ skip }) => {
    if (read.error) skip('no man here')
    expect(shown).toContain(`${[name, ...command.aliases()].join(', ')} `)
    for (const option of help.visibleOptions(command)) {
      expect(shown).toContain(help.optionTerm(option))
      expect(shown).toContain(help.optionDescription(option).replaceAll(/\s+/g, ' '))
    }
    for (const [line] of ABOUT[name]?.examples ?? []) expect(shown).toContain(line)
  })

  it('is completed, with every option', () => {
    const found = (words: string[], current: string) =>
      candidatesFor(program, words, current, nothing).list.map((one) => one.value)
    expect(found([], name)).toContain(name)
    const options = help.visibleOptions(command).map((option) => option.long ?? option.short ?? '')
    expect(found([name], '-')).toEqual(expect.arrayContaining(options))
  })
})

describe('the manual page', () => {
  it('makes man and mandoc complain of nothing', ({ skip }) => {
    if (read.error) skip('no man here')
    expect(read).toMatchObject({ status: 0, stderr: '' })
    const warned = spawnSync('man', ['--warnings', '-l', '-'], { input: page, encoding: 'utf8' })
    expect(warned.stderr).toBe('')
  })

  it('passes mandoc, but for the date that it does not have', ({ skip }) => {
    if (!existsSync('/usr/bin/mandoc')) skip('no mandoc here')
    const { stdout } = spawnSync('mandoc', ['-Tlint', '-Wwarning'], { input: page, encoding: 'utf8' })
    expect(stdout.split('\n').filter((line) => line !== '' && !line.includes('missing date'))).toEqual([])
  })

  it('shows text as it is, whatever troff would make of it', ({ skip }) => {
    if (read.error) skip('no man here')
    const tree = buildProgram([], async () => ({}))
    const hostile = String.raw`.so /etc/passwd 'tis \fBnot\fP -a 'b' ^c ~d "e" \n[.x]`
    tree.command('odd').description(hostile).option('--x <y>', hostile)
    const { stdout } = spawnSync('man', ['-l', '-'], {
      input: manualPage(tree, '1'),
      encoding: 'utf8',
      env: { ...process.env, MANWIDTH: '500', LC_ALL: 'C' },
    })
    expect(stdout.split(hostile)).toHaveLength(3)
  })
})

describe('help', () => {
  it('has nobody in it who is gone', () => {
    expect(Object.keys(ABOUT).sort()).toEqual(verbs.map((one) => one.name()).sort())
  })

  it.each([
    ['stop', 'kill'],
    ['strat', 'start'],
    ['kil', 'kill'],
    ['statsu', 'status'],
    ['tail', 'logs'],
    ['--jsn', '--json'],
  ])('rca %s: did you mean %s?', async (wrong, meant) => {
    const line = wrong.startsWith('-') ? ['list', wrong] : [wrong]
    await expect(runCli(line)).rejects.toMatchObject({ exitCode: 2, hint: `Did you mean ${meant}?` })
  })

  it("knows other programs' words, and only as such", () => {
    expect(meantVerb('constructor')).toBeNull()
    for (const word of ['run', 'stop', 'show']) {
      const [meant = ''] = meantVerb(word)?.split(' ') ?? []
      expect(verbs.map((one) => one.name())).toContain(meant)
      expect(verbs.flatMap((one) => [one.name(), ...one.aliases()])).not.toContain(word)
    }
  })
})
