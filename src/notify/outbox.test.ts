import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { claimed, ended, MINUTE } from '../../test/fixtures/entries.ts'
import { specFixture } from '../../test/fixtures/spec.ts'
import { appendJournal, readJournal } from '../task/journal.ts'
import { files } from '../task/paths.ts'
import { keepNotices, readNotice, sweepOutbox } from './outbox.ts'

const channel = { name: 'a', type: 'webhook', on: ['done'], timeoutMs: 1_000 }
const spec = specFixture({ notify: { channels: [channel], progressEveryMs: MINUTE } })
const id = `${spec.id}.1.done`

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'codex-x.'))
  writeFileSync(files.env(dir), '')
  writeFileSync(files.events(dir), '')
  appendJournal(dir, claimed(1, 0, 'person'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const ends = () => appendJournal(dir, ended(1, MINUTE, { outcome: 'completed', cause: null, reason: null }))

it('one who sweeps what it saw a moment ago took a notice away that was just written down', async () => {
  // What a courier saw before the end was written.
  const seen = { dir, journal: readJournal(dir) }
  ends()
  await keepNotices({ dir, journal: readJournal(dir) }, spec)
  sweepOutbox(seen, spec)
  expect(readNotice(dir, id)).toMatchObject({ id })
})

it('an environment that cannot be read kept a task that had ended from ever being over', async () => {
  rmSync(files.env(dir))
  symlinkSync('/etc/passwd', files.env(dir))
  ends()
  await keepNotices({ dir, journal: readJournal(dir) }, spec)
  expect(readNotice(dir, id)).toMatchObject({ id })
})

it('what is delivered is taken away', async () => {
  ends()
  await keepNotices({ dir, journal: readJournal(dir) }, spec)
  const about = { notice: id, event: 'done', channel: 'a', tries: 1, error: null } as const
  appendJournal(dir, { type: 'notified', ...about, outcome: 'delivered' })
  sweepOutbox({ dir }, spec)
  expect(readNotice(dir, id)).toBeNull()
})
