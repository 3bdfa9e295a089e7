import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AgentEvent } from '../agents/event.ts'
import { opencode } from '../agents/opencode.ts'
import { summarize } from '../agents/summary.ts'
import { readAttempt } from './attempt.ts'
import { keepNote } from './notes.ts'
import { sizesOf } from './output.ts'
import { attemptFiles, files } from './paths.ts'
import { newestStretch, summarizeAttempt, summarizeTask, tallies } from './summarize.ts'

const json = (type: string, part: object) => `${JSON.stringify({ type, sessionID: 's', part })}\n`
const line = fc.oneof(
  fc.constantFrom('a', 'b').map((text) => json('text', { text })),
  fc.constant(json('step_start', {})),
  fc
    .integer({ min: 0, max: 9 })
    .map((input) => json('step_finish', { tokens: { input }, cost: input, reason: 'stop' })),
  fc.constant(json('tool_use', { callID: 'c', tool: 't', state: { status: 'completed', output: 'o' } })),
  fc.constantFrom('\n', '{"type":"text"\n', 'no JSON\r\n'),
)
const stderrLine = fc.constantFrom('x\n', 'level=ERROR message="stream error" error="it broke"\n')
const part = fc.record({
  events: fc.array(line, { maxLength: 8 }).map((lines) => lines.join('')),
  stderr: fc.array(stderrLine, { maxLength: 3 }).map((lines) => lines.join('')),
})
const torn = fc.constantFrom('', json('text', { text: 'torn' }).trim(), '{"type":"te')

function begin(dir: string, number: number): void {
  mkdirSync(files.attempt(dir, number), { recursive: true })
  const { events: eventsOffset, stderr: stderrOffset } = sizesOf(dir)
  const claim = {
    ...{ schema: 1, attempt: number, how: 'start', sessionId: null, argv: [] },
    ...{ claimant: { pid: 1, start: '1', boot: 'b' }, host: 'h', claimedAt: '', eventsOffset, stderrOffset },
  }
  writeFileSync(join(files.attempt(dir, number), attemptFiles.claim), JSON.stringify(claim))
}

function print(dir: string, { events, stderr }: { events: string; stderr: string }): void {
  appendFileSync(files.events(dir), events)
  appendFileSync(files.stderr(dir), stderr)
}

/** As it was done before there were notes: all lines from the first on. */
function expected(events: string, stderr: string) {
  const said: AgentEvent[] = events.split('\n').flatMap((text) => opencode.parse(text))
  const errors: AgentEvent[] = stderr.split('\n').flatMap((text) => opencode.parseStderr?.(text) ?? [])
  return summarize([...said, ...errors])
}

async function within(check: (dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'rca-summarize-'))
  await check(dir).finally(() => rmSync(dir, { recursive: true }))
}

describe('the summary of an attempt', () => {
  it('is the same wherever a note of its beginning was kept, and without any', () =>
    fc.assert(
      fc.asyncProperty(part, part, part, torn, (first, second, third, end) =>
        within(async (dir) => {
          print(dir, first)
          begin(dir, 1)
          const record = readAttempt(dir, 1)
          print(dir, second)
          appendFileSync(files.events(dir), end)
          const half = await summarizeAttempt(dir, opencode, record, false)
          keepNote(dir, newestStretch(dir, record), half.counted)
          expect(half.summary).toEqual(expected(second.events, second.stderr))
          appendFileSync(files.events(dir), end === '' ? '' : '\n')
          print(dir, third)
          appendFileSync(files.events(dir), end)
          const events = `${second.events}${end === '' ? '' : `${end}\n`}${third.events}${end}`
          const whole = expected(events, second.stderr + third.stderr)
          expect((await summarizeAttempt(dir, opencode, record, true)).summary).toEqual(whole)
          rmSync(join(files.attempt(dir, 1), attemptFiles.tally))
          expect((await summarizeAttempt(dir, opencode, record, true)).summary).toEqual(whole)
        }),
      ),
      { numRuns: 100 },
    ))

  it('a note that is torn, of another release or of other bytes is as good as none', () =>
    within(async (dir) => {
      begin(dir, 1)
      print(dir, { events: json('text', { text: 'a' }), stderr: '' })
      const record = readAttempt(dir, 1)
      const summary = () => summarizeAttempt(dir, opencode, record, true).then((one) => one.summary)
      const stretch = newestStretch(dir, record)
      const { counted } = await summarizeAttempt(dir, opencode, record, true)
      const wrong = { ...counted, tally: { ...counted.tally, decides: false, errors: 7 } }
      keepNote(dir, { ...stretch, from: { events: 1, stderr: 0 } }, wrong)
      expect((await summary()).events).toBe(1)
      keepNote(dir, stretch, { ...wrong, to: { events: 1_000, stderr: 0 } })
      expect((await summary()).events).toBe(1)
      writeFileSync(join(files.attempt(dir, 1), attemptFiles.tally), '{"rca":"0.0.1"')
      expect((await summary()).events).toBe(1)
      keepNote(dir, stretch, wrong)
      expect((await summary()).events).toBe(8)
    }))

  it('a note that cannot be written is none, and nothing is left of it', () =>
    within(async (dir) => {
      begin(dir, 1)
      const record = readAttempt(dir, 1)
      const { counted } = await summarizeAttempt(dir, opencode, record, true)
      rmSync(files.attempt(dir, 1), { recursive: true })
      keepNote(dir, newestStretch(dir, record), counted)
      expect(existsSync(files.attempt(dir, 1))).toBe(false)
    }))
})

describe('the summary of a task', () => {
  it('is that of its attempts one after another, a torn last line counted where nothing more comes', () =>
    within(async (dir) => {
      begin(dir, 1)
      print(dir, { events: json('text', { text: 'a' }) + json('text', { text: 'torn' }).trim(), stderr: '' })
      begin(dir, 2)
      print(dir, { events: json('step_start', {}) + json('text', { text: 'late' }).trim(), stderr: 'x' })
      expect(await summarizeTask(dir, opencode, false)).toMatchObject({ messages: 2, lastMessage: 'torn' })
      expect(await summarizeTask(dir, opencode, true)).toMatchObject({ messages: 3, lastMessage: 'late' })
      const each = await tallies(dir, opencode, true)
      expect(each.map(({ attempt, tally }) => [attempt, tally.summary.messages])).toEqual([
        [1, 2],
        [2, 1],
      ])
    }))
})
