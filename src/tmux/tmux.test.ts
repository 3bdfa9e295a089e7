import { describe, expect, it } from 'vitest'
import { serverEnvironment } from '../terminal/environment.ts'
import { installCommand } from '../terminal/install.ts'
import { argument, literalFormat, newSession, parsePanes } from './command.ts'
import { isNoServer, isTooOld } from './server.ts'
import { socketPath } from './socket.ts'

describe('what tmux would interpret', () => {
  it.each([
    ['plain', 'plain'],
    ['a;b', 'a;b'],
    ['end;', 'end\\;'],
    [';', '\\;'],
  ])('argument %j', (text, escaped) => expect(argument(text)).toBe(escaped))
  it('doubles what begins a format', () => {
    expect(literalFormat('a #(touch x) #{pid} ##')).toBe('a ##(touch x) ##{pid} ####')
  })
  it('is escaped in the folder’s name, and the prompt and the environment are not there at all', () => {
    const args = newSession({
      session: 'codex-x',
      taskDir: '/t/a;',
      cwd: '/p/#(id);',
      attempt: 1,
      line: 'sh x',
    })
    expect(args[args.indexOf('-c') + 1]).toBe('/p/##(id)\\;')
    expect(args).toContain('TASK_TMPDIR=/t/a\\;')
    expect(args.filter((arg) => arg === ';')).toHaveLength(7)
  })
})

describe('parsePanes', () => {
  const row = ['codex-x', '%3', '42', '0', '1', 'sh', '0', '1767225600', '%3', '/a\tb']
  it('reads a row, a tab in the path included', () => {
    expect(parsePanes(`${row.join('\t')}\n`)).toEqual([
      {
        session: 'codex-x',
        paneId: '%3',
        panePid: 42,
        dead: false,
        inMode: true,
        command: 'sh',
        attached: false,
        createdAt: '2026-01-01T00:00:00.000Z',
        launchPane: '%3',
        mark: '/a\tb',
      },
    ])
  })
  it('reads a session without a mark', () => {
    expect(parsePanes([...row.slice(0, 8), '', ''].join('\t'))).toMatchObject([{ launchPane: '', mark: '' }])
  })
})

describe('the server', () => {
  it.each([
    [null, {}, '/tmp/tmux-7/default'],
    ['lab', {}, '/tmp/tmux-7/lab'],
    [null, { TMUX_TMPDIR: '/run/u' }, '/run/u/tmux-7/default'],
    [null, { TMUX: '/x/sock,123,0' }, '/x/sock'],
    ['lab', { TMUX: '/x/sock,123,0' }, '/tmp/tmux-7/lab'],
    ['/abs/sock', {}, '/abs/sock'],
  ])('is found: %j %j', (name, env, path) => expect(socketPath(name, env, 7)).toBe(path))
  it.each([
    ['tmux 2.9', true],
    ['tmux 3.1c', true],
    ['tmux 3.2', false],
    ['tmux 3.3a', false],
    ['tmux next-3.6', false],
    ['tmux master', false],
    ['tmux openbsd-7.1', false],
  ])('%s is too old: %s', (version, old) => expect(isTooOld(version)).toBe(old))
  it.each([
    'no server running on /tmp/tmux-0/default',
    'error connecting to /tmp/x (No such file or directory)',
    'server exited unexpectedly',
  ])('takes for no server: %s', (words) => expect(isNoServer(words)).toBe(true))
  it('is not born with marks of its caller', () => {
    const env = {
      PATH: '/p',
      TMUX: 'x',
      RCA_ATTEMPT: 'a:1',
      CLAUDECODE: '1',
      CODEX_THREAD_ID: 't',
      TERM: 'xterm',
    }
    expect(serverEnvironment(env)).toEqual({ PATH: '/p', TERM: 'xterm' })
  })
  it('is installed with what is here', () => {
    expect(installCommand('tmux', 'linux', ['apt-get'])).toBe('sudo apt-get install tmux')
    expect(installCommand('tmux', 'darwin', [])).toBe('brew install tmux')
    expect(installCommand('screen', 'linux', [])).toContain('https://')
  })
})
