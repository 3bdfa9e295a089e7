import { describe, expect, it } from 'vitest'
import { checkAgent, checkTaskName, MAX_TASK_NAME, parseSession } from './names.ts'

describe('checkTaskName', () => {
  it.each(['a', 'refactor-auth', '1-2', 'x'.repeat(MAX_TASK_NAME)])('takes %s', (name) =>
    expect(checkTaskName(name)).toBe(name),
  )
  it.each(['', 'A', 'a b', 'a/b', '..', 'a.b', '-a', 'ä', 'a\n', 'x'.repeat(MAX_TASK_NAME + 1)])(
    'refuses %j in one line',
    (name) => expect(() => checkTaskName(name)).toThrow(/^[^\n]+$/),
  )
  it('suggests what would be right', () => {
    expect(() => checkTaskName('Fix The Bug!')).toThrow(
      expect.objectContaining({ hint: 'For example: fix-the-bug' }),
    )
  })
})

describe('parseSession', () => {
  it.each([
    ['codex-refactor-auth', { agent: 'codex', task: 'refactor-auth' }],
    ['pi-x', { agent: 'pi', task: 'x' }],
    ['codex-', null],
    ['gemini-x', null],
    ['codex-A', null],
    ['codex', null],
  ])('%s', (session, parsed) => expect(parseSession(session)).toEqual(parsed))
  it('names the agents in a refusal', () => {
    expect(() => checkAgent('gemini')).toThrow(
      expect.objectContaining({ exitCode: 2, hint: 'Agents: codex, claude, opencode, pi.' }),
    )
  })
})
