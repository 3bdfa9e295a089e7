import { describe, expect, it } from 'vitest'
import type { ServiceJson } from '../commands/service.ts'
import type { DoctorFacts, Stray, TaskFact } from './facts.ts'
import { diagnose, type Finding } from './findings.ts'

const NOW = Date.parse('2026-01-02T03:04:05Z')

const SERVICE: ServiceJson = {
  ...{ kind: 'systemd-user', installed: true, enabled: true, active: true, pid: 7, lingering: true },
  ...{ path: '/u/rca-monitor.service', state: '/s', notes: [] },
}

/** A machine on which nothing is wrong. */
const WELL: DoctorFacts = {
  version: '1.0.0',
  node: '22.0.0',
  platform: 'linux',
  tmux: { path: '/bin/tmux', version: 'tmux 3.3a', tooOld: false },
  screen: { path: null, version: null },
  agents: (['codex', 'claude', 'opencode', 'pi'] as const).map((name) => ({
    name,
    path: `/bin/${name}`,
    version: '1.2.3',
    login: { state: 'yes', how: 'asked' },
    install: `npm install -g ${name}`,
  })),
  state: { path: '/s', kind: 'ok', mode: '700', temporary: false },
  config: { path: '/c.json', exists: true, error: null, open: false },
  disk: { freeBytes: 1e12, freeFiles: 1e6 },
  service: { seen: SERVICE, outdated: false, error: null },
  scopeWarning: null,
  monitor: {
    running: {
      ...{ pid: 9, start: '1', boot: 'b', version: '1.0.0', origin: 'started by rca' },
      since: '2026-01-02T03:00:05Z',
    },
    left: false,
  },
  tasks: [],
  halfMade: [],
  locks: [],
  strays: [],
  sockets: [],
  unseen: [],
}

const TASK: TaskFact = {
  ...{ session: 'codex-fix', dir: '/s/tasks/codex-fix.x', state: 'running' },
  ...{ supervised: true, problems: [], open: false },
}
const STRAY: Stray = { session: 'codex-fix', dir: '/s/tasks/codex-fix.x', pid: 11, command: 'npm test' }
const NOBODY = { running: null, left: false }
const state = (change: Partial<DoctorFacts['state']>) => ({ state: { ...WELL.state, ...change } })
const service = (change: Partial<ServiceJson>, more: Partial<DoctorFacts['service']> = {}) => ({
  service: { ...WELL.service, seen: { ...SERVICE, ...change }, ...more },
})
const agent = (change: Partial<DoctorFacts['agents'][number]>) => ({
  agents: WELL.agents.map((one) => (one.name === 'pi' ? { ...one, ...change } : one)),
})

const findings = (change: Partial<DoctorFacts>) => diagnose({ ...WELL, ...change }, NOW)
const short = ({ check, level, message, fix }: Finding) =>
  `${level} ${check}: ${message}${fix ? ` [${fix}]` : ''}`
const worth = (change: Partial<DoctorFacts>) =>
  findings(change)
    .filter((one) => one.level !== 'ok')
    .map(short)

it('where nothing is wrong, says what there is', () => {
  expect(findings({}).map(short)).toEqual([
    'ok rca: 1.0.0 on Node 22.0.0, linux',
    'ok tmux: tmux 3.3a (/bin/tmux)',
    ...['codex', 'claude', 'opencode', 'pi'].map(
      (name) => `ok ${name}: 1.2.3 (/bin/${name}), logged in (asked)`,
    ),
    'ok state: /s, 0 tasks on record',
    'ok disk: 953674 MiB are free for /s',
    'ok config: /c.json',
    'ok monitor: runs (pid 9, started by rca, for 4m)',
    'ok service: systemd-user (/u/rca-monitor.service)',
  ])
})

describe('what is wrong', () => {
  it.each<[string, Partial<DoctorFacts>, string[]]>([
    [
      'no tmux',
      { tmux: { path: null, version: null, tooOld: false } },
      ['warning tmux: tmux is not installed, or not on PATH: tasks run without a terminal to attach to'],
    ],
    [
      'no tmux, but screen',
      {
        tmux: { path: null, version: null, tooOld: false },
        screen: { path: '/bin/screen', version: 'Screen version 4.09' },
      },
      ['warning tmux: tmux is not installed, or not on PATH: tasks run in Screen version 4.09'],
    ],
    [
      'an old tmux',
      { tmux: { path: '/bin/tmux', version: 'tmux 3.1', tooOld: true } },
      ['warning tmux: tmux 3.1 is too old: tasks run without a terminal to attach to'],
    ],
    [
      'a tmux that says nothing',
      { tmux: { path: '/bin/tmux', version: null, tooOld: false } },
      ['warning tmux: /bin/tmux does not say its version: tasks run without a terminal to attach to'],
    ],
    [
      'no agent',
      { agents: WELL.agents.map((one) => ({ ...one, path: null, version: null, login: null })) },
      ['problem agents: none is installed: codex, claude, opencode, pi'],
    ],
    ['one agent less', agent({ path: null, version: null, login: null }), ['note pi: not installed']],
    [
      'an agent that is broken',
      agent({ version: null, login: null }),
      ['problem pi: /bin/pi does not say its version'],
    ],
    [
      'an agent without a login',
      agent({ login: { state: 'no', how: 'pi login' } }),
      ['warning pi: 1.2.3 (/bin/pi), not logged in (pi login)'],
    ],
    [
      'an agent whose login is not known',
      agent({ login: { state: 'unknown', how: 'no file' } }),
      ['note pi: 1.2.3 (/bin/pi); whether it is logged in cannot be known (no file)'],
    ],
    ['a file for a state directory', state({ kind: 'no-folder' }), ['problem state: /s is not a folder']],
    ["somebody else's", state({ kind: 'foreign' }), ['problem state: /s belongs to somebody else']],
    ['one that cannot be written', state({ kind: 'read-only' }), ['problem state: /s cannot be written']],
    [
      'one of something else',
      state({ kind: 'other', mode: '755' }),
      ['problem state: /s holds other things, and is open to other users (mode 755)'],
    ],
    [
      'an open one',
      state({ kind: 'open', mode: '755' }),
      ['problem state: /s is open to other users (mode 755) [private-folders]'],
    ],
    ['none yet', state({ kind: 'missing' }), []],
    [
      'one that does not last',
      state({ temporary: true }),
      ['warning state: /s is emptied by a reboot, and tasks are lost with it'],
    ],
    [
      'one that will not last',
      state({ kind: 'missing', temporary: true }),
      ['warning state: /s is emptied by a reboot, and tasks are lost with it'],
    ],
    [
      'a full disk',
      { disk: { freeBytes: 5 << 20, freeFiles: null } },
      ['problem disk: only 5 MiB are free for /s'],
    ],
    [
      'a disk that fills',
      { disk: { freeBytes: 500 << 20, freeFiles: null } },
      ['warning disk: only 500 MiB are free for /s'],
    ],
    [
      'no more files',
      { disk: { freeBytes: 1e12, freeFiles: 7 } },
      ['problem disk: only 7 more files can be made in /s'],
    ],
    ['a disk that says nothing', { disk: null }, []],
    [
      'a mistake in config.json',
      { config: { ...WELL.config, error: { message: 'config.json: no', hint: 'yes' } } },
      ['problem config: config.json: no'],
    ],
    [
      'a config.json that others may write',
      { config: { ...WELL.config, open: true, error: { message: 'mode 666', hint: null } } },
      ['problem config: mode 666 [private-config]'],
    ],
    ['no config.json', { config: { ...WELL.config, exists: false } }, []],
    [
      'no HOME',
      { config: { path: null, exists: false, error: null, open: false } },
      ['note config: HOME is not set: there is no place for one'],
    ],
    ['no monitor, and no need for one', { monitor: NOBODY, tasks: [{ ...TASK, supervised: false }] }, []],
    ['no monitor, and all is done', { monitor: NOBODY, tasks: [{ ...TASK, state: 'done' }] }, []],
    [
      'no monitor',
      { monitor: NOBODY, tasks: [TASK, { ...TASK, session: 'pi-x', state: 'waiting' }] },
      ['problem monitor: none runs: nobody goes on with codex-fix, pi-x if they break off [start-monitor]'],
    ],
    [
      'a monitor that was killed',
      { monitor: { running: null, left: true }, tasks: [TASK] },
      [
        'problem monitor: the last one was killed: nobody goes on with codex-fix if it breaks off [start-monitor]',
      ],
    ],
    [
      'a monitor of another release',
      { version: '1.1.0' },
      ['warning monitor: it is of another release: 1.0.0 (pid 9, started by rca, for 4m) [start-monitor]'],
    ],
    [
      'a service that does not run',
      service({ active: false }),
      ['problem service: it is installed and does not run [start-service]'],
    ],
    [
      'a service that nobody has installed',
      service({ installed: false, active: false }),
      ['note service: not installed: after a reboot nobody goes on'],
    ],
    [
      'nothing to run a service',
      service({ kind: null, installed: false }),
      ['note service: nothing here can run the monitor as a service'],
    ],
    [
      'a service of another rca',
      service({}, { outdated: true }),
      ['note service: another rca, or another environment, has installed it'],
    ],
    [
      'a service without lingering',
      service({ lingering: false }),
      ['warning service: lingering is off: it ends with your last login'],
    ],
    [
      'a service that cannot be looked at',
      { service: { seen: null, outdated: false, error: 'crontab -l: no' } },
      ['warning service: it cannot be looked at: crontab -l: no'],
    ],
    ['a scope', { scopeWarning: 'it may end' }, ['warning service: it may end']],
    [
      'records that cannot be read',
      { tasks: [{ ...TASK, state: 'unknown', problems: ['spec.json cannot be read'] }] },
      ['problem task: codex-fix: spec.json cannot be read'],
    ],
    [
      'a task of which nothing is known',
      { tasks: [{ ...TASK, state: 'unknown' }] },
      ['problem task: codex-fix: its state is unknown'],
    ],
    [
      'open records',
      { tasks: [{ ...TASK, open: true }] },
      ['problem task: others may look into the records of codex-fix [private-folders]'],
    ],
    [
      'a socket that is gone',
      { sockets: [{ path: '/t', sessions: ['codex-fix'], dirs: [], exists: false }] },
      ['problem socket: /t is gone, and codex-fix with it cannot be reached [restore-socket]'],
    ],
    [
      'a socket that is there',
      { sockets: [{ path: '/t', sessions: ['codex-fix'], dirs: [], exists: true }] },
      [],
    ],
    [
      'half-made tasks',
      { halfMade: ['/s/tasks/a.b', '/s/tasks/c.d'] },
      ['warning leftovers: 2 directories that never became a task [clear-half-made]'],
    ],
    [
      'locks of the dead',
      {
        locks: [
          { session: 'codex-fix', dead: 2, unreadable: [] },
          { session: 'pi-x', dead: 0, unreadable: [] },
        ],
      },
      ['note leftovers: locks of processes that are gone: codex-fix [clear-locks]'],
    ],
    [
      'a lock that cannot be read',
      { locks: [{ session: 'codex-fix', dead: 0, unreadable: ['/s/locks/codex-fix/1'] }] },
      ['problem lock: /s/locks/codex-fix/1 is in the way and cannot be read'],
    ],
    [
      'processes that were left',
      { strays: [STRAY, { ...STRAY, pid: 12 }] },
      ['problem processes: 2 processes of codex-fix left running (pid 11 12) [end-strays]'],
    ],
    [
      'processes whose records are gone',
      { strays: [{ ...STRAY, dir: null }] },
      ['problem processes: 1 process of codex-fix left running (pid 11)'],
    ],
    [
      'what cannot be looked at',
      { unseen: [{ check: 'tasks', error: 'ENOTDIR' }] },
      ['problem tasks: cannot be looked at: ENOTDIR'],
    ],
    [
      'many',
      { monitor: NOBODY, tasks: Array.from({ length: 9 }, (_, n) => ({ ...TASK, session: `pi-${n}` })) },
      [
        'problem monitor: none runs: nobody goes on with pi-0, pi-1, pi-2, pi-3, pi-4 and 4 more if they break off [start-monitor]',
      ],
    ],
  ])('%s', (_, change, expected) => {
    expect(worth(change)).toEqual(expected)
  })
})

it('of every problem says what to do, or does it', () => {
  const all: Partial<DoctorFacts>[] = [
    { tmux: { path: null, version: null, tooOld: false } },
    state({ kind: 'foreign' }),
    { disk: { freeBytes: 0, freeFiles: 0 } },
    { strays: [{ ...STRAY, dir: null }], locks: [{ session: 'x', dead: 0, unreadable: ['/x'] }] },
    { tasks: [{ ...TASK, state: 'unknown', open: true }], monitor: NOBODY },
  ]
  for (const one of all.flatMap(findings))
    if (one.level === 'problem') expect(one.hint ?? one.fix, one.message).not.toBeNull()
})
