import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { trimLog } from './presence.ts'

test('the log of a monitor that ran for months grew for months', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rca-log-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const log = join(folder, 'monitor.log')
  trimLog(log, 100)
  writeFileSync(log, 'a line\n'.repeat(10))
  trimLog(log, 100)
  expect(readFileSync(log, 'utf8')).toBe('a line\n'.repeat(10))
  writeFileSync(log, 'a line\n'.repeat(100))
  trimLog(log, 100)
  expect(readFileSync(log, 'utf8')).toBe('a line\n'.repeat(7))
  expect(() => trimLog(folder, 1)).not.toThrow()
})
