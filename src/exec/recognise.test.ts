import { describe, expect, it } from 'vitest'
import { FOREGROUND, TASKS } from '../../test/fixtures/exec-commands.ts'
import type { Facts } from './found.ts'
import { type AgentCommand, recognise } from './recognise.ts'
import { parseShell } from './shell.ts'

const FOLDERS = ['/work', '/work/sub', '/repo', '/home/me/app']

const facts = (input: Facts['input'] = 'nowhere', env: Facts['env'] = {}): Facts => ({
  cwd: '/work',
  env: { HOME: '/home/me', ...env },
  input,
  isDirectory: (path) => FOLDERS.includes(path),
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
      cwd: '/work',
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

it('the table has at least 80 commands', () => expect(TASKS.length + FOREGROUND.length).toBeGreaterThan(160))
