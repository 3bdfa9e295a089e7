import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { NEW_TASK } from '../../test/fixtures/new-task.ts'
import { appendJournal, readJournal } from './journal.ts'
import { files } from './paths.ts'
import { settle } from './settle.ts'
import { createTask, readTask } from './store.ts'

let state = ''
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'rca-settle-'))
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

const STAT = '77 (sh) S 1 70 70 34816 80 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456 1 1 1'
const claimedElsewhere = {
  ...{ schema: 1, attempt: 1, how: 'start', sessionId: null, argv: ['codex'] },
  ...{ claimant: { pid: 70, start: '1', boot: 'theirs' }, host: 'elsewhere' },
  ...{ claimedAt: '2026-01-01T00:00:00.000Z', eventsOffset: 0, stderrOffset: 0 },
}

test('a look from another machine recorded the end of an agent that lives there, and had it started a second time', async () => {
  const { dir } = await createTask(state, NEW_TASK, async () => null)
  appendJournal(dir, { type: 'attempt-claimed', attempt: 1, how: 'start', by: 'person' })
  mkdirSync(files.attempt(dir, 1))
  writeFileSync(join(files.attempt(dir, 1), 'claim.json'), JSON.stringify(claimedElsewhere))
  writeFileSync(join(files.attempt(dir, 1), 'begun'), `proc theirs ${STAT}\n`)
  writeFileSync(join(files.attempt(dir, 1), 'process'), `proc theirs ${STAT}\n`)
  const task = readTask(dir)
  const seen = task && (await settle(task))
  expect(seen?.derived.state).toBe('unknown')
  expect(readJournal(dir).entries.map((one) => one.type)).toEqual(['created', 'attempt-claimed'])
})
