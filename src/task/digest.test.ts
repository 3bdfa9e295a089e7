import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keepDigest, readDigest } from './digest.ts'
import type { Observed } from './observe.ts'

describe('the digest', () => {
  let dir: string
  const observed = (state: string, evidence: unknown = null) =>
    ({
      dir,
      session: 'codex-x',
      spec: null,
      journal: { entries: [], problems: [], bytes: statSync(join(dir, 'journal.jsonl')).size },
      problems: [],
      evidence,
      pending: null,
      lastActivityAt: null,
      derived: {
        state,
        reason: 'because',
        hint: null,
        attempts: 1,
        exit: null,
        endedAt: null,
        denials: [],
        usage: null,
        followUps: [],
      },
    }) as unknown as Observed

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'codex-x.'))
    writeFileSync(join(dir, 'journal.jsonl'), 'one\n')
    writeFileSync(join(dir, 'done'), '')
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  it.each(['done', 'failed', 'killed', 'lost'])('gives back a task that is %s', (state) => {
    keepDigest(observed(state))
    expect(readDigest(dir)).toMatchObject({ schema: 1, name: 'codex-x', state, reason: 'because' })
  })
  it.each(['starting', 'running', 'stalled', 'waiting', 'unknown'])(
    'keeps nothing of one that is %s',
    (state) => {
      keepDigest(observed(state))
      expect(readDigest(dir)).toBeNull()
    },
  )
  it('says nothing once the journal has grown', () => {
    keepDigest(observed('done'))
    appendFileSync(join(dir, 'journal.jsonl'), 'two\n')
    expect(readDigest(dir)).toBeNull()
  })
  it('of a task that somebody went on with while it was written hid a follow-up', () => {
    const task = observed('done')
    appendFileSync(join(dir, 'journal.jsonl'), 'two\n')
    keepDigest(task)
    expect(readDigest(dir)).toBeNull()
  })
  it.each([
    ['damaged', () => writeFileSync(join(dir, 'spec.json'), '{')],
    ['gone', () => rmSync(join(dir, 'spec.json'))],
  ])('says nothing once spec.json is %s', (_, damage) => {
    writeFileSync(join(dir, 'spec.json'), '{}')
    keepDigest(observed('done'))
    expect(readDigest(dir)).not.toBeNull()
    damage()
    expect(readDigest(dir)).toBeNull()
  })
  const whole = { restart: null, terminal: 'tmux', queuedFollowUps: 0 }
  const text = (directory: string, task: object) => {
    const known = { schema: 1, name: 'x', taskDir: dir, ...task }
    return JSON.stringify({ directory, journalBytes: 4, spec: null, task: known })
  }
  it.each([
    ['is torn', () => '{"directory":'],
    ['is empty', () => ''],
    ['is another task’s', () => text('codex-y.1', { ...whole, state: 'done' })],
    ['says that something runs', () => text(basename(dir), { ...whole, state: 'running' })],
    [
      'is an older release’s, without a field that was added',
      () => text(basename(dir), { ...whole, terminal: undefined, state: 'done' }),
    ],
  ])('says nothing where it %s', (_, made) => {
    writeFileSync(join(dir, 'digest.json'), text(basename(dir), { ...whole, state: 'done' }))
    expect(readDigest(dir)).not.toBeNull()
    writeFileSync(join(dir, 'digest.json'), made())
    expect(readDigest(dir)).toBeNull()
  })
  it('that is a folder hid all tasks: it says nothing', () => {
    mkdirSync(join(dir, 'digest.json'))
    expect(readDigest(dir)).toBeNull()
  })
  it('of a state directory that was moved told where the task had been', () => {
    keepDigest(observed('done'))
    const elsewhere = mkdtempSync(join(tmpdir(), 'rca-moved-'))
    const [link, moved] = [`${elsewhere}/link`, join(elsewhere, basename(dir))]
    symlinkSync(dirname(dir), link)
    expect(readDigest(join(link, basename(dir)))).not.toBeNull()
    renameSync(dir, moved)
    expect(readDigest(moved)).toBeNull()
    renameSync(moved, dir)
    rmSync(elsewhere, { recursive: true })
  })
  it.each([
    ['done', 'that has no done yet', () => rmSync(join(dir, 'done'))],
    ['done', 'whose environment is still there', () => writeFileSync(join(dir, 'env'), '')],
    ['killed', 'whose environment is still there', () => writeFileSync(join(dir, 'env'), '')],
  ])('of a task that is %s and %s had nobody close its books', (state, _, leave) => {
    leave()
    keepDigest(observed(state))
    expect(readDigest(dir)).toBeNull()
  })
  it('of a task whose killer had died had nobody finish the kill', () => {
    const asked = { type: 'kill-requested', at: '2026-01-01T00:00:00.000Z', by: 'ann' }
    const killed = { ...asked, type: 'killed', processes: 1 }
    const task = observed('killed')
    const having = (...entries: object[]) => ({ ...task, journal: { ...task.journal, entries } }) as Observed
    keepDigest(having(asked))
    expect(readDigest(dir)).toBeNull()
    keepDigest(having(asked, killed))
    expect(readDigest(dir)).not.toBeNull()
  })
})
