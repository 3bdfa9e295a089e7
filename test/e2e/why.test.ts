import { join } from 'node:path'
import { describe, expect } from 'vitest'
import type { StatusJson } from '../../src/commands/status.ts'
import { test, until, type World } from './harness.ts'

const SHARED = join(import.meta.dirname, '../fixtures/agents/codex.sh')
const supervised = (policy: Record<string, unknown> = {}) => ({ monitor: true, policy })

/** Kills the agent of an attempt that runs; gives back what was seen of it. */
async function shoot(world: World, attempt: number): Promise<StatusJson> {
  const seen = await until(async () => {
    const now = await world.status()
    return now.pid !== null && now.attempts === attempt ? now : null
  }, `attempt ${attempt} to run`)
  process.kill(seen.pid ?? 0, 'SIGKILL')
  return seen
}

/** A monitor that `start` begins is there a moment later. */
const watchedOver = (world: World) => until(async () => (await world.status()).monitor.running, 'the monitor')

/** What `rca status` tells a person, with single blanks. */
async function told(world: World): Promise<string> {
  return (await world.rca(['status', 'fix'])).stdout.replaceAll(/ +/g, ' ')
}

/** A codex that says something and, when the test lets it go, ends with this line of JSON. */
function endsWith(world: World, line: string): void {
  world.program('codex', `. '${SHARED}'\nbegin\nsay 'early'\nwait_for go\necho '${line}'\nexit 1`)
}

describe.concurrent('rca status tells why', () => {
  test('a task that was killed and goes on: its death, what it does, who watches, until when', async ({
    world,
  }) => {
    world.config(supervised())
    await world.begin('hangs-again')
    await watchedOver(world)
    const before = await shoot(world, 1)
    expect(before).toMatchObject({ deaths: [], next: { what: 'watch', why: 'running', blockedBy: null } })
    const after = await until(async () => {
      const now = await world.status()
      return now.pid !== null && now.attempts === 2 ? now : null
    }, 'the second attempt')
    expect(after).toMatchObject({
      state: 'running',
      doing: expect.stringMatching(/^it /),
      policy: { restart: 'on-failure', deadlineMs: 18_000_000, onStall: 'report' },
      monitor: { running: true, pid: expect.any(Number), version: expect.any(String) },
      deaths: [{ attempt: 1, outcome: 'failed', exit: { signal: 'SIGKILL' }, progress: false }],
    })
    expect(after.deaths[0]?.ranMs).toBeGreaterThan(0)
    expect(Date.parse(after.deadlineAt ?? '')).toBeGreaterThan(Date.now())
    const text = await told(world)
    expect(text).toMatch(/\n next if it breaks off it is resumed until [\d :-]+ \(deadline\)\n/)
    expect(text).toMatch(/\n 1 death: 1 SIGKILL\n attempt 1 SIGKILL after \d+s, no progress, \d+s ago /)
    expect(text).toMatch(/\n policy restart on-failure, backoff 3m, deadline 5h, /)
    expect(text).toMatch(/\n monitor runs for \d+s \(pid \d+, rca /)
  })

  test('a task that waits: when it goes on and why then, also in the list', async ({ world }) => {
    world.config(supervised({ backoff: '20m', jitter: 0 }))
    await world.begin('hangs-again')
    for (const attempt of [1, 2]) await shoot(world, attempt)
    const waiting = await world.reaches('waiting')
    expect(waiting.next).toEqual({
      ...{ what: 'resume', why: 'backoff', at: waiting.nextAttemptAt, guess: false },
      ...{ failures: 2, blockedBy: null },
    })
    expect(waiting.deaths.map((one) => one.attempt)).toEqual([1, 2])
    expect(await told(world)).toMatch(
      /\n next resumes at [\d :-]+ \(in (20m|19m \d+s)\), backoff after 2 failures in a row\n/,
    )
    expect((await world.rca(['list'])).stdout).toMatch(/resumes in (20m|19m \d+s): ended by SIGKILL\n/)
  })

  test('where no monitor runs it says so, and what begins one', async ({ world }) => {
    world.config(supervised({ backoff: '20m' }))
    await world.begin('hangs-again')
    for (const attempt of [1, 2]) await shoot(world, attempt)
    await world.reaches('waiting')
    expect((await world.rca(['monitor', 'stop'])).code).toBe(0)
    expect(await world.status()).toMatchObject({
      next: { what: 'resume', blockedBy: 'no-monitor' },
      monitor: { running: false, pid: null, version: null, since: null },
    })
    const text = await told(world)
    expect(text).toContain('; but no monitor runs (rca monitor, or rca service install)\n')
    expect(text).toContain('\n monitor none runs\n')
    expect((await world.rca(['list'])).stdout).toContain(', once a monitor runs: ')
  })

  test('what is due and has nobody who does it', async ({ world }) => {
    world.config(supervised())
    await world.begin('hangs-again', 'fix', '--no-monitor')
    expect((await world.status()).next).toMatchObject({ what: 'watch', blockedBy: 'no-monitor' })
    await shoot(world, 1)
    await world.reaches('waiting')
    expect(await told(world)).toContain(
      '\n next resumes as soon as a monitor runs: none does (rca monitor, or rca service install)\n',
    )
  })

  test('a task that nobody is to restart', async ({ world }) => {
    await world.begin('hangs-again')
    expect((await world.status()).next).toMatchObject({ what: 'nothing', why: 'never', blockedBy: null })
    await shoot(world, 1)
    await world.reaches('failed')
    const text = await told(world)
    expect(text).toContain('\n next nothing: restart is never; rca resume codex-fix goes on\n')
    expect(text).toContain('\n policy restart never, stalled after 15m: report\n')
  })

  test('a usage limit, with its end and without', async ({ world }) => {
    world.config(supervised())
    const limit = (when: string) =>
      `{"type":"turn.failed","error":{"message":"You have hit your usage limit. ${when}"}}`
    endsWith(world, limit('Try again in 2 hours.'))
    world.write('go')
    await world.rca(['start', 'codex', 'fix', '-p', 'x'])
    await watchedOver(world)
    const stated = await world.reaches('waiting')
    expect(stated.next).toMatchObject({ what: 'resume', why: 'limit', guess: false })
    expect(stated.deaths).toMatchObject([{ cause: 'usage-limit', progress: true }])
    const text = await told(world)
    expect(text).toMatch(
      /\n next resumes at [\d :-]+ \(in [^)]+\), when the usage limit ends \(stated by the agent\)\n/,
    )
    expect(text).toContain('\n 1 death: 1 usage-limit\n')
    await world.rca(['kill', 'fix'])
    expect(await told(world)).toContain(
      '\n next nothing: it was ended on purpose; rca resume codex-fix goes on\n',
    )
    endsWith(world, limit('Come back later.'))
    await world.rca(['start', 'codex', 'fix', '-p', 'x', '--if-exists', 'replace'])
    expect((await world.reaches('waiting')).next).toMatchObject({ why: 'limit', guess: true })
    expect(await told(world)).toContain('(a guess: the agent did not say when)\n')
  })

  test('a task that was given up', async ({ world }) => {
    world.config(supervised({ maxRetries: 0 }))
    await world.begin('hangs-again')
    await watchedOver(world)
    await shoot(world, 1)
    expect((await world.reaches('failed')).next).toMatchObject({ what: 'nothing', why: 'gave-up' })
    expect(await told(world)).toContain('\n next nothing: given up (retries); rca resume codex-fix goes on\n')
  })

  test('a stalled agent that is left alone', async ({ world }) => {
    world.config(supervised({ stallAfter: '200ms' }))
    await world.begin('hangs')
    await watchedOver(world)
    expect((await world.reaches('stalled')).next).toMatchObject({ what: 'watch', why: 'stalled' })
    expect(await told(world)).toMatch(
      /\n next left alone \(--on-stall restart would end and resume it\); if it breaks off it is resumed until /,
    )
  })

  test('an agent that has finished and does not exit', async ({ world }) => {
    world.config(supervised())
    world.program('codex', `. '${SHARED}'\nbegin\nsay 'early'\ncomplete\nexec sleep 1000`)
    await world.rca(['start', 'codex', 'fix', '-p', 'x'])
    const finished = await until(async () => {
      const now = await world.status()
      return now.next.why === 'finished' ? now : null
    }, 'the finish')
    expect(finished).toMatchObject({ state: 'running', doing: 'it has finished', next: { what: 'end' } })
    expect(await told(world)).toContain('\n next has finished its work; should it not exit by itself, ')
  })
})
