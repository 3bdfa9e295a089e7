import { describe, expect, it } from 'vitest'
import {
  installDone,
  type ManagerFacts,
  monitorService,
  NOTHING,
  possibleKinds,
  type Step,
  usableKinds,
} from './service.ts'

const SELF = ['/usr/bin/node', '/opt/rca/bin/rca.js']
const of = (env: Record<string, string>, self = SELF) =>
  monitorService(self, env, '/state', 'file:///README.md')

describe('monitorService', () => {
  it('runs rca monitor with what the monitor needs and nothing else', () => {
    const secret = {
      OPENAI_API_KEY: 'x',
      SSH_AUTH_SOCK: '/x',
      TMUX: '/tmp/tmux-0/default,1,0',
      RCA_ATTEMPT: 'x',
    }
    const needed = {
      ...{ HOME: '/home/x', PATH: '/bin', TZ: 'Europe/Berlin', TMUX_TMPDIR: '/t', RCA_TMUX_SOCKET: 'mine' },
      ...{ USER: 'x', LANG: 'C.UTF-8', SHELL: '/bin/sh', XDG_CONFIG_HOME: '/c' },
    }
    expect(of({ ...needed, ...secret, RCA_HOME: 'relative' })).toEqual({
      command: [...SELF, 'monitor', '--replace'],
      env: { ...needed, RCA_HOME: '/state' },
      state: '/state',
      manual: 'file:///README.md',
    })
  })
  it('leaves out what is not set, or empty', () => {
    expect(of({ TZ: '', RCA_HOME: '' }).env).toEqual({ RCA_HOME: '/state' })
  })
  it('keeps every absolute folder of PATH once, in order', () => {
    expect(of({ PATH: '/b:.:/a:/b::node_modules/.bin:/c d' }).env.PATH).toBe('/b:/a:/c d')
  })
  it.each([
    ['the path of Node', { HOME: '/' }, ['/a\nb/node', '/rca.js']],
    ['a variable', { PATH: '/a\n@reboot evil' }, SELF],
    ['a variable, by an escape', { HOME: '/a\u001b' }, SELF],
  ])('refuses a control character in %s', (_, env: Record<string, string>, self) => {
    expect(() => of(env, self)).toThrow(expect.objectContaining({ code: 'config', exitCode: 78 }))
  })
  it('refuses a control character in the state directory', () => {
    expect(() => monitorService(SELF, {}, '/a\nb', '')).toThrow(expect.objectContaining({ code: 'config' }))
  })
})

describe('who runs it', () => {
  const linux = { platform: 'linux', root: false, userManager: false, systemManager: false, crontab: false }
  it.each<[string, Partial<ManagerFacts>, string[]]>([
    ['a desktop', { userManager: true, systemManager: true, crontab: true }, ['systemd-user', 'cron']],
    [
      'root, logged in',
      { root: true, userManager: true, systemManager: true },
      ['systemd-user', 'systemd-system'],
    ],
    [
      'root without a manager',
      { root: true, systemManager: true, crontab: true },
      ['systemd-system', 'cron'],
    ],
    ['a user without a manager', { systemManager: true, crontab: true }, ['cron']],
    ['a container', { root: true, crontab: true }, ['cron']],
    ['a bare container', { root: true }, []],
    ['macOS', { platform: 'darwin', crontab: true }, ['launchd']],
    ['FreeBSD', { platform: 'freebsd', crontab: true }, ['cron']],
  ])('%s', (_, some, kinds) => {
    expect(usableKinds({ ...linux, ...some })).toEqual(kinds)
  })
  it('may have been installed where it cannot be reached now', () => {
    expect(possibleKinds(linux)).toEqual(['systemd-user', 'cron'])
    expect(possibleKinds({ ...linux, root: true })).toEqual(['systemd-user', 'systemd-system', 'cron'])
    expect(possibleKinds({ ...linux, platform: 'darwin' })).toEqual(['launchd'])
  })
})

describe('installDone', () => {
  const write: Step = { do: 'write', path: '/u', content: '' }
  const start: Step = { do: 'run', argv: ['start'] }
  const put: Step = { do: 'run', argv: ['crontab', '-'], input: '' }
  const there = { ...NOTHING, installed: true }
  it.each([
    ['unchanged', there, []],
    ['installed', NOTHING, [write, start]],
    ['installed', NOTHING, [put]],
    ['updated', there, [write, start]],
    ['updated', there, [put]],
    ['started', there, [start]],
  ] as const)('%s', (done, before, steps) => {
    expect(installDone(before, steps)).toBe(done)
  })
})
