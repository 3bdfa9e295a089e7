import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AgentName, Exit, Run } from './driver.ts'
import { driverFor } from './index.ts'
import { isAtLeast } from './login.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rca-login-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

/** What a driver finds in an environment, with a command of its own that ends so. `asked`: what was run. */
async function login(
  name: AgentName,
  env: Record<string, string>,
  exit: Exit | null = null,
  version = '9.9.9',
) {
  const asked: string[] = []
  const run: Run = async (argv) => {
    asked.push(argv.join(' '))
    return { exit, stdout: 'secret', stderr: '' }
  }
  const driver = await driverFor(name)
  const found = await driver.login({ env: { HOME: home, ...env }, run, version })
  return { ...found, asked }
}

function keep(path: string, text: string): string {
  const file = join(home, path)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, text, { mode: 0o000 })
  return file
}

describe('whether an agent is logged in', () => {
  it.each<[AgentName, Exit | null, string, string]>([
    ['codex', { code: 0 }, 'yes', 'codex login status'],
    ['codex', { code: 1 }, 'no', 'codex login status'],
    ['codex', { code: 2 }, 'unknown', 'codex login status'],
    ['codex', { signal: 'SIGKILL' }, 'unknown', 'codex login status'],
    ['codex', null, 'unknown', 'codex login status'],
    ['claude', { code: 0 }, 'yes', 'claude auth status'],
    ['claude', { code: 1 }, 'no', 'claude auth status'],
  ])('%s says %j: %s', async (name, exit, state, how) => {
    expect(await login(name, {}, exit)).toEqual({ state, how, asked: [how] })
  })

  it.each<[AgentName, string]>([
    ['codex', 'CODEX_API_KEY'],
    ['opencode', 'ANTHROPIC_API_KEY'],
    ['pi', 'OPENAI_API_KEY'],
  ])('%s with %s', async (name, variable) => {
    const found = await login(name, { [variable]: 'sk-secret' })
    expect(found).toEqual({ state: 'yes', how: `${variable} is set`, asked: [] })
    expect((await login(name, { [variable]: '' })).state).not.toBe('yes')
  })

  it.each<[AgentName, string]>([
    ['opencode', '.local/share/opencode/auth.json'],
    ['pi', '.pi/agent/auth.json'],
  ])('%s by its file, which is not opened', async (name, path) => {
    expect((await login(name, {})).state).toBe('unknown')
    const file = keep(path, '{"anthropic":{"type":"api","key":"sk-secret"}}')
    expect(await login(name, {})).toEqual({ state: 'yes', how: `${file} is there`, asked: [] })
    rmSync(file)
    keep(path, '{}\n')
    expect((await login(name, {})).state).toBe('unknown')
  })

  it('an older claude is not asked: it might take the words for a prompt', async () => {
    expect(await login('claude', {}, { code: 0 }, '2.1.196')).toMatchObject({ state: 'unknown', asked: [] })
    keep('.claude/.credentials.json', '{"claudeAiOauth":{}}')
    expect(await login('claude', {}, { code: 1 }, '1.0.0')).toMatchObject({ state: 'yes', asked: [] })
    expect(await login('claude', { ANTHROPIC_API_KEY: 'x' }, null, '1.0.0')).toMatchObject({ state: 'yes' })
  })
})

it.each([
  ['2.1.197 (Claude Code)', true],
  ['2.1.198', true],
  ['2.2.0', true],
  ['3.0.0', true],
  ['2.1.196', false],
  ['2.0.999', false],
  ['1.9.999', false],
  ['nonsense', false],
  [null, false],
])('is %s at least 2.1.197: %s', (version, expected) => {
  expect(isAtLeast(version, [2, 1, 197])).toBe(expected)
})
