import { describe, expect, it } from 'vitest'
import {
  cronLine,
  cronWord,
  hasLine,
  installLine,
  parseTable,
  uninstallLine,
  withLine,
  withoutLine,
} from './cron.ts'
import { NOTHING } from './service.ts'

const SERVICE = {
  command: ['/usr/bin/node', '/a b/rca.js', 'monitor'],
  env: { PATH: '/100%:/bin' },
  state: '/state',
  manual: '',
}
const LINE = `@reboot /usr/bin/env 'PATH=/100\\%:/bin' /usr/bin/node '/a b/rca.js' monitor # rca-monitor`

describe('cronWord', () => {
  it.each([
    ['/usr/bin/node', '/usr/bin/node'],
    ['a b', "'a b'"],
    ['50%', "'50\\%'"],
    ["it's", `'it'"'"'s'`],
    ['$HOME `id` # ; !', "'$HOME `id` # ; !'"],
    ['a\\', "'a\\'''"],
    ['\\%', "'\\''\\%'"],
    ['\\\\', "'\\''\\'''"],
    ['', "''"],
  ])('%j', (word, wanted) => expect(cronWord(word)).toBe(wanted))

  it('never puts a backslash before another one or before an unescaped percent sign', () => {
    for (const word of ['\\\\\\%%\\', "\\'%\\\\'", '%\\%\\\\%']) {
      expect(cronWord(word)).not.toMatch(/\\\\/)
      expect(cronWord(word).replaceAll('\\%', '')).not.toContain('%')
    }
  })
})

describe('the table', () => {
  it('has a line that says what it is', () => {
    expect(cronLine(SERVICE)).toBe(LINE)
    expect(hasLine(`a\n${LINE}\n`)).toBe(true)
  })
  it.each([
    ['is empty', '', `${LINE}\n`],
    ['has others', '# mine\n0 5 * * * x\n', `# mine\n0 5 * * * x\n${LINE}\n`],
    ['lacks its last line break', '0 5 * * * x', `0 5 * * * x\n${LINE}\n`],
    ['has an old one', `a\n@reboot old # rca-monitor\nb\n`, `a\n${LINE}\nb\n`],
    ['has it twice', `${LINE}\na\n${LINE}\n`, `${LINE}\na\n`],
    ['has it', `a\n${LINE}\n\n`, `a\n${LINE}\n\n`],
    ['speaks of it', '# see # rca-monitor\n', `# see # rca-monitor\n${LINE}\n`],
  ])('that %s', (_, table, wanted) => {
    expect(withLine(table, LINE)).toBe(wanted)
    expect(withLine(wanted, LINE)).toBe(wanted)
  })
  it('loses nothing but the line', () => {
    expect(withoutLine(`# mine # rca-monitor\n${LINE}\n\n0 5 * * * x\n`)).toBe(
      '# mine # rca-monitor\n\n0 5 * * * x\n',
    )
    expect(withoutLine(`${LINE}\n`)).toBe('')
  })
})

describe('crontab -l', () => {
  it('gives the table', () => expect(parseTable({ ok: true, stdout: 'a\n', stderr: '' })).toBe('a\n'))
  it.each([
    'no crontab for root\n',
    'crontab: no crontab for x',
    "crontab: can't open 'x': No such file or directory",
  ])('says that there is none: %s', (stderr) =>
    expect(parseTable({ ok: false, stdout: '', stderr })).toBeNull(),
  )
  it.each(['You (x) are not allowed to use this program (crontab)', ''])('fails: %s', (stderr) => {
    expect(() => parseTable({ ok: false, stdout: '', stderr })).toThrow(
      expect.objectContaining({ code: 'failed' }),
    )
  })
})

describe('steps', () => {
  const there = { ...NOTHING, text: `a\n${LINE}\n`, installed: true }
  it('puts the new table', () => {
    expect(installLine(SERVICE, { ...NOTHING, text: 'a\n' })).toEqual([
      { do: 'run', argv: ['crontab', '-'], input: `a\n${LINE}\n` },
    ])
  })
  it('puts nothing where nothing changes', () => {
    expect(installLine(SERVICE, there)).toEqual([])
    expect(uninstallLine({ ...NOTHING, text: 'a\n' })).toEqual([])
  })
  it('takes the line out', () => {
    expect(uninstallLine(there)).toEqual([{ do: 'run', argv: ['crontab', '-'], input: 'a\n' }])
  })
})
