import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
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
  it.each([
    ['is torn', '{"directory":'],
    ['is empty', ''],
    [
      'is another task’s',
      JSON.stringify({
        directory: 'codex-y.1',
        journalBytes: 4,
        spec: null,
        task: { schema: 1, name: 'y', state: 'done', restart: null, terminal: 'tmux' },
      }),
    ],
    [
      'says that something runs',
      JSON.stringify({
        directory: 'D',
        journalBytes: 4,
        spec: null,
        task: { schema: 1, name: 'x', state: 'running', restart: null, terminal: 'tmux' },
      }),
    ],
    [
      'is an older release’s, without a field that was added',
      JSON.stringify({
        directory: 'D',
        journalBytes: 4,
        spec: null,
        task: { schema: 1, name: 'x', state: 'done', restart: null },
      }),
    ],
  ])('says nothing where it %s', (_, text) => {
    writeFileSync(join(dir, 'digest.json'), text.replace('"D"', JSON.stringify(basename(dir))))
    expect(readDigest(dir)).toBeNull()
  })
})
