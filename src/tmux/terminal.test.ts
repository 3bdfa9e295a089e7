import { describe, expect, it } from 'vitest'
import type { PaneRow } from './command.ts'
import { planMove, type SessionFacts } from './terminal.ts'

const pane = (some: Partial<PaneRow> = {}): PaneRow => ({
  session: 'codex-x',
  paneId: '%1',
  panePid: 10,
  dead: false,
  inMode: false,
  command: 'sh',
  attached: false,
  createdAt: '',
  launchPane: '%1',
  mark: '/tasks/mine',
  ...some,
})
const plan = (panes: PaneRow[], some: Partial<SessionFacts> = {}) =>
  planMove({ panes, taskDir: '/tasks/mine', idle: true, otherIsOver: false, ...some })

describe('planMove', () => {
  it('makes a session where there is none', () => expect(plan([])).toEqual({ kind: 'new-session' }))
  it('types into the idle shell, out of copy mode first', () => {
    expect(plan([pane()])).toEqual({ kind: 'type', pane: '%1', leaveMode: false })
    expect(plan([pane({ inMode: true })])).toEqual({ kind: 'type', pane: '%1', leaveMode: true })
  })
  it('finds the launch pane among those that a person added', () => {
    expect(plan([pane({ paneId: '%7' }), pane()])).toMatchObject({ kind: 'type', pane: '%1' })
  })
  it('respawns a dead shell', () => {
    expect(plan([pane({ dead: true })], { idle: null })).toEqual({ kind: 'respawn', pane: '%1' })
  })
  it.each([false, null])('never types where something may run (idle: %s)', (idle) => {
    expect(plan([pane()], { idle })).toEqual({ kind: 'new-window' })
  })
  it('opens a window where the launch pane was closed', () => {
    expect(plan([pane({ paneId: '%7' })])).toEqual({ kind: 'new-window' })
  })
  it('leaves a session without rca’s mark alone', () => {
    expect(plan([pane({ mark: '' })])).toEqual({ kind: 'foreign' })
  })
  it('takes the name over from an older task only when that is over and its shell idle', () => {
    const other = [pane({ mark: '/tasks/older' })]
    expect(plan(other, { otherIsOver: true })).toEqual({ kind: 'replace' })
    expect(plan(other, { otherIsOver: true, idle: null })).toEqual({ kind: 'replace' })
    expect(plan(other, { otherIsOver: true, idle: false })).toEqual({ kind: 'foreign' })
    expect(plan(other, { otherIsOver: false })).toEqual({ kind: 'foreign' })
  })
})
