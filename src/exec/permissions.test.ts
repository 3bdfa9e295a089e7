import { describe, expect, it } from 'vitest'
import { TASKS } from '../../test/fixtures/exec-commands.ts'
import { driverFor } from '../agents/index.ts'
import { recognise } from './recognise.ts'
import { parseShell } from './shell.ts'

/** Every option of the four CLIs that says what the agent may do, and how many words it takes. */
const PERMISSIONS: Readonly<Record<string, number>> = {
  ...{ '-s': 1, '--sandbox': 1, '--yolo': 0, '--approve-for-me': 0, '-a': 1, '--ask-for-approval': 1 },
  ...{ '--dangerously-bypass-approvals-and-sandbox': 0, '--dangerously-bypass-hook-trust': 0 },
  ...{ '--skip-git-repo-check': 0, '--trust': 0, '--add-dir': 1, '--full-auto': 0 },
  ...{
    '--permission-mode': 1,
    '--dangerously-skip-permissions': 0,
    '--allow-dangerously-skip-permissions': 0,
  },
  ...{ '--allowedTools': 2, '--disallowedTools': 2, '--auto': 0, '--tools': 1, '-nt': 0, '--no-tools': 0 },
}

/** The permission options among the words, with their values, in order. */
function permissions(words: readonly string[]): string[] {
  return words.flatMap((word, at) => {
    const name = word.split('=', 1)[0] ?? ''
    if (!Object.hasOwn(PERMISSIONS, name)) return []
    return [words.slice(at, at + 1 + (word.includes('=') ? 0 : (PERMISSIONS[name] ?? 0))).join(' ')]
  })
}

/** All words of a line, also those of a shell command within it. */
function wordsOf(line: string): string[] {
  const words = parseShell(line, '/home/me').flatMap(({ pipeline }) =>
    pipeline.flatMap((command) => command.words.map((word) => word.text)),
  )
  const script = words.findIndex((word) => /^-[a-z]*c$/.test(word))
  const shell = words.slice(0, script).some((word) => /(^|\/)(ba|z)?sh$/.test(word))
  return script < 0 || !shell ? words : [...words, ...wordsOf(words[script + 1] ?? '')]
}

describe('no attempt has other permissions than the command', () => {
  it.each(TASKS)('$line ($own)', async ({ line, own }) => {
    const argv = parseShell(line, null)[0]?.pipeline[0]?.words.map((word) => word.text) ?? []
    const env = { HOME: '/home/me' }
    const found = recognise(argv, {
      cwd: '/code',
      env,
      input: own ?? 'nowhere',
      isDirectory: () => true,
      realPath: () => null,
    })
    if (found.kind !== 'task') throw new Error(found.why)
    const driver = await driverFor(found.agent)
    const request = {
      session: `${found.agent}-x`,
      cwd: found.cwd,
      taskDir: '/tasks/x',
      access: 'as-given',
      agentArgs: found.agentArgs,
      env,
      taskId: '0199a213-81c0-7800-8aa1-bbab2a035a53',
      root: true,
      promptStart: (found.prompt ?? 'fix it').slice(0, 256),
    } as const
    const attempts = {
      start: driver.start(request, null),
      resume: driver.resume(request, '0199a213-81c0-7800-8aa1-bbab2a035a54'),
    }
    expect(driver.refuse(request, Buffer.from('fix it'))).toBeNull()
    for (const { argv: launched, env: added } of Object.values(attempts)) {
      const whole = [...(found.command ?? []), ...launched.slice(1)]
      expect(permissions(whole)).toEqual(permissions(wordsOf(line)))
      expect(added).toEqual({})
    }
  })

  it('finds them in the table', () => {
    expect(TASKS.filter(({ line }) => permissions(wordsOf(line)).length > 0).length).toBeGreaterThan(12)
  })
})
