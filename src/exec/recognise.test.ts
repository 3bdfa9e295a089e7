import { describe, expect, it } from 'vitest'
import { FOREGROUND, TASKS } from '../../test/fixtures/exec-commands.ts'
import type { Facts } from './found.ts'
import { type AgentCommand, recognise } from './recognise.ts'
import { parseShell } from './shell.ts'

const FOLDERS = ['/', '/code', '/code/sub', '/code/link', '/code/bin', '/repo', '/repo/sub', '/home/me/app']
/** /code/link leads to /repo/sub, and /home/me/way to /code. */
const REAL: Readonly<Record<string, string>> = {
  '/code/link': '/repo/sub',
  '/code/link/..': '/repo',
  '/code/..': '/',
  '/code/sub/..': '/code',
  '/code/link/../prompt.md': '/repo/prompt.md',
  '/code/prompt.md': '/code/prompt.md',
  '/home/me/way': '/code',
  '/code/bin/codex': '/code/bin/codex',
  '/code/./bin/codex': '/code/bin/codex',
}

const facts = (input: Facts['input'] = 'nowhere', env: Facts['env'] = {}): Facts => ({
  cwd: '/code',
  env: { HOME: '/home/me', ...env },
  input,
  isDirectory: (path) => FOLDERS.includes(path),
  realPath: (path) => REAL[path] ?? (FOLDERS.includes(path) ? path : null),
})

/** The words of a line, as sh hands them to `rca exec --`. */
const words = (line: string) => parseShell(line, null)[0]?.pipeline[0]?.words.map((word) => word.text) ?? []

function taskIn(found: ReturnType<typeof recognise>): AgentCommand {
  if (found.kind === 'task') return found
  throw new Error(`in the foreground: ${found.why}`)
}

describe('a task', () => {
  it.each(TASKS)('$line ($own)', ({ line, own, agent, args, expected }) => {
    const { notes, agentArgs, ...found } = taskIn(recognise(words(line), facts(own)))
    expect(found).toEqual({
      kind: 'task',
      agent,
      command: null,
      prompt: null,
      input: { from: 'nowhere' },
      cwd: '/code',
      env: [],
      withoutEnv: [],
      deadlineMs: null,
      ...expected,
    })
    expect(agentArgs.join(' ')).toBe(args)
  })
})

describe('in the foreground', () => {
  it.each(FOREGROUND)('$line ($own)', ({ line, own, why }) => {
    const found = recognise(words(line), facts(own))
    expect(found.kind === 'foreground' ? found.why : found).toContain(why)
  })

  it('no command at all', () => expect(recognise([], facts()).kind).toBe('foreground'))

  it('in a bash that the environment has its own say in', () => {
    const line = words(`bash -c 'codex exec "fix it"'`)
    expect(recognise(line, facts('nowhere', { BASH_ENV: '/x' })).kind).toBe('foreground')
    expect(recognise(line, facts('nowhere', { 'BASH_FUNC_codex%%': '() { :; }' })).kind).toBe('foreground')
  })

  it('where CDPATH may lead elsewhere', () => {
    const line = words(`bash -c 'cd sub && codex exec "fix it"'`)
    expect(recognise(line, facts('nowhere', { CDPATH: '/elsewhere' })).kind).toBe('foreground')
  })
})

/** What is said of a line that was taken for a task although it does not mean what was understood. */
const whyNot = (line: string, env: Facts['env'] = {}) => {
  const found = recognise(words(line), facts('nowhere', env))
  return found.kind === 'foreground' ? found.why : found
}

describe('bugs', () => {
  it.each([
    `env -C link/.. codex exec 'fix it'`,
    `codex exec -C link/.. 'fix it'`,
    `bash -c 'cd link && codex exec -C .. "fix it"'`,
    `bash -c 'cd link && codex exec - < ../prompt.md'`,
    `bash -c 'cd link && cat ../prompt.md | codex exec -'`,
  ])('.. behind a link led to another folder: %s', (line) => {
    expect(whyNot(line)).toContain('it is not clear where')
  })

  it('cd .. led elsewhere where the shell was called in a folder that it knows by a link', () => {
    const line = `bash -c 'cd .. && codex exec "fix it"'`
    expect(whyNot(line, { PWD: '/home/me/way' })).toContain('it is not clear where')
    expect(whyNot(line, { PWD: '/code' })).toMatchObject({ kind: 'task', cwd: '/' })
    expect(whyNot(line, { PWD: '/left/behind' })).toMatchObject({ kind: 'task', cwd: '/' })
  })

  it('~ was the home of before where the command sets another', () => {
    const line = `bash -c 'export HOME=/repo; cd ~ && codex exec "fix it"'`
    expect(whyNot(line, { HOME: '/home/me/app' })).toContain('~')
  })

  it('a CDPATH that the command sets was not looked at', () => {
    expect(whyNot(`env CDPATH=/repo bash -c 'cd sub && codex exec "fix it"'`)).toContain('where cd sub leads')
    expect(whyNot(`bash -c 'export CDPATH=/repo; cd sub && codex exec "fix it"'`)).toContain('where cd sub')
  })

  it.each([
    'env BASH_ENV=/x bash -c',
    'env SHELLOPTS=noexec bash -c',
    'bash -o noexec -c',
    'bash -o physical -c',
  ])('a shell that is told to do something else was taken for a plain one: %s', (shell) => {
    expect(whyNot(`${shell} 'codex exec "fix it"'`)).toBeTypeOf('string')
  })

  it('functions of the environment were lost behind a login shell', () => {
    const env = { 'BASH_FUNC_codex%%': '() { :; }' }
    expect(whyNot(`bash -lc 'codex exec "fix it"'`, env)).toContain('functions')
  })

  it('zsh did not find its profile, where ZDOTDIR says that it is', () => {
    expect(whyNot(`zsh -c 'codex exec "fix it"'`, { ZDOTDIR: '/z' })).toMatchObject({ env: ['ZDOTDIR=/z'] })
    expect(whyNot(`env ZDOTDIR=/y zsh -c 'codex exec "fix it"'`, { ZDOTDIR: '/z' })).toMatchObject({
      env: ['ZDOTDIR=/y'],
    })
  })

  it.each(['npx -y @openai/codex', 'bunx @openai/codex', `bash -lc 'npx @openai/codex`])(
    'a package was looked for in the folder that the agent is to work in: %s',
    (runner) => {
      const end = runner.includes("'") ? `"fix it"'` : `'fix it'`
      expect(whyNot(`${runner} exec -C /repo ${end}`)).toContain('looks for the package')
      expect(whyNot(`${runner} exec -C /code ${end}`)).toMatchObject({ kind: 'task' })
    },
  )

  it('a package of another name was taken for the agent', () => {
    expect(whyNot(`npx @openai/codex@npm:other exec 'fix it'`)).toContain('is not the package')
  })

  it('another program was run where PATH has a folder that is looked for from the current one', () => {
    expect(whyNot(`codex exec 'fix it'`, { PATH: 'bin:/usr/bin' })).toContain('PATH')
    expect(whyNot(`env PATH=./bin:/usr/bin codex exec 'fix it'`)).toContain('PATH')
    expect(whyNot(`timeout 5m codex exec 'fix it'`, { PATH: 'bin:/usr/bin' })).toContain('PATH')
    expect(whyNot(`claude -p 'fix it'`, { PATH: 'bin:/usr/bin' })).toMatchObject({ kind: 'task' })
  })

  it("the profile's alias, which may say what the agent may do, was passed over", () => {
    const command = (script: string) => taskIn(recognise(['zsh', '-c', script], facts())).command
    expect(command('codex exec "fix it"')).toEqual(['zsh', '-c', 'cd "$0" && codex "$@"', '/code'])
    expect(command('timeout 5m codex exec "fix it"')?.slice(2)).toEqual([
      'cd "$0" && timeout "$@"',
      ...['/code', '5m', 'codex'],
    ])
    // No shell takes these for an alias.
    expect(command('\\codex exec "fix it"')?.slice(2)).toEqual(['cd "$0" && "$@"', '/code', 'codex'])
    expect(command('/bin/codex exec "fix it"')?.slice(2)).toEqual(['cd "$0" && "$@"', '/code', '/bin/codex'])
  })

  it.each(['exec codex', 'nohup codex', 'command codex', `bash -c "codex`, 'setsid codex'])(
    "a function of the profile's was called where the command calls a program: %s",
    (call) => {
      const end = call.includes('"') ? `exec 'fix it'"` : 'exec "fix it"'
      const argv = ['bash', '-lc', `${call} ${end}`]
      const found = recognise(argv, facts())
      expect(taskIn(found).command).toEqual(['bash', '-lc', 'cd "$0" && exec "$@"', '/code', 'codex'])
    },
  )
})

it('the table has at least 80 commands', () => expect(TASKS.length + FOREGROUND.length).toBeGreaterThan(160))
