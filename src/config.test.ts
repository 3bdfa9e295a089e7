import { describe, expect, it } from 'vitest'
import { configPath, parseConfig } from './config.ts'
import { NO_NOTIFY } from './notify/config.ts'

const PATH = '/home/x/.config/rca/config.json'

describe('configPath', () => {
  it.each([
    [{ XDG_CONFIG_HOME: '/xdg', HOME: '/home/x' }, '/xdg/rca/config.json'],
    [{ XDG_CONFIG_HOME: 'xdg', HOME: '/home/x' }, PATH],
    [{ XDG_CONFIG_HOME: '', HOME: '/home/x' }, PATH],
    [{ HOME: '/home/x' }, PATH],
    [{ HOME: '.' }, null],
    [{}, null],
  ])('%j -> %s', (env, path) => {
    expect(configPath(env)).toBe(path)
  })
})

describe('parseConfig', () => {
  it('is all defaults where it says nothing', () => {
    expect(parseConfig({}, PATH)).toEqual({
      monitor: true,
      terminal: null,
      policy: {},
      notify: NO_NOTIFY,
      agents: {},
    })
  })

  it('reads everything that can be set', () => {
    const policy = {
      restart: 'never',
      backoff: '1m',
      deadline: null,
      maxRetries: 'none',
      maxResumesPerHour: 3,
      jitter: 0,
      stallAfter: 'none',
      onStall: 'restart',
      exitGrace: '250ms',
    }
    const read = {
      restart: 'never',
      backoffMs: 60_000,
      deadlineMs: null,
      maxRetries: null,
      maxResumesPerHour: 3,
      jitter: 0,
      stallAfterMs: null,
      onStall: 'restart',
      exitGraceMs: 250,
    }
    const written = {
      monitor: false,
      terminal: 'screen',
      policy,
      agents: { codex: { args: ['-m', ''], policy }, pi: {} },
    }
    expect(parseConfig(written, PATH)).toEqual({
      monitor: false,
      terminal: 'screen',
      policy: read,
      notify: NO_NOTIFY,
      agents: { codex: { args: ['-m', ''], policy: read }, pi: {} },
    })
  })

  it.each<[unknown, string, string]>([
    [[], '[] is not an object in braces', ''],
    [null, 'null is not an object in braces', ''],
    [{ policy: 'x' }, 'policy: "x" is not an object in braces', ''],
    [{ monitor: 'yes' }, 'monitor: "yes" is neither true nor false', ''],
    [{ monitr: true }, 'monitr: no such setting', 'Did you mean monitor? '],
    [{ backoff: '3m' }, 'backoff: no such setting', 'Did you mean policy.backoff? '],
    [{ foo: 1 }, 'foo: no such setting', 'There are: monitor, terminal, policy, notify, agents. '],
    [{ 'a\nb': 1 }, '"a\\nb": no such setting', 'There are: monitor, terminal, policy, notify, agents. '],
    [{ policy: { back_of: '3m' } }, 'policy.back_of: no such setting', 'Did you mean backoff? '],
    [
      { policy: { backoff: '3 minutes' } },
      'policy.backoff: "3 minutes" is not a duration',
      'For example: 90s, 15m, 1h30m. ',
    ],
    [{ policy: { backoff: 180 } }, 'policy.backoff: 180 is not a duration', 'For example: 90s, 15m, 1h30m. '],
    [
      { policy: { backoff: null } },
      'policy.backoff: null is not a duration',
      'For example: 90s, 15m, 1h30m. ',
    ],
    [{ policy: { restart: true } }, 'policy.restart: true is none', 'One of: on-failure, never. '],
    [{ policy: { maxRetries: '5' } }, 'policy.maxRetries: "5" is not a whole number from 0 to 10000', ''],
    [
      { policy: { maxResumesPerHour: 0 } },
      'policy.maxResumesPerHour: 0 is not a whole number from 1 to 10000',
      '',
    ],
    [
      { policy: { maxResumesPerHour: 2.5 } },
      'policy.maxResumesPerHour: 2.5 is not a whole number from 1 to 10000',
      '',
    ],
    [{ policy: { jitter: 1.5 } }, 'policy.jitter: 1.5 is not a number from 0 to 1', ''],
    [{ agents: { codx: {} } }, 'agents.codx: no such setting', 'Did you mean codex? '],
    [{ agents: [] }, 'agents: [] is not an object in braces', ''],
    [
      { agents: { codex: { deadline: '5h' } } },
      'agents.codex.deadline: no such setting',
      'Did you mean policy.deadline? ',
    ],
    [
      { agents: { codex: { args: '-m x' } } },
      'agents.codex.args: "-m x" is not a list',
      'Like ["-m", "gpt-5"]. ',
    ],
    [{ agents: { pi: { args: ['-m', 5] } } }, 'agents.pi.args[1]: 5 is not a string', ''],
    [{ agents: { pi: { args: ['a\0b'] } } }, 'agents.pi.args[0]: "a\\u0000b" holds a NUL byte', ''],
    [
      { agents: { pi: { policy: { deadline: '0' } } } },
      'agents.pi.policy.deadline: "0" is less than a millisecond',
      'For example: 90s, 15m, 1h30m. ',
    ],
  ])('%j', (value, message, hint) => {
    expect(() => parseConfig(value, PATH)).toThrow(
      expect.objectContaining({
        code: 'config',
        exitCode: 78,
        message: `config.json: ${message}`,
        hint: `${hint}(${PATH})`,
      }),
    )
  })
})
