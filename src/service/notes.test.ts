import { describe, expect, it } from 'vitest'
import { type NoteFacts, notes } from './notes.ts'
import { NOTHING } from './service.ts'

const UP: NoteFacts = {
  kind: 'systemd-user',
  path: '/u',
  seen: { ...NOTHING, text: '', installed: true, enabled: true, active: true, pid: 7, lingering: true },
  usable: ['systemd-user', 'cron'],
  monitor: { pid: 7, origin: 'rca monitor' },
  rca: '/opt/rca/bin/rca.js',
  user: 'x',
}
const seen = (some: object) => ({ seen: { ...NOTHING, ...UP.seen, ...some } })

describe('notes', () => {
  it('says nothing where all is well', () => expect(notes(UP)).toEqual([]))
  it('says nothing of what is not installed', () => {
    expect(
      notes({ ...UP, seen: { ...NOTHING, lingering: false }, monitor: { pid: 9, origin: 'x' } }),
    ).toEqual([])
  })
  it.each<[string, Partial<NoteFacts>, RegExp]>([
    ['what to do about lingering', seen({ lingering: false }), /loginctl enable-linger x$/],
    [
      'where to look when it does not run',
      seen({ active: false }),
      /systemctl --user status rca-monitor.service/,
    ],
    [
      'that another monitor still runs',
      { monitor: { pid: 9, origin: 'y' } },
      /\(pid 9, y\).*takes its place/,
    ],
    ['that its manager does not answer', { usable: ['cron'] }, /systemd-user does not answer from here/],
    ['that npx will not keep it', { rca: '/h/.npm/_npx/1/node_modules/.bin/rca' }, /npm install -g/],
    ['that nothing can run it', { kind: null, seen: null }, /nothing here can run it/],
    ['that the file is not ours', seen({ installed: false }), /\/u was not written by rca/],
  ])('says %s', (_, some, words) => {
    expect(notes({ ...UP, ...some })).toEqual([expect.stringMatching(words)])
  })
  it('says that another monitor runs instead', () => {
    const other = { monitor: { pid: 9, origin: 'y' }, ...seen({ active: false, pid: null }) }
    expect(notes({ ...UP, ...other }).join()).toMatch(/\(pid 9, y\); rca service install/)
  })
  it('says what cron does not do, and that something better is there', () => {
    expect(notes({ ...UP, kind: 'cron', path: null })).toEqual([
      expect.stringMatching(/systemd-user can be used now/),
      expect.stringMatching(/not after a crash/),
    ])
  })
})
