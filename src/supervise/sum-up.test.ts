import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { specFixture } from '../../test/fixtures/spec.ts'
import { attemptFiles, files } from '../task/paths.ts'
import { sumUp, wantsSum } from './sum-up.ts'
import { type Tracked, track } from './tracked.ts'

it('sums up what an agent that works has printed, once it is a lot, and then again after as much', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'codex-x.'))
  mkdirSync(files.attempt(dir, 1), { recursive: true })
  writeFileSync(files.spec(dir), JSON.stringify(specFixture()))
  for (const path of [files.journal(dir), files.events(dir), files.stderr(dir)]) writeFileSync(path, '')
  const seen = { workingOn: 1, processes: [], outputMs: 0, fresh: false }
  const one: Tracked = { ...track(dir), seen }
  const note = join(files.attempt(dir, 1), attemptFiles.tally)
  const print = () => appendFileSync(files.events(dir), `${'x'.repeat(99)}\n`.repeat(100_000))

  print()
  expect(wantsSum(one)).toBe(false)
  print()
  expect(wantsSum(one)).toBe(true)
  expect(wantsSum({ ...one, seen: { ...seen, workingOn: null } })).toBe(false)
  const work = sumUp(one)
  expect(wantsSum(one)).toBe(false)
  await work
  expect(existsSync(note)).toBe(true)
  expect(wantsSum(one)).toBe(false)
  print()
  print()
  expect(wantsSum(one)).toBe(true)
  rmSync(dir, { recursive: true })
})
