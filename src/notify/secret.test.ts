import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readSecret } from './secret.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rca-secret-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

it('is read from its file, also through a link', () => {
  writeFileSync(join(dir, 'key'), 'the key\n')
  symlinkSync('key', join(dir, 'link'))
  expect(readSecret({ file: join(dir, 'link') })).toBe('the key')
})

it('a secret in a FIFO that nobody writes to held up the monitor', () => {
  const path = join(dir, 'fifo')
  expect(spawnSync('mkfifo', [path]).status).toBe(0)
  expect(() => readSecret({ file: path })).toThrow(`${path} is not a file`)
})
