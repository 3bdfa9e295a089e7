import { describe, expect, it } from 'vitest'
import type { ServiceJson } from '../../src/commands/service.ts'
import { PLAIN } from '../../src/render/paint.ts'
import { renderService, renderServicePlan } from '../../src/render/service.ts'

const SERVICE: ServiceJson = {
  ...{ kind: 'systemd-user', installed: true, enabled: true, active: true, pid: 7, lingering: false },
  ...{ path: '/u\u001b[31m', state: '/state', notes: ['lingering is off'] },
}

describe('renderService', () => {
  it('shows what is there', () => {
    expect(renderService(SERVICE, null, PLAIN)).toBe(
      [
        'rca monitor as a service installed',
        '  kind       systemd-user',
        '  path       /u[31m',
        '  enabled    yes',
        '  active     yes (pid 7)',
        '  lingering  no',
        '  watches    /state',
        '  note       lingering is off',
        '',
      ].join('\n'),
    )
  })
  it('shows no more than that where it is gone', () => {
    const gone = { ...SERVICE, installed: false, notes: [] }
    expect(renderService(gone, 'removed', PLAIN)).toBe('rca monitor as a service removed\n')
    expect(renderService(gone, 'absent', PLAIN)).toMatch(/nothing to remove\n$/)
  })
  it('says that nothing was changed', () => {
    expect(renderService(SERVICE, 'unchanged', PLAIN)).toMatch(/^.*nothing changed\n/)
  })
})

describe('renderServicePlan', () => {
  const plan = { kind: 'cron', path: null, done: 'installed' } as const
  it('shows every step, and no control characters', () => {
    const steps = [
      { do: 'write', path: '/u', content: 'text\u001b\n' },
      { do: 'run', argv: ['crontab', '-'], input: 'a\n' },
      { do: 'run', argv: ['systemctl', 'x y'] },
      { do: 'remove', path: '/u' },
    ] as const
    expect(renderServicePlan({ ...plan, steps })).toBe(
      "--- write /u\ntext\n\n--- run crontab - with this input\na\n\n--- run systemctl 'x y'\n\n--- remove /u\n",
    )
  })
  it('says that there is nothing to do', () => {
    expect(renderServicePlan({ ...plan, done: 'absent', steps: [] })).toMatch(/^nothing to do/)
  })
})
