import { describe, expect, it } from 'vitest'
import { MARK, NOTHING, type Seen, type Step } from './service.ts'
import {
  installUnit,
  parseShow,
  showUnit,
  uninstallUnit,
  unitCommand,
  unitPath,
  unitText,
  unitWord,
} from './systemd.ts'

const SERVICE = {
  command: ['/usr/bin/node', '/opt/rca/bin/rca.js', 'monitor'],
  env: { HOME: '/home/x', PATH: '/a b:/bin' },
  state: '/home/x/.local/state/rca',
  manual: 'file:///opt/rca/README.md',
}
const lines = (text: string) => text.split('\n').filter((line) => !/^(#|$)/.test(line))

describe('unitPath', () => {
  it.each([
    ['user', { HOME: '/home/x' }, '/home/x/.config/systemd/user/rca-monitor.service'],
    ['user', { HOME: '/home/x', XDG_CONFIG_HOME: '/c' }, '/c/systemd/user/rca-monitor.service'],
    ['user', { HOME: '/home/x', XDG_CONFIG_HOME: 'c' }, '/home/x/.config/systemd/user/rca-monitor.service'],
    ['system', { HOME: '/root', XDG_CONFIG_HOME: '/c' }, '/etc/systemd/system/rca-monitor.service'],
  ] as const)('%s %j', (scope, env, path) => expect(unitPath(scope, env)).toBe(path))
})

describe('quoting', () => {
  it.each([
    ['/usr/bin/node', '/usr/bin/node'],
    ['A=$HOME', 'A=$HOME'],
    ['/a b', '"/a b"'],
    ['50%', '50%%'],
    ['a"b', '"a\\"b"'],
    ["a'b", `"a'b"`],
    ['a\\x41', '"a\\\\x41"'],
    ['', '""'],
    [';', '";"'],
    ['é', '"é"'],
  ])('unitWord(%j)', (word, wanted) => expect(unitWord(word)).toBe(wanted))

  it('doubles a dollar sign in arguments and not in the program', () => {
    expect(unitCommand(['/a$b/node', '/c$d $e', 'monitor'])).toBe('/a$b/node "/c$$d $$e" monitor')
  })
  it('lets a shell become a program whose path systemd refuses', () => {
    expect(unitCommand([`/a"b'c\\d$/node`, '/rca.js'])).toBe(
      `/bin/sh -c "exec \\"$$0\\" \\"$$@\\"" "/a\\"b'c\\\\d$$/node" /rca.js`,
    )
  })
})

describe('unitText', () => {
  it('is a unit of the user', () => {
    expect(lines(unitText(SERVICE, 'user'))).toEqual([
      '[Unit]',
      'Description=rca monitor (resumes coding agents whose tasks are not done)',
      'Documentation=file:///opt/rca/README.md',
      'StartLimitIntervalSec=0',
      '[Service]',
      'Type=exec',
      'ExecStart=/usr/bin/node /opt/rca/bin/rca.js monitor',
      'Environment=HOME=/home/x',
      'Environment="PATH=/a b:/bin"',
      'Restart=on-failure',
      'RestartSec=5s',
      'RestartPreventExitStatus=2',
      'KillMode=process',
      'OOMPolicy=continue',
      '[Install]',
      'WantedBy=default.target',
    ])
  })
  it('is a unit of the system', () => {
    const text = unitText(SERVICE, 'system')
    expect(lines(text).at(-1)).toBe('WantedBy=multi-user.target')
    expect(text).not.toContain('--user')
  })
  it('carries the mark by which it is known again', () => {
    expect(unitText(SERVICE, 'user').split('\n')[0]).toContain(MARK)
  })
})

describe('parseShow', () => {
  it.each([
    [
      'UnitFileState=enabled\nActiveState=active\nMainPID=42\nNeedDaemonReload=no\n',
      { enabled: true, active: true, pid: 42, stale: false },
    ],
    [
      'UnitFileState=\nActiveState=inactive\nMainPID=0\nNeedDaemonReload=no\n',
      { enabled: false, active: false, pid: null, stale: false },
    ],
    [
      'UnitFileState=disabled\nActiveState=activating\nMainPID=0\nNeedDaemonReload=yes\n',
      { enabled: false, active: false, pid: null, stale: true },
    ],
    ['', { enabled: null, active: null, pid: null, stale: false }],
  ])('%j', (answer, wanted) => expect(parseShow(answer)).toEqual(wanted))

  it('asks the right manager', () => {
    expect(showUnit('user')).toContain('--user')
    expect(showUnit('system')).not.toContain('--user')
  })
})

describe('installUnit', () => {
  const content = unitText(SERVICE, 'user')
  const up: Seen = { ...NOTHING, text: content, installed: true, enabled: true, active: true, pid: 1 }
  const steps = (seen: Seen) => installUnit(SERVICE, 'user', '/u', seen).map(brief)
  it.each<[string, Partial<Seen>, string[]]>([
    ['all is well', {}, []],
    ['nothing is there', NOTHING, ['write', 'daemon-reload', 'enable --now']],
    ['it is another text', { text: `# ${MARK}` }, ['write', 'daemon-reload', 'restart']],
    ['a crash came before the reload', { stale: true }, ['daemon-reload', 'restart']],
    ['it was stopped', { active: false, pid: null }, ['enable --now']],
    ['it was disabled', { enabled: false }, ['enable --now']],
    [
      'it was disabled, and is another text',
      { enabled: false, text: '' },
      ['write', 'daemon-reload', 'enable --now', 'restart'],
    ],
    ['another text, stopped', { active: false, text: '' }, ['write', 'daemon-reload', 'enable --now']],
  ])('%s', (_, some, wanted) => expect(steps({ ...up, ...some })).toEqual(wanted))

  it('writes the unit', () => {
    expect(installUnit(SERVICE, 'user', '/u', NOTHING)[0]).toEqual({ do: 'write', path: '/u', content })
  })
})

describe('uninstallUnit', () => {
  it('stops, disables and removes it', () => {
    const seen = { ...NOTHING, text: '', installed: true }
    expect(uninstallUnit('system', '/u', seen).map(brief)).toEqual([
      'disable --now',
      'remove',
      'daemon-reload',
      'reset-failed',
    ])
    expect(uninstallUnit('system', '/u', NOTHING)).toEqual([])
  })
})

function brief(step: Step): string {
  if (step.do !== 'run') return step.do
  return step.argv.filter((word) => !/^(systemctl|--user|rca-monitor.service)$/.test(word)).join(' ')
}
