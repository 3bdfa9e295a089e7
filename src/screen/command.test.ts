import { describe, expect, it } from 'vitest'
import { newSession, newWindow, parseSessions, type ScreenRow, typeLine } from './command.ts'

const row: ScreenRow = { pid: 12, session: 'codex-x', attached: false, dead: false }
const LINE = 'sh "$TASK_TMPDIR/attempts/2/launch"'

describe('what screen would interpret', () => {
  it('is escaped in the name of the log', () => {
    const input = { session: 'codex-x', taskDir: '/t', cwd: '/', attempt: 1, line: LINE }
    const args = newSession(input, '/rc', '/t/100%n^A/$HOME')
    expect(args[args.indexOf('-Logfile') + 1]).toBe('/t/100%%n^^A/$HOME')
    expect(args.slice(-4)).toEqual(['codex-x', '/bin/sh', '-c', `set -m; ${LINE}; exec /bin/sh -i`])
  })
  it('is escaped in what is typed, and in the command of a window', () => {
    expect(typeLine(row, '0', LINE)).toEqual([
      ...['-S', '12.codex-x', '-p', '0', '-X', 'stuff'],
      '\\025sh "\\044TASK_TMPDIR/attempts/2/launch"\\012',
    ])
    expect(newWindow(row, LINE).at(-1)).toContain('sh "\\044TASK_TMPDIR/attempts/2/launch"')
    expect(typeLine(row, '0', 'a^b\\c').at(-1)).toBe('\\025a\\136b\\134c\\012')
  })
})

describe('parseSessions', () => {
  it('reads what screen 4.09 prints', () => {
    const printed = [
      'There are screens on:',
      '\t10608.codex-fix\t(11/26/26 08:09:51)\t(Detached)',
      '\t10609.codex-fix-2\t(11/26/26 08:09:51)\t(Attached)',
      '\t10610.a.b c\t(11/26/26 08:09:51)\t(Multi, attached)',
      '\t10611.gone\t(11/26/26 08:09:51)\t(Dead ???)',
      "Remove dead screens with 'screen -wipe'.",
      '4 Sockets in /run/screen/S-root.',
      '',
    ]
    expect(parseSessions(printed.join('\n'))).toEqual([
      { pid: 10608, session: 'codex-fix', attached: false, dead: false },
      { pid: 10609, session: 'codex-fix-2', attached: true, dead: false },
      { pid: 10610, session: 'a.b c', attached: true, dead: false },
      { pid: 10611, session: 'gone', attached: false, dead: true },
    ])
  })
  it('reads a list without dates, and none', () => {
    expect(parseSessions('\t7.x\t(Detached)\r\n')).toMatchObject([{ pid: 7, session: 'x' }])
    expect(parseSessions('No Sockets found in /tmp/sx.\n\n')).toEqual([])
  })
})
