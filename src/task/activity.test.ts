import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AgentEvent } from '../agents/event.ts'
import { activityOf, readActivity, retryingSince } from './activity.ts'

const message: AgentEvent = { kind: 'message', role: 'assistant', text: 'so far' }
const started = (id: string): AgentEvent => ({ kind: 'tool-started', id, name: 'bash', input: `run ${id}` })
const finishedTool = (id: string): AgentEvent => ({
  kind: 'tool-finished',
  id,
  name: 'bash',
  ok: true,
  output: '',
})
const retry = (words = 'overloaded'): AgentEvent => ({ kind: 'retry', message: words, delayMs: null })
const error: AgentEvent = { kind: 'error', message: 'no answer' }
const done: AgentEvent = { kind: 'finished', outcome: 'completed', message: null }
const failed: AgentEvent = { kind: 'finished', outcome: 'failed', message: null }

describe('what an agent was last seen doing', () => {
  it.each<[string, AgentEvent[], string]>([
    ['nothing yet', [], 'it has printed nothing yet'],
    ['an answer', [message], 'it waits for the model'],
    ['a tool that runs', [message, started('a')], 'it runs bash: run a'],
    ['a tool that has ended', [started('a'), finishedTool('a')], 'it waits for the model'],
    ['the newest of the tools that run', [started('a'), started('b')], 'it runs bash: run b'],
    [
      'a tool that outlasts a later one',
      [started('a'), started('b'), finishedTool('b')],
      'it runs bash: run a',
    ],
    ['retries', [started('a'), retry()], 'it keeps trying to reach the model: overloaded'],
    ['the newest retry', [retry('one'), retry('two')], 'it keeps trying to reach the model: two'],
    ['retries and errors', [retry(), error], 'it keeps trying to reach the model: overloaded'],
    ['work after a retry', [retry(), message], 'it waits for the model'],
    ['its end', [message, done], 'it has finished'],
  ])('is %s', (_, events, doing) => expect(activityOf(events).doing).toBe(doing))

  it('has finished when it says so, and not when it works on', () => {
    expect(activityOf([message, done]).finished).toBe(true)
    expect(activityOf([done, started('a')]).finished).toBe(false)
    expect(activityOf([done, retry()]).finished).toBe(false)
    expect(activityOf([message, failed]).finished).toBe(false)
    expect(activityOf([]).finished).toBe(false)
  })

  it('retries as long as it does nothing else', () => {
    expect(activityOf([message, retry('a'), retry('b')]).retrying).toBe('b')
    expect(activityOf([retry(), message]).retrying).toBeNull()
    expect(activityOf([retry(), done]).retrying).toBeNull()
    expect(activityOf([error]).retrying).toBeNull()
  })
})

describe('an agent’s output', () => {
  let dir: string
  let events: string
  const driver = { parse: (line: string): AgentEvent[] => (line.startsWith('{') ? [JSON.parse(line)] : []) }
  const print = (...lines: (AgentEvent | string)[]) =>
    appendFileSync(
      events,
      lines.map((one) => `${typeof one === 'string' ? one : JSON.stringify(one)}\n`).join(''),
    )
  const size = (...lines: (AgentEvent | string)[]) =>
    lines.reduce((sum, one) => sum + (typeof one === 'string' ? one : JSON.stringify(one)).length + 1, 0)

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'codex-x.'))
    events = join(dir, 'events.jsonl')
    writeFileSync(events, '')
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  it('is read from where the attempt begins', () => {
    print(message, done)
    const from = size(message, done)
    expect(readActivity(dir, driver, from)).toMatchObject({ finished: false, workEnd: from })
    print(started('a'))
    expect(readActivity(dir, driver, from).doing).toBe('it runs bash: run a')
  })

  it('shows work up to the last line that is more than a retry or an error', () => {
    print(message, retry(), error)
    expect(readActivity(dir, driver, 0).workEnd).toBe(size(message))
    print(started('a'))
    expect(readActivity(dir, driver, 0).workEnd).toBe(size(message, retry(), error, started('a')))
  })

  it('shows work in a line that is not understood', () => {
    print(retry(), 'what is this')
    expect(readActivity(dir, driver, 0).workEnd).toBe(size(retry(), 'what is this'))
  })

  it('does not count a line that is not whole yet', () => {
    print(message)
    appendFileSync(events, '{"kind":"finis')
    expect(readActivity(dir, driver, 0)).toMatchObject({ finished: false, workEnd: size(message) })
  })

  it('is nothing where there is no file', () => {
    rmSync(events)
    expect(readActivity(dir, driver, 0)).toMatchObject({ doing: 'it has printed nothing yet', workEnd: 0 })
  })

  it('is read from its end alone where there is much of it', () => {
    print(started('a'), `{"kind":"message","role":"user","text":"${'x'.repeat(1 << 18)}"}`, message)
    expect(readActivity(dir, driver, 0).doing).toBe('it waits for the model')
  })
})

describe('since when an agent only retries', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'codex-x.'))
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  it('is when that was first seen, however often it prints since', () => {
    expect(retryingSince(dir, 10, 1_000)).toBe(1_000)
    expect(retryingSince(dir, 10, 5_000)).toBe(1_000)
  })

  it('begins anew after work', () => {
    retryingSince(dir, 10, 1_000)
    expect(retryingSince(dir, 20, 5_000)).toBe(5_000)
    expect(retryingSince(dir, 20, 9_000)).toBe(5_000)
  })

  it('is seen anew where the note is gone or cannot be read', () => {
    retryingSince(dir, 10, 1_000)
    writeFileSync(join(dir, 'quiet'), 'what')
    expect(retryingSince(dir, 10, 7_000)).toBe(7_000)
    rmSync(join(dir, 'quiet'))
    expect(retryingSince(dir, 10, 8_000)).toBe(8_000)
  })

  it('is kept as a whole number, which times of files are not', () => {
    retryingSince(dir, 10, 1_234.5678)
    expect(retryingSince(dir, 10, 9_999)).toBe(1_235)
  })
})
