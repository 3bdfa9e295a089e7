import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { appendJournal, parseJournal, readJournal } from './journal.ts'
import { files } from './paths.ts'
import { reopenedTasks } from './reopened.ts'

const line = (number: number) =>
  JSON.stringify({ at: '2026-01-01T00:00:00.000Z', type: 'attempt-claimed', attempt: number, how: 'start' })

describe('parseJournal', () => {
  it('reads whole lines and passes over a torn last one', () => {
    const { entries, problems } = parseJournal(`${line(1)}\n${line(2)}\n${line(3).slice(0, 20)}`)
    expect(entries).toHaveLength(2)
    expect(problems).toEqual([])
  })
  it('takes a last line that lacks only its end', () => {
    expect(parseJournal(`${line(1)}\n${line(2)}`).entries).toHaveLength(2)
  })
  it('passes over a line that was torn and then closed by the next writer', () => {
    expect(parseJournal(`${line(1)}\n${line(2).slice(0, 20)}\n${line(3)}\n`)).toMatchObject({
      entries: [{ attempt: 1 }, { attempt: 3 }],
      problems: [],
    })
  })
  it.each([
    'garbage',
    '{"at":"x"}',
    '[]',
    'null',
    '{"at":"x","type":"attempt-claimed","attempt":"one","how":"start"}',
  ])('reports %s', (bad) => {
    const { entries, problems } = parseJournal(`${line(1)}\n${bad}\n${line(2)}\n`)
    expect(entries).toHaveLength(2)
    expect(problems).toEqual(['journal.jsonl line 2 cannot be read'])
  })
  it('a time that is none had every verb fail that reckoned with it', () => {
    const at = line(1).replace('2026-01-01T00:00:00.000Z', 'soon')
    const end = {
      outcome: 'failed',
      exit: null,
      cause: null,
      reason: null,
      hint: null,
      denials: [],
      usage: null,
    }
    const rest = { at: '2026-01-01T00:00:00.000Z', type: 'attempt-ended', attempt: 1, lastActivityAt: null }
    const reset = JSON.stringify({ ...rest, ...end, resetsAt: 'soon' })
    const { entries, problems } = parseJournal(`${at}\n${reset}\n${line(2)}\n`)
    expect(entries).toHaveLength(1)
    expect(problems).toEqual(['journal.jsonl line 1 cannot be read', 'journal.jsonl line 2 cannot be read'])
  })
  it('passes over entries of a type that a newer release writes', () => {
    expect(parseJournal('{"at":"x","type":"teleported","to":"mars"}\n')).toMatchObject({
      entries: [],
      problems: [],
    })
  })
  it('keeps fields that a newer release adds', () => {
    const newer = line(1).replace('}', ',"weather":"fine"}')
    expect(parseJournal(`${newer}\n`).entries[0]).toHaveProperty('weather', 'fine')
  })
  it('does not take U+2028 for the end of a line', () => {
    const entry = { at: '2026-01-01T00:00:00Z', type: 'killed', by: 'a\u2028b', processes: 0 }
    expect(parseJournal(`${JSON.stringify(entry)}\n`).entries[0]).toMatchObject({ by: 'a\u2028b' })
  })
})

describe('appendJournal', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'rca-journal-'))
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  it('closes a torn line first, so that it swallows nothing', () => {
    writeFileSync(join(dir, 'journal.jsonl'), `${line(1)}\n${line(2).slice(0, 15)}`)
    appendJournal(dir, { type: 'killed', by: 'me', processes: 1 })
    const { entries, problems } = readJournal(dir)
    expect(entries.map((entry) => entry.type)).toEqual(['attempt-claimed', 'killed'])
    expect(problems).toEqual([])
    expect(readFileSync(join(dir, 'journal.jsonl'), 'utf8')).toContain(line(2).slice(0, 15))
  })
  it('follows no symlink', () => {
    symlinkSync(join(dir, 'elsewhere'), join(dir, 'journal.jsonl'))
    expect(() => appendJournal(dir, { type: 'killed', by: 'me', processes: 1 })).toThrow()
    expect(() => readJournal(dir)).toThrow()
  })
})

describe('a journal that is read again and again', () => {
  let state: string
  let dir: string
  const at = '2026-01-01T00:00:00.000Z'
  const line = (attempt: number) => `${JSON.stringify({ at, type: 'active', attempt })}\n`
  const attempts = () => readJournal(dir).entries.map((entry) => 'attempt' in entry && entry.attempt)
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'rca-journal-'))
    dir = join(state, 'tasks', 'codex-x.abcdef')
    mkdirSync(dir, { recursive: true })
  })
  afterEach(() => rmSync(state, { recursive: true, force: true }))
  const write = (text: string) => writeFileSync(files.journal(dir), text, { mode: 0o600 })

  it('is what it would be read at once, however it was cut when it was read', () => {
    const text = `${line(1)}${line(2)}not JSON\n${line(3)}{"torn\n${line(4)}${line(5)}`
    for (let cut = 0; cut <= text.length; cut++) {
      write(text.slice(0, cut))
      expect(readJournal(dir)).toEqual(parseJournal(text.slice(0, cut)))
    }
    expect(readJournal(dir).problems).toEqual(['journal.jsonl line 3 cannot be read'])
  })
  it('is read anew where it does not begin as it did', () => {
    write(`${line(1)}${line(2)}`)
    expect(attempts()).toEqual([1, 2])
    write(`${line(7)}${line(8)}${line(9)}`)
    expect(attempts()).toEqual([7, 8, 9])
    write(line(3))
    expect(attempts()).toEqual([3])
    rmSync(files.journal(dir))
    expect(attempts()).toEqual([])
  })
  it('tells of a task that was over that it is gone on with, before the line is there', () => {
    write(line(1))
    writeFileSync(files.digest(dir), '{}')
    appendJournal(dir, { type: 'active', attempt: 2 })
    expect(reopenedTasks(state)).toEqual(['codex-x.abcdef'])
    expect(existsSync(files.digest(dir))).toBe(false)
    expect(attempts()).toEqual([1, 2])
  })
})
