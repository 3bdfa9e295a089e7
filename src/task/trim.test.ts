import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { specFixture } from '../../test/fixtures/spec.ts'
import { codex } from '../agents/codex.ts'
import { readAttempt } from './attempt.ts'
import { concludeAttempt } from './conclude.ts'
import { appendJournal, readJournal } from './journal.ts'
import { readLines } from './lines.ts'
import { sizesOf } from './output.ts'
import { attemptFiles, files } from './paths.ts'
import { summarizeTask } from './summarize.ts'
import { trim } from './trim.ts'
import { keptFrom } from './trim-plan.ts'

const MAX = 1 << 16
const spec = specFixture()
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rca-trim-'))
  for (const path of [files.events(dir), files.stderr(dir), files.journal(dir)]) writeFileSync(path, '')
})
afterEach(() => rmSync(dir, { recursive: true }))

function begin(number: number): void {
  mkdirSync(files.attempt(dir, number), { recursive: true })
  const { events: eventsOffset, stderr: stderrOffset } = sizesOf(dir)
  const claim = {
    ...{ schema: 1, attempt: number, how: 'start', sessionId: null, argv: [] },
    ...{ claimant: { pid: 1, start: '1', boot: 'b' }, host: 'h', claimedAt: '', eventsOffset, stderrOffset },
  }
  writeFileSync(join(files.attempt(dir, number), attemptFiles.claim), JSON.stringify(claim))
}

const line = (event: object) => `${JSON.stringify(event)}\n`
const said = (text: string) =>
  line({ type: 'item.completed', item: { id: 'm', type: 'agent_message', text } })
const print = (text: string) => appendFileSync(files.events(dir), text)
const entries = () => readJournal(dir).entries.filter((one) => one.type === 'log-trimmed')
const verdict = async (number: number) => {
  const { counted, ...rest } = await concludeAttempt(dir, spec, codex, readAttempt(dir, number), false)
  return rest
}

const ending = fc.constantFrom(
  line({ type: 'turn.completed', usage: { input_tokens: 3, cached_input_tokens: 1, output_tokens: 2 } }),
  line({ type: 'turn.failed', error: { message: 'it broke' } }),
  line({ type: 'error', message: 'Reconnecting... 1/5' }),
  said('the last word'),
  '{"type":"turn.completed"}',
  '',
)
const middle = fc.array(
  fc.oneof(
    fc.integer({ min: 1, max: 12_000 }).map((length) => said('ü'.repeat(length))),
    fc.constant(line({ type: 'item.started', item: { id: 'c', type: 'command_execution', command: 'ls' } })),
    fc.constant(line({ type: 'turn.started' })),
    ending,
  ),
  { minLength: 8, maxLength: 60 },
)

describe('what is dropped of the output', () => {
  it('is the oldest, in whole lines, and no verdict and no offset is another for it', async () => {
    let cut = 0
    await fc.assert(
      fc.asyncProperty(fc.array(middle, { minLength: 1, maxLength: 4 }), ending, async (attempts, end) => {
        rmSync(dir, { recursive: true })
        mkdirSync(dir)
        for (const path of [files.events(dir), files.stderr(dir), files.journal(dir)]) writeFileSync(path, '')
        for (const [index, lines] of attempts.entries()) {
          begin(index + 1)
          print(lines.join(''))
        }
        const before = readFileSync(files.events(dir))
        const running = await verdict(attempts.length)
        await trim(dir, spec, MAX)
        const { events: from } = keptFrom(readJournal(dir).entries)
        if (from > 0) cut++
        const after = readFileSync(files.events(dir))
        expect(after.length).toBe(before.length)
        expect(after.subarray(from).equals(before.subarray(from))).toBe(true)
        expect(after.subarray(0, Math.max(0, from - 1)).every((byte) => byte === 0)).toBe(true)
        expect(from === 0 || before[from - 1] === 10).toBe(true)
        expect(await verdict(attempts.length)).toEqual(running)

        // It goes on, and more is dropped.
        appendFileSync(files.events(dir), end)
        writeFileSync(join(dir, 'whole'), Buffer.concat([before, Buffer.from(end)]))
        await trim(dir, spec, MAX)
        const trimmed = [await verdict(attempts.length), await summarizeTask(dir, codex, true)]
        writeFileSync(files.events(dir), readFileSync(join(dir, 'whole')))
        for (const [index] of attempts.entries())
          rmSync(join(files.attempt(dir, index + 1), attemptFiles.dropped), { force: true })
        expect(trimmed).toEqual([await verdict(attempts.length), await summarizeTask(dir, codex, true)])
      }),
      { numRuns: 100 },
    )
    expect(cut).toBeGreaterThan(20)
  }, 60_000)

  it('makes room on the disk, and is told of in the journal once', async () => {
    begin(1)
    print(said('x'.repeat(1_000)).repeat(300))
    const { size } = statSync(files.events(dir))
    expect(await trim(dir, spec, MAX)).toEqual([{ file: 'events', from: expect.any(Number), failed: null }])
    expect(statSync(files.events(dir))).toMatchObject({ size })
    expect(statSync(files.events(dir)).blocks * 512).toBeLessThanOrEqual(MAX)
    expect(entries()).toHaveLength(1)
    expect(await trim(dir, spec, MAX)).toEqual([])
    expect(entries()).toHaveLength(1)
  })

  it('is dropped later where whoever announced it died before', async () => {
    begin(1)
    print(said('x'.repeat(1_000)).repeat(300))
    const length = said('x'.repeat(1_000)).length
    const from = length * Math.floor((300 * length - MAX / 2) / length)
    appendJournal(dir, { type: 'log-trimmed', file: 'events', from })
    expect(await trim(dir, spec, MAX)).toMatchObject([{ failed: null }])
    expect(entries()).toHaveLength(1)
    expect(statSync(files.events(dir)).blocks * 512).toBeLessThanOrEqual(MAX)
  })

  it('is nothing of a single line that is too long, until it has an end', async () => {
    begin(1)
    print('x'.repeat(2 * MAX))
    expect(await trim(dir, spec, MAX)).toEqual([])
    print(`\n${said('behind it')}`)
    expect(await trim(dir, spec, MAX)).toEqual([])
    print(said('y'.repeat(MAX)))
    expect(await trim(dir, spec, MAX)).toMatchObject([{ from: 2 * MAX + 1 + said('behind it').length }])
  })

  it('leaves ends of lines in the hole: what shows the pane its text, and lags behind, kept all of it in memory as one', async () => {
    begin(1)
    truncateSync(files.events(dir), 100 << 20)
    print(`\n${said('x'.repeat(1_000)).repeat(300)}`)
    expect(await trim(dir, spec, MAX)).toMatchObject([{ failed: null }])
    const { events: from } = keptFrom(entries())
    const lines = [...readLines(files.events(dir), 0, from, false)]
    expect(Math.max(...lines.map((line) => line.end - line.start))).toBe(16 << 20)
    expect(lines.at(-1)?.end).toBe(from)
    expect(await trim(dir, spec, MAX)).toEqual([])
  })

  it('is of stderr.log, too', async () => {
    begin(1)
    appendFileSync(files.stderr(dir), `${'e'.repeat(99)}\n`.repeat(2_000))
    expect(await trim(dir, spec, MAX)).toMatchObject([{ file: 'stderr', failed: null }])
    expect(keptFrom(entries()).stderr % 100).toBe(0)
  })
})

describe('where no hole can be made', () => {
  it('without fallocate the log stays whole, is read whole, and that is said', async () => {
    begin(1)
    const text = said('x'.repeat(1_000)).repeat(300)
    print(text)
    const PATH = process.env.PATH
    process.env.PATH = dir
    try {
      expect(await trim(dir, spec, MAX)).toMatchObject([{ failed: expect.stringContaining('fallocate') }])
    } finally {
      process.env.PATH = PATH
    }
    expect(readFileSync(files.events(dir), 'utf8')).toBe(text)
    expect(entries()).toEqual([])
  })
})
