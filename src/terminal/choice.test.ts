import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TerminalRecord } from '../task/schema.ts'
import { terminalOf, terminalsOf } from '../task/terminal.ts'
import { chooseTerminals, terminalsAfter } from './choice.ts'
import { newTerminal } from './index.ts'
import type { TerminalKind } from './kinds.ts'
import type { Terminal } from './terminal.ts'

describe('choosing a terminal', () => {
  let bin: string
  beforeEach(() => {
    bin = mkdtempSync(join(tmpdir(), 'rca-bin-'))
  })
  afterEach(() => rmSync(bin, { recursive: true }))

  const put = (...names: string[]) => {
    for (const name of names) {
      writeFileSync(join(bin, name), '')
      chmodSync(join(bin, name), 0o755)
    }
  }
  const context = () => ({
    env: { PATH: bin },
    newTerminal: (kind: TerminalKind) => newTerminal(kind, '/socket', { SCREENDIR: '/screens' }),
    terminalAt: (record: TerminalRecord): Terminal => ({ ...never, record }),
  })
  const kinds = (records: readonly TerminalRecord[]) => records.map((one) => one.kind)

  it.each([
    [
      ['tmux', 'screen'],
      ['tmux', 'screen', 'plain'],
    ],
    [['screen'], ['screen', 'plain']],
    [['tmux'], ['tmux', 'plain']],
    [[], ['plain']],
  ])('with %j installed it is %j', (installed, expected) => {
    put(...installed)
    expect(kinds(chooseTerminals(null, context()))).toEqual(expected)
  })
  it('is what was asked for, and nothing else', () => {
    put('tmux', 'screen')
    expect(chooseTerminals('screen', context())).toEqual([{ kind: 'screen', folder: '/screens' }])
  })
  it('throws where what was asked for is not there', () => {
    const missing = { ...context(), terminalAt: () => ({ ...never, check: () => throwIt('missing') }) }
    expect(() => chooseTerminals('tmux', missing)).toThrow('missing')
  })
  it('goes on with those after the one that failed, and never back', () => {
    put('tmux', 'screen')
    const left = (record: TerminalRecord) => kinds(terminalsAfter(record, context()))
    expect(left({ kind: 'tmux', socket: '/s' })).toEqual(['screen', 'plain'])
    expect(left({ kind: 'screen', folder: null })).toEqual(['plain'])
    expect(left({ kind: 'plain' })).toEqual([])
  })
})

describe('where a task runs', () => {
  const at = '2026-01-01T00:00:00Z'
  const screen = { kind: 'screen', folder: null } as const
  const spec = { terminal: { kind: 'tmux', socket: '/s' } } as never
  const changed = { at, type: 'terminal-changed', attempt: 2, terminal: screen, reason: 'x' } as const

  it('is what its spec says, until the journal says otherwise', () => {
    expect(terminalOf({ spec, journal: { entries: [], problems: [], bytes: 0 } })).toMatchObject({
      kind: 'tmux',
    })
    const journal = { entries: [changed], problems: [], bytes: 0 }
    expect(terminalOf({ spec, journal })).toEqual(screen)
    expect(terminalsOf({ spec, journal }).map((one) => one.kind)).toEqual(['tmux', 'screen'])
  })
  it('is not known without its spec', () => {
    expect(terminalOf({ spec: null, journal: { entries: [changed], problems: [], bytes: 0 } })).toBeNull()
  })
})

const throwIt = (message: string): never => {
  throw new Error(message)
}
const never: Terminal = {
  record: { kind: 'plain' },
  check: () => {},
  open: () => throwIt('open'),
  reach: () => throwIt('reach'),
  close: () => throwIt('close'),
  session: () => throwIt('session'),
  foreign: () => throwIt('foreign'),
  attach: () => throwIt('attach'),
  text: () => throwIt('text'),
  preview: () => throwIt('preview'),
}
