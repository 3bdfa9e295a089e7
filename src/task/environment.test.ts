import { describe, expect, it } from 'vitest'
import {
  captureEnvironment,
  formatEnvironment,
  parseEnvironment,
  parseEnvOption,
  resumeEnvironment,
} from './environment.ts'

const driver = { envNames: ['ACME_*', 'LAB_KEY'], envNever: ['ACME_SESSION'] }

describe('captureEnvironment', () => {
  const caller = {
    PATH: '/p',
    HOME: '/h',
    LC_ALL: 'C.UTF-8',
    ACME_KEY: 'k',
    ACME_SESSION: 'mark',
    LAB_KEY: 'l',
    TMUX: '/tmp/x,1,0',
    TMUX_PANE: '%1',
    RCA_ATTEMPT: 'other:1',
    TASK_TMPDIR: '/t',
    SECRET: 's',
    'not-a-name': 'x',
    LABEL: 'x',
  }
  it('takes what the agent needs and no mark of the caller', () => {
    expect(captureEnvironment(driver, caller, [])).toEqual({
      PATH: '/p',
      HOME: '/h',
      LC_ALL: 'C.UTF-8',
      ACME_KEY: 'k',
      LAB_KEY: 'l',
    })
  })
  it('adds what is asked for, by value or by name', () => {
    expect(captureEnvironment(driver, caller, ['SECRET', 'A=b=c', 'PATH=/q'])).toMatchObject({
      SECRET: 's',
      A: 'b=c',
      PATH: '/q',
    })
  })
  it('takes what the agent’s configuration names', () => {
    const configured = { ...driver, envNamesInConfig: () => ['SECRET'] }
    expect(captureEnvironment(configured, caller, [])).toHaveProperty('SECRET', 's')
  })
  it('reads the configuration that the agent will read, and not the one of before (bug: CODEX_HOME=x codex exec had no key)', () => {
    const configured = {
      ...driver,
      envNamesInConfig: (env: Readonly<Record<string, string | undefined>>) =>
        env.ACME_HOME === '/other' ? ['SECRET'] : [],
    }
    expect(captureEnvironment(configured, caller, ['ACME_HOME=/other'])).toHaveProperty('SECRET', 's')
    const elsewhere = { ...caller, ACME_HOME: '/other' }
    expect(captureEnvironment(configured, elsewhere, [], ['ACME_HOME'])).not.toHaveProperty('SECRET')
  })
  it('gives a PATH where the caller has none', () => {
    expect(captureEnvironment(driver, {}, [])).toEqual({ PATH: '/usr/local/bin:/usr/bin:/bin' })
  })
  it.each(['=x', '1A=b', 'A-B', 'MISSING', 'RCA_ATTEMPT=x', 'TMUX'])('refuses --env %s', (option) => {
    expect(() => parseEnvOption(option, caller)).toThrow(/--env/)
  })
})

describe('resumeEnvironment', () => {
  it('leaves what the command has set as it is, but for what is asked for (bug: CODEX_HOME=x codex exec)', () => {
    const caller = { ACME_KEY: 'other', LAB_KEY: 'mended' }
    const own = { withoutEnv: [], ownEnv: ['ACME_KEY'] }
    expect(resumeEnvironment(driver, stored, caller, [], own)).toEqual({ ...stored, LAB_KEY: 'mended' })
    expect(resumeEnvironment(driver, stored, caller, ['ACME_KEY'], own).ACME_KEY).toBe('other')
    expect(() => resumeEnvironment(driver, null, caller, [], own)).toThrow('ACME_KEY')
    expect(resumeEnvironment(driver, null, caller, ['ACME_KEY=k'], own).ACME_KEY).toBe('k')
  })
  const stored = { PATH: '/old', ACME_KEY: 'old', LAB_KEY: 'l', EXTRA: 'e' }
  it('keeps what was captured, with the caller’s values for the agent’s own variables', () => {
    const caller = { PATH: '/cron', HOME: '/h', ACME_KEY: 'new', EXTRA: 'other' }
    expect(resumeEnvironment(driver, stored, caller, [])).toEqual({ ...stored, ACME_KEY: 'new' })
  })
  it('takes --env over both', () => {
    expect(resumeEnvironment(driver, stored, { EXTRA: 'x' }, ['EXTRA', 'PATH=/q'])).toMatchObject({
      EXTRA: 'x',
      PATH: '/q',
    })
  })
  it('captures anew where nothing is stored any more', () => {
    expect(resumeEnvironment(driver, null, { PATH: '/p', OTHER: 'x' }, [])).toEqual({ PATH: '/p' })
  })
})

describe('the env file', () => {
  it.each([
    '',
    'plain',
    'with blanks',
    "it's",
    "'",
    "''",
    "\\'",
    '$(touch pwned) `x` "q" \\',
    'line\nbreak\nexport X=1',
    'ümläut ⏳',
    '!history',
    '-n',
  ])('gives back %j', (value) => {
    const env = { A: value, B: 'after' }
    expect(parseEnvironment(formatEnvironment(env))).toEqual(env)
  })
  it.each(['export A=$(id)\n', 'rm -rf /\n', 'export A=1', "export A='x\n"])('refuses %j', (text) => {
    expect(() => parseEnvironment(text)).toThrow(/cannot be read/)
  })
})
