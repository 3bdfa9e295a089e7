import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { codex } from '../agents/codex.ts'
import { AGENTS, type AttemptEnd, type Verdict } from '../agents/driver.ts'
import { driverFor } from '../agents/index.ts'
import { EMPTY_SUMMARY, summarize } from '../agents/summary.ts'
import type { AttemptRecord } from './attempt.ts'
import { conclude, concludeAttempt, type Ended, exitOf } from './conclude.ts'
import { files } from './paths.ts'
import type { Spec } from './schema.ts'

const record = (code: number, interrupted = false) => ({ code, interrupted, endedAt: '2026-01-01T00:00:00Z' })
const completed: Verdict = { outcome: 'completed' }
const failed: Verdict = { outcome: 'failed', cause: 'api-error', reason: '500', hint: 'wait' }

function outcome(verdict: Verdict, some: Partial<Ended> = {}) {
  const ended: Ended = {
    attempt: 1,
    exit: record(1),
    summary: EMPTY_SUMMARY,
    stderrTail: '',
    expectedSession: null,
    killRequested: false,
    ...some,
  }
  return conclude(ended, { judge: () => verdict })
}

describe('exitOf', () => {
  it.each([
    [0, { code: 0 }],
    [3, { code: 3 }],
    [128, { code: 128 }],
    [130, { signal: 'SIGINT' }],
    [137, { signal: 'SIGKILL' }],
    [143, { signal: 'SIGTERM' }],
    [255, { code: 255 }],
  ])('%i', (code, exit) => expect(exitOf(code)).toEqual(exit))
})

describe('conclude', () => {
  it('believes the driver, whatever the exit', () => {
    expect(outcome(completed, { exit: record(1) })).toMatchObject({ outcome: 'completed', exit: { code: 1 } })
    expect(outcome(failed, { exit: record(0) })).toMatchObject({
      outcome: 'failed',
      reason: '500',
      hint: 'wait',
    })
  })
  it('takes a task for killed only where somebody asked for it', () => {
    expect(outcome(failed, { killRequested: true, exit: record(143) })).toMatchObject({ outcome: 'killed' })
    expect(outcome(failed, { exit: record(143) })).toMatchObject({
      outcome: 'failed',
      exit: { signal: 'SIGTERM' },
    })
    expect(outcome(completed, { killRequested: true })).toMatchObject({ outcome: 'completed' })
  })
  it('takes Ctrl-C at the pane for an interruption on purpose', () => {
    const expected = { outcome: 'interrupted', reason: 'interrupted at the pane (Ctrl-C)' }
    expect(outcome(failed, { exit: record(130, true) })).toMatchObject(expected)
    expect(outcome(completed, { exit: record(0, true) })).toMatchObject({ outcome: 'completed' })
  })
  it('takes an interrupt from elsewhere for work that is not finished, so that it goes on', () => {
    const interrupted: Verdict = {
      outcome: 'interrupted',
      cause: 'interrupted',
      reason: 'ended by SIGINT',
      hint: '`rca resume` continues it',
    }
    expect(outcome(interrupted, { exit: record(130) })).toMatchObject({
      outcome: 'unfinished',
      cause: 'unfinished',
      reason: 'ended by SIGINT; nobody pressed Ctrl-C at the pane',
      hint: '`rca resume` continues it',
    })
    expect(outcome(interrupted, { exit: null })).toMatchObject({
      outcome: 'lost',
      cause: 'unfinished',
      reason: 'ended by SIGINT',
    })
    expect(outcome(interrupted, { exit: record(130, true) })).toMatchObject({ outcome: 'interrupted' })
    expect(outcome(interrupted, { exit: record(130, true), killRequested: true })).toMatchObject({
      outcome: 'killed',
    })
  })
  it('is lost without an exit record, unless the events say it was done', () => {
    expect(outcome(failed, { exit: null })).toMatchObject({ outcome: 'lost', exit: null, reason: '500' })
    expect(outcome(completed, { exit: null })).toMatchObject({ outcome: 'completed', exit: null })
  })
  it('fails when another conversation was opened, even if that one was completed', () => {
    const summary = { ...EMPTY_SUMMARY, sessionId: 'new' }
    expect(outcome(completed, { summary, expectedSession: 'mine' })).toMatchObject({
      outcome: 'failed',
      cause: 'wrong-session',
    })
    expect(outcome(completed, { summary, expectedSession: 'new' })).toMatchObject({ outcome: 'completed' })
    expect(outcome(completed, { summary })).toMatchObject({ outcome: 'completed' })
  })
})

describe('a usage limit', () => {
  const resetsAt = '2026-01-01T02:00:00.000Z'
  const limit: Verdict = { outcome: 'failed', cause: 'usage-limit', reason: 'limit', hint: 'wait', resetsAt }

  it('is concluded with its end, where there is one', () => {
    expect(outcome(limit)).toMatchObject({ outcome: 'failed', cause: 'usage-limit', resetsAt })
    expect(outcome(limit, { exit: null })).toMatchObject({ outcome: 'lost', cause: 'usage-limit', resetsAt })
    expect(outcome({ ...limit, resetsAt: null })).toMatchObject({ resetsAt: null })
    expect(outcome(failed)).not.toHaveProperty('resetsAt')
  })
  it('counts for nothing where a person ended it', () => {
    expect(outcome(limit, { killRequested: true })).not.toHaveProperty('resetsAt')
    expect(outcome(limit, { exit: record(130, true) })).not.toHaveProperty('resetsAt')
  })
  it('is judged as of the end of the attempt', () => {
    const askedAt = (some: Partial<Ended>) => {
      let asked: AttemptEnd | null = null
      const judge = (end: AttemptEnd) => {
        asked = end
        return completed
      }
      const base = { attempt: 1, summary: EMPTY_SUMMARY, stderrTail: '', expectedSession: null }
      conclude({ ...base, exit: null, killRequested: false, ...some }, { judge })
      return (asked as AttemptEnd | null)?.endedMs
    }
    const recorded = Date.parse('2026-01-01T00:00:00Z')
    expect(askedAt({ exit: record(1) })).toBe(recorded)
    expect(askedAt({ exit: record(1), endedMs: 5 })).toBe(recorded)
    expect(askedAt({ exit: { ...record(1), endedAt: '' }, endedMs: 5 })).toBe(5)
    expect(askedAt({ endedMs: 5 })).toBe(5)
    expect(askedAt({})).toBeUndefined()
  })
})

describe('concludeAttempt', () => {
  it('takes the last output for the end of an attempt that nobody recorded', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'rca-conclude-'))
    const message = "You've hit your usage limit. Try again in 2 hours."
    writeFileSync(files.events(dir), `${JSON.stringify({ type: 'turn.failed', error: { message } })}\n`)
    const printed = new Date('2026-01-01T00:00:00Z')
    utimesSync(files.events(dir), printed, printed)
    const spec = { presetSessionId: null } as Spec
    const attempt = { number: 1, claim: null, exit: null, exitAt: null } as AttemptRecord
    expect(await concludeAttempt(dir, spec, codex, attempt, false)).toMatchObject({
      outcome: 'lost',
      cause: 'usage-limit',
      resetsAt: '2026-01-01T02:00:00.000Z',
      progress: false,
    })
    rmSync(dir, { recursive: true })
  })
})

describe('progress', () => {
  it('is an answer or a finished tool', () => {
    const of = (some: object) => outcome(failed, { summary: { ...EMPTY_SUMMARY, ...some } }).progress
    expect(of({})).toBe(false)
    expect(of({ toolsStarted: 1, retries: 3, events: 9 })).toBe(false)
    expect(of({ toolsFinished: 1 })).toBe(true)
    expect(of({ messages: 1 })).toBe(true)
  })

  const recorded = async (agent: (typeof AGENTS)[number], name: string) => {
    const driver = await driverFor(agent)
    const file = join(import.meta.dirname, '../../test/fixtures/events', agent, `${name}.jsonl`)
    const summary = summarize(readFileSync(file, 'utf8').split('\n').flatMap(driver.parse))
    return outcome(failed, { summary }).progress
  }
  it.each(AGENTS)('is not what %s says of an error', async (agent) => {
    for (const name of ['api-400', 'api-401', 'not-logged-in'])
      expect(await recorded(agent, name), name).toBe(false)
    for (const name of ['limit', 'killed-mid-tool', 'sigterm', 'done'])
      expect(await recorded(agent, name), name).toBe(true)
  })
})
