import { describe, expect, it } from 'vitest'
import { planScope, type ScopeFacts, unitOf } from './scope.ts'

const SERVICE = '0::/system.slice/openclaw.service'
const USER_SERVICE = '0::/user.slice/user-1000.slice/user@1000.service/app.slice/openclaw.service'
const LOGIN = '0::/user.slice/user-1000.slice/session-3.scope'
const MANAGER = '/user.slice/user-1000.slice/user@1000.service'

describe('unitOf', () => {
  it.each([
    ['a system service', SERVICE, 'openclaw.service'],
    ['a user service', USER_SERVICE, 'openclaw.service'],
    ['a login', LOGIN, 'session-3.scope'],
    ['the legacy hierarchy', '5:cpu:/\n1:name=systemd:/system.slice/a.service\n0::/', 'a.service'],
    ['a folder below a service', '0::/system.slice/docker.service/payload', 'docker.service'],
    ['a terminal in a scope of its own', `0::${MANAGER}/app.slice/vte-spawn-1.scope`, null],
    ['a scope made by systemd-run', `0::${MANAGER}/app.slice/run-r1.scope`, null],
    ['the user manager itself', `0::${MANAGER}/init.scope`, null],
    ['no systemd', '0::/', null],
    ['no cgroup', '', null],
    ['another controller only', '5:cpu:/system.slice/a.service', null],
  ])('%s', (_, cgroup, unit) => expect(unitOf(cgroup)).toBe(unit))
})

describe('planScope', () => {
  const facts = (some: Partial<ScopeFacts>): ScopeFacts => ({
    cgroup: '',
    root: false,
    userManager: null,
    lingers: false,
    killUserProcesses: false,
    ...some,
  })
  const plan = (some: Partial<ScopeFacts>) => {
    const { prefix, warning } = planScope(facts(some))
    const where = prefix.length === 0 ? 'plain' : prefix.includes('--user') ? 'user' : 'system'
    return [where, warning !== null]
  }
  it.each<[string, Partial<ScopeFacts>, [string, boolean]]>([
    ['outside systemd', {}, ['plain', false]],
    ['in a service of the user manager', { cgroup: USER_SERVICE, userManager: MANAGER }, ['user', false]],
    ['in a system service, root', { cgroup: SERVICE, root: true }, ['system', false]],
    [
      'in a system service, a user whose manager lingers',
      { cgroup: SERVICE, userManager: MANAGER, lingers: true },
      ['user', false],
    ],
    [
      'in a system service, a manager that does not linger',
      { cgroup: SERVICE, userManager: MANAGER },
      ['user', true],
    ],
    ['in a system service, no manager', { cgroup: SERVICE }, ['plain', true]],
    ['in a login that is left alone', { cgroup: LOGIN, userManager: MANAGER }, ['plain', false]],
    [
      'in a login that logind ends, lingering',
      { cgroup: LOGIN, userManager: MANAGER, lingers: true, killUserProcesses: true },
      ['user', false],
    ],
    [
      'in a login that logind ends, not lingering',
      { cgroup: LOGIN, userManager: MANAGER, killUserProcesses: true },
      ['user', true],
    ],
    [
      'in a service of another manager whose path begins alike',
      { cgroup: `0::${MANAGER}-x/a.service`, userManager: MANAGER },
      ['user', true],
    ],
  ])('%s', (_, some, expected) => expect(plan(some)).toEqual(expected))
})
