import { describe, expect } from 'vitest'
import type { ResultJson } from '../../src/commands/result.ts'
import { jsonError, test, until } from './harness.ts'

describe.concurrent('result', () => {
  test('is the final message alone', async ({ world }) => {
    await world.begin('done')
    expect(await world.rca(['result', 'fix', '--wait'])).toEqual({
      code: 0,
      signal: null,
      stdout: 'ALL-DONE\n',
      stderr: '',
    })
  })

  test('--json is all that came of it', async ({ world }) => {
    const task = await world.begin('done')
    await world.reaches('done')
    const result = await world.json<ResultJson>(['result', 'fix'])
    expect(result).toMatchObject({
      name: task.name,
      state: 'done',
      message: 'ALL-DONE',
      exit: { code: 0 },
      usage: { inputTokens: 100, cachedInputTokens: 0, outputTokens: 20, costUsd: null },
      denials: [],
      attempts: 1,
      followUps: [],
      agentSessionId: task.agentSessionId,
    })
    expect(result.workedMs).toBeGreaterThan(0)
    expect(result.durationMs).toBeGreaterThanOrEqual(result.workedMs ?? 0)
    const { usage } = await world.status()
    expect(usage).toEqual(result.usage)
    expect(await world.json(['list'])).toMatchObject([{ usage }])
  })

  test('of a task that has not ended there is none', async ({ world }) => {
    await world.begin('waits')
    const result = await world.rca(['result', 'fix', '--json'])
    expect(result.code).toBe(5)
    expect(jsonError(result)).toMatchObject({ code: 'conflict', hint: expect.stringContaining('--wait') })
    expect((await world.rca(['result', 'fix', '--timeout', '0.2'])).code).toBe(124)
    const waits = world.start(['result', 'fix', '--wait'])
    world.write('go')
    expect(await waits.done).toMatchObject({ code: 0, stdout: 'late\n' })
    expect((await world.rca(['result', 'none'])).code).toBe(3)
  })

  test('of one that failed is what it said last, and why, with the exit code of wait', async ({ world }) => {
    world.agent('turns')
    await world.rca(['start', 'codex', 'fix', '-p', 'fail one'])
    expect(await world.rca(['result', 'fix', '--wait'])).toMatchObject({
      code: 1,
      stdout: 'heard fail one\n',
      stderr: 'rca: codex-fix failed: it does not work\n',
    })
    expect((await world.rca(['result', 'fix', '--json'])).code).toBe(1)
  })

  test('is that of the last turn', async ({ world }) => {
    world.agent('turns')
    await world.rca(['start', 'codex', 'fix', '-p', 'one'])
    await world.reaches('done')
    await world.rca(['send', 'fix', 'two'])
    expect((await world.rca(['result', 'fix', '--wait'])).stdout).toBe('heard two\n')
    world.agent('records')
    await world.rca(['send', 'fix', 'three'])
    expect(await world.rca(['result', 'fix', '--wait'])).toMatchObject({ code: 0, stdout: '' })
    expect(await world.json(['result', 'fix'])).toMatchObject({ message: null, attempts: 3 })
  })

  test('shows a terminal nothing that it would obey', async ({ world }) => {
    await world.begin('escapes')
    await until(async () => (await world.status()).lastMessage, 'its message')
    await world.rca(['kill', 'fix'])
    const { stdout } = await world.rca(['result', 'fix'])
    expect(stdout).not.toBe('')
    expect(stdout).not.toContain('\u001b')
  })
})
