import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import type { TaskJson } from '../../src/task/json.ts'
import { jsonError, TERMINAL, test, until } from './harness.ts'

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

describe.concurrent('the main job', () => {
  test('start, status, list, logs, wait: a task that ends well', async ({ world }) => {
    const started = await world.begin('waits')
    expect(started).toMatchObject({ name: 'codex-fix', agent: 'codex', task: 'fix', state: 'running' })
    expect(await world.status()).toMatchObject({ state: 'running', pid: started.pid, attempts: 1 })
    expect(await world.json<TaskJson[]>(['list'])).toMatchObject([{ name: 'codex-fix', state: 'running' }])
    world.write('go')
    expect((await world.rca(['wait', 'fix'])).stdout).toBe('codex-fix done\n')
    expect(await world.status()).toMatchObject({ state: 'done', exit: { code: 0 }, lastMessage: 'late' })
    const logs = await world.rca(['logs', 'fix'])
    expect(logs.stdout).toMatch(/attempt 1 \(start\).*\nconversation .*\nearly\nlate\ncompleted\n$/s)
    expect(existsSync(join(started.taskDir ?? '', 'done'))).toBe(true)
    expect(world.runs).toHaveLength(1)
    expect(world.agents()).toEqual([])
  })

  test('a task as JSON has all the fields of the contract', async ({ world }) => {
    await world.begin('done')
    const [task] = await world.json<TaskJson[]>(['wait', 'fix'])
    expect(task).toEqual({
      schema: 1,
      name: 'codex-fix',
      agent: 'codex',
      task: 'fix',
      state: 'done',
      reason: null,
      hint: null,
      cause: null,
      cwd: world.project,
      taskDir: expect.stringMatching(/\/tasks\/codex-fix\.\w{6}$/),
      agentSessionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      attempts: 1,
      startedAt: expect.stringMatching(TIME),
      updatedAt: expect.stringMatching(TIME),
      endedAt: expect.stringMatching(TIME),
      lastActivityAt: expect.stringMatching(TIME),
      nextAttemptAt: null,
      deadlineAt: null,
      exit: { code: 0 },
      usage: { inputTokens: 100, cachedInputTokens: 0, outputTokens: 20, costUsd: null },
      denials: [],
      access: 'write',
      restart: 'never',
      pid: null,
      tmuxSocket: TERMINAL === 'tmux' ? world.socket : null,
      terminal: TERMINAL,
      queuedFollowUps: 0,
    })
    const status = await world.status()
    expect(status).toMatchObject({ ...task, problems: [], processes: [] })
    expect(status.attemptList).toEqual([
      {
        number: 1,
        how: 'start',
        startedAt: expect.stringMatching(TIME),
        endedAt: expect.stringMatching(TIME),
        outcome: 'completed',
        exit: { code: 0 },
        reason: null,
      },
    ])
    expect(await world.json(['list'])).toEqual([task])
  })

  test('resume goes on with the same conversation and does no step twice', async ({ world }) => {
    const started = await world.begin('steps')
    world.write('go-1')
    await until(() => world.read('ledger').includes('start 2'), 'the second step')
    process.kill(started.pid ?? 0, 'SIGKILL')
    const failed = await world.reaches('failed')
    expect(failed).toMatchObject({ exit: { signal: 'SIGKILL' }, agentSessionId: started.agentSessionId })
    const resumed = await world.json(['resume', 'fix'])
    expect(resumed).toMatchObject({ state: 'running', attempts: 2, agentSessionId: started.agentSessionId })
    for (const step of [2, 3]) world.write(`go-${step}`)
    expect((await world.rca(['wait', 'fix'])).code).toBe(0)
    const id = started.agentSessionId
    expect(world.runs).toEqual([`start ${id}`, `resume ${id}`])
    expect(
      world
        .read('ledger')
        .split('\n')
        .filter((line) => line.startsWith('end')),
    ).toEqual(['end 1', 'end 2', 'end 3'])
    expect((await world.status()).attemptList.map((one) => [one.how, one.outcome])).toEqual([
      ['start', 'failed'],
      ['resume', 'completed'],
    ])
  })

  test('resume does nothing, successfully, where the agent runs and where the task is done', async ({
    world,
  }) => {
    await world.begin('waits')
    expect(await world.rca(['resume', 'fix'])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('nothing to do'),
    })
    expect(await world.rca(['resume', 'fix', '-p', 'more'])).toMatchObject({ code: 5 })
    world.write('go')
    await world.rca(['wait', 'fix'])
    expect(await world.rca(['resume', 'fix'])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('is done'),
    })
    expect(world.runs).toHaveLength(1)
  })

  test('resume -p continues the conversation of a task that is done', async ({ world }) => {
    const { agentSessionId, taskDir } = await world.begin('records')
    await world.rca(['wait', 'fix'])
    const resumed = await world.json(['resume', 'fix', '-p', 'and now $(this)'])
    expect(resumed.agentSessionId).toBe(agentSessionId)
    expect(world.read('seen/stdin')).toBe('and now $(this)')
    expect(world.runs).toEqual([`start ${agentSessionId}`, `resume ${agentSessionId}`])
    await until(async () => (await world.status()).state === 'done', 'the follow-up to end')
    expect(readFileSync(join(taskDir ?? '', 'prompt'), 'utf8')).toBe('do it')
  })

  test('kill ends the agent, closes the session and keeps the records', async ({ world }) => {
    const { taskDir, pid } = await world.begin('hangs')
    const killed = await world.json<TaskJson[]>(['kill', 'fix'], { env: { USER: 'somebody' } })
    expect(killed).toMatchObject([{ state: 'killed', reason: 'killed by somebody (rca kill)', pid: null }])
    expect(world.agents()).toEqual([])
    expect(pid).toBeGreaterThan(0)
    expect(existsSync(join(taskDir ?? '', 'journal.jsonl'))).toBe(true)
    expect(world.hasSession()).toBe(false)
    expect((await world.rca(['wait', 'fix'])).code).toBe(1)
  })

  test('a name may be used again after its end, and the older records stay', async ({ world }) => {
    const first = await world.begin('done')
    await world.rca(['wait', 'fix'])
    const second = await world.begin('done')
    expect(second.taskDir).not.toBe(first.taskDir)
    expect(existsSync(join(first.taskDir ?? '', 'spec.json'))).toBe(true)
    await world.rca(['wait', 'fix'])
    expect(await world.status()).toMatchObject({ state: 'done', taskDir: second.taskDir })
  })

  test('a task name stands for its session where one agent alone has it', async ({ world }) => {
    await world.begin('done')
    world.agent('done', 'claude')
    expect((await world.status('fix')).name).toBe('codex-fix')
    await world.json(['start', 'claude', 'fix', '-p', 'x'])
    const result = await world.rca(['status', 'fix'])
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('claude-fix or codex-fix') })
    expect((await world.status('claude-fix')).name).toBe('claude-fix')
  })

  test.for(['claude', 'pi', 'opencode'])('%s: a good run is seen as one', async (agent, { world }) => {
    world.agent('done', agent)
    const started = await world.json(['start', agent, 'fix', '-p', 'do it'])
    await world.rca(['wait', 'fix'])
    const status = await world.status()
    expect(status).toMatchObject({ state: 'done', lastMessage: 'ALL-DONE after 3 steps.', attempts: 1 })
    expect(status.agentSessionId).toBeTruthy()
    expect(world.runs).toHaveLength(1)
    const events = readFileSync(join(started.taskDir ?? '', 'events.jsonl'), 'utf8')
    expect(events).not.toContain('message_update')
  })

  test('an agent that fails at once fails the start, with its own words', async ({ world }) => {
    world.agent('fails-at-once')
    const result = await world.rca(['start', 'codex', 'fix', '-p', 'x', '--json'])
    expect(result.code).toBe(1)
    expect(jsonError(result)).toMatchObject({
      code: 'failed',
      message: expect.stringContaining('401 Unauthorized: no such key'),
      hint: expect.stringContaining('codex login'),
    })
    expect(await world.status()).toMatchObject({ state: 'failed' })
    expect(world.agents()).toEqual([])
  })

  test('a refused flag fails the start, with its own words', async ({ world }) => {
    world.agent('bad-flag')
    const result = await world.rca(['start', 'codex', 'fix', '-p', 'x', '--', '--no-such-flag'])
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toContain("unexpected argument '--no-such-flag' found")
    expect(await world.status()).toMatchObject({ state: 'failed', exit: { code: 2 } })
  })

  test('an agent that says nothing and stays counts as running', async ({ world }) => {
    expect(await world.begin('silent')).toMatchObject({ state: 'running', agentSessionId: null })
  })

  test('--json puts an error on one line of stderr and nothing on stdout', async ({ world }) => {
    for (const args of [
      ['status', 'none'],
      ['logs', 'none'],
      ['wait', 'none'],
      ['kill', 'none'],
      ['resume', 'none'],
    ]) {
      const result = await world.rca([...args, '--json'])
      expect(result.code, args.join(' ')).toBe(3)
      expect(jsonError(result)).toMatchObject({ code: 'not-found', exitCode: 3 })
    }
  })
})
