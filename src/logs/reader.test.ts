import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AgentEvent } from '../agents/event.ts'
import { parseObject } from '../agents/json.ts'
import { sizeOf } from '../task/output.ts'
import { attemptFiles, files } from '../task/paths.ts'
import type { Choice, LogItem } from './items.ts'
import { Reader } from './reader.ts'

const ALL: Choice = { sinceMs: null, attempt: null }
const T0 = Date.parse('2026-01-01T00:00:00Z')
const at = (minute: number) => new Date(T0 + minute * 60_000).toISOString()

/** A line is a list of events, so that one line can hold several, and tell of a conversation twice. */
const driver = { parse: (line: string) => (parseObject(line)?.events ?? []) as AgentEvent[] }

const time = fc.option(fc.integer({ min: 0, max: 9 }).map(at), { nil: undefined })
const timed = (event: object, when: string | undefined) =>
  when === undefined ? event : { ...event, at: when }
const event = fc
  .oneof(
    fc.tuple(
      fc.constantFrom('a', 'b', 'c').map((id) => ({ kind: 'session', id })),
      time,
    ),
    fc.tuple(
      fc
        .string({ unit: 'grapheme', maxLength: 8 })
        .map((text) => ({ kind: 'message', role: 'assistant', text })),
      time,
    ),
  )
  .map(([one, when]) => timed(one, when))
const eventLine = fc
  .tuple(
    fc.array(event, { maxLength: 3 }),
    fc.constantFrom('', ' ', '\u2028', '\r'),
    fc.constantFrom(0, 0, 0, 0, 1 << 17),
  )
  .map(
    ([events, behind, filling]) => `${JSON.stringify({ events, filling: 'ü'.repeat(filling) })}${behind}\n`,
  )
const line = fc.oneof(
  { weight: 10, arbitrary: eventLine },
  { weight: 2, arbitrary: fc.constantFrom('\n', '\r\n', 'no JSON\n', '{"events":\n', '\0\0\0\n') },
)
const torn = fc.constantFrom(
  '',
  '',
  '',
  '{"events":[{"kind":"session","id":"a"',
  '{"events":[{"kind":"session","id":"a"}]}',
)
const printed = fc.record({
  events: fc.tuple(fc.array(line, { maxLength: 8 }), torn).map(([lines, end]) => lines.join('') + end),
  stderr: fc
    .tuple(
      fc.array(fc.constantFrom('x\n', '\n', ' \r\n', 'é\u2028\n'), { maxLength: 4 }),
      fc.constantFrom('', 'torn'),
    )
    .map(([lines, end]) => lines.join('') + end),
  /** The minute; null: it has not. */
  ended: fc.option(fc.integer({ min: 0, max: 10 }), { nil: null }),
})
type Printed = { events: string; stderr: string; ended: number | null }
const task = fc.array(printed, { minLength: 1, maxLength: 4 })
const choice = fc.record({
  sinceMs: fc.option(
    fc.integer({ min: 0, max: 10 }).map((minute) => T0 + minute * 60_000),
    { nil: null },
  ),
  attempt: fc.option(fc.integer({ min: 1, max: 4 }), { nil: null }),
})

function print(dir: string, { events, stderr }: Pick<Printed, 'events' | 'stderr'>): void {
  appendFileSync(files.events(dir), events)
  appendFileSync(files.stderr(dir), stderr)
}

function begin(dir: string, number: number): void {
  const folder = files.attempt(dir, number)
  mkdirSync(folder, { recursive: true })
  const claim = {
    ...{ schema: 1, attempt: number, how: number === 1 ? 'start' : 'resume', sessionId: null, argv: [] },
    ...{ claimant: { pid: 1, start: '1', boot: 'b' }, host: 'here', claimedAt: at(0) },
    ...{ eventsOffset: sizeOf(files.events(dir)), stderrOffset: sizeOf(files.stderr(dir)) },
  }
  writeFileSync(join(folder, attemptFiles.claim), JSON.stringify(claim))
}

/** As a trim leaves it: the journal says what is gone, and that reads as zeros. `part`: about how much of each file. */
function cut(dir: string, part: number): void {
  for (const file of ['events', 'stderr'] as const) {
    const path = files[file](dir)
    const content = readFileSync(path)
    const from = content.lastIndexOf(10, Math.floor(part * content.length)) + 1
    writeFileSync(path, content.fill(0, 0, Math.max(0, from - 1)))
    appendFileSync(files.journal(dir), `${JSON.stringify({ at: at(0), type: 'log-trimmed', file, from })}\n`)
  }
}

const cutTo = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null })

function make(attempts: readonly Printed[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'rca-logs-'))
  attempts.forEach((one, index) => {
    begin(dir, index + 1)
    print(dir, one)
    if (one.ended === null) return
    const exit = join(files.attempt(dir, index + 1), attemptFiles.exit)
    writeFileSync(exit, '{"code":1,"interrupted":false}')
    utimesSync(exit, new Date(at(one.ended)), new Date(at(one.ended)))
  })
  return dir
}

/** So many messages of a kilobyte, each with its number. */
function numbered(count: number): string {
  const events = (text: string) => [{ kind: 'message', role: 'assistant', text }]
  return numbers(0, count)
    .map((text) => `${JSON.stringify({ events: events(text), filling: 'x'.repeat(1_000) })}\n`)
    .join('')
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index))
}

/** What a message says; null: it is none. */
function textOf(item: LogItem): string | null {
  return item.kind === 'event' && item.event.kind === 'message' ? item.event.text : null
}

describe('the logs', () => {
  it('read from the end are what reading all and throwing the rest away gives, and go on in the same way', () => {
    fc.assert(
      fc.property(
        cutTo,
        task,
        choice,
        fc.integer({ min: 0, max: 30 }),
        printed,
        fc.boolean(),
        (part, attempts, chosen, count, more, another) => {
          const dir = make(attempts)
          if (part !== null) cut(dir, part)
          try {
            const whole = new Reader(dir, driver, chosen)
            const tail = new Reader(dir, driver, chosen)
            const all = [...whole.next()].flat()
            expect(tail.last(count)).toEqual(all.slice(Math.max(0, all.length - count)))
            if (another) begin(dir, attempts.length + 1)
            print(dir, more)
            expect([...tail.next()].flat()).toEqual([...whole.next()].flat())
          } finally {
            rmSync(dir, { recursive: true })
          }
        },
      ),
      { numRuns: 200 },
    )
  }, 60_000)

  it('a torn line is shown once another attempt has begun, and belongs to the one that wrote it', () => {
    const dir = make([{ events: '{"events":[{"kind":"turn"}]}', stderr: '', ended: 0 }])
    const reader = new Reader(dir, driver, ALL)
    expect([...reader.next()].flat().map((item) => item.kind)).toEqual(['attempt'])
    begin(dir, 2)
    expect([...reader.next()].flat()).toMatchObject([
      { kind: 'event', attempt: 1 },
      { kind: 'attempt', number: 2 },
    ])
    rmSync(dir, { recursive: true })
  })

  it('a last line without an end was never shown of an attempt that was over', () => {
    const events = '{"events":[{"kind":"turn"}]}'
    const dir = make([
      { events: '', stderr: 'one', ended: 0 },
      { events, stderr: 'fatal', ended: 0 },
    ])
    const shown = [{ kind: 'event' }, { kind: 'stderr', text: 'fatal' }]
    expect(new Reader(dir, driver, ALL).last(3, 1)).toMatchObject([
      { kind: 'attempt', number: 1 },
      { kind: 'stderr', text: 'one' },
      { kind: 'attempt', number: 2 },
    ])
    expect(new Reader(dir, driver, ALL).last(2, 2)).toMatchObject(shown)
    const reader = new Reader(dir, driver, ALL)
    expect([...reader.next(1)].flat()).toHaveLength(3)
    expect([...reader.next(2)].flat()).toMatchObject(shown)
    expect([...reader.next(2)].flat()).toEqual([])
    rmSync(dir, { recursive: true })
  })

  it('a line without an end was news again and again', () => {
    const dir = make([{ events: '', stderr: 'progress 10%', ended: null }])
    const reader = new Reader(dir, driver, ALL)
    expect(reader.hasNews()).toBe(true)
    expect([...reader.next()].flat()).toHaveLength(1)
    expect(reader.hasNews()).toBe(false)
    appendFileSync(files.stderr(dir), ' 20%\n')
    expect(reader.hasNews()).toBe(true)
    expect([...reader.next()].flat()).toMatchObject([{ kind: 'stderr', text: 'progress 10% 20%' }])
    rmSync(dir, { recursive: true })
  })

  it('begin with how much was dropped, in the attempt in which the rest begins, and never show a hole', () => {
    const message = (text: string) => `{"events":[{"kind":"message","role":"assistant","text":"${text}"}]}\n`
    const one = message('one')
    const dir = make([
      { events: one, stderr: 'a\n', ended: 0 },
      { events: message('two') + message('three'), stderr: 'b\nc\n', ended: null },
    ])
    cut(dir, 0.7)
    const [first, second, ...rest] = [...new Reader(dir, driver, ALL).next()].flat()
    expect([first, second]).toMatchObject([{ number: 1 }, { number: 2 }])
    expect(rest).toMatchObject([
      { kind: 'dropped', attempt: 2, file: 'events', bytes: 2 * one.length },
      { kind: 'event', event: { text: 'three' } },
      { kind: 'dropped', attempt: 2, file: 'stderr', bytes: 4 },
      { kind: 'stderr', text: 'c' },
    ])
    expect(new Reader(dir, driver, ALL).last(3)).toMatchObject(rest.slice(1))
    rmSync(dir, { recursive: true })
  })

  it('leave out what is dropped while they are read, and say so', () => {
    const dir = make([{ events: numbered(2_000), stderr: '', ended: null }])
    const pieces = new Reader(dir, driver, ALL).next()
    const before = [pieces.next(), pieces.next(), pieces.next()].flatMap(({ value }) => value ?? [])
    cut(dir, 0.7)
    const texts = [...before, ...[...pieces].flat()].slice(1).map(textOf)
    const gap = texts.indexOf(null)
    expect(texts.slice(0, gap)).toEqual(numbers(0, gap))
    const first = Number(texts[gap + 1])
    expect(first).toBeGreaterThan(1_300)
    expect(texts.slice(gap + 1)).toEqual(numbers(first, 2_000))
    rmSync(dir, { recursive: true })
  })

  it('come in pieces, and what was read is not read again', () => {
    const lines = `${JSON.stringify({ events: [{ kind: 'turn' }], filling: 'x'.repeat(1_000) })}\n`.repeat(
      1_000,
    )
    const dir = make([{ events: lines, stderr: '', ended: null }])
    const reader = new Reader(dir, driver, ALL)
    const pieces = [...reader.next()]
    expect(pieces.length).toBeGreaterThan(3)
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(300)
    expect(reader.hasNews()).toBe(false)
    expect([...reader.next()].flat()).toEqual([])
    rmSync(dir, { recursive: true })
  })
})
