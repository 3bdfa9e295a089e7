import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeFolders } from './folders.ts'

describe('folders', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'rca-folders-'))
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  it('are made with all that is missing above them, and may be there', () => {
    const path = join(dir, 'a/b/c')
    makeFolders(path, 0o700)
    for (const one of ['a', 'a/b', 'a/b/c']) expect(statSync(join(dir, one)).mode & 0o777).toBe(0o700)
    makeFolders(path, 0o755)
    expect(statSync(path).mode & 0o777).toBe(0o700)
    symlinkSync(path, join(dir, 'link'))
    makeFolders(join(dir, 'link'))
  })
  it('below a file are refused', () => {
    writeFileSync(join(dir, 'file'), '')
    expect(() => makeFolders(join(dir, 'file'))).toThrow('EEXIST')
    expect(() => makeFolders(join(dir, 'file/a/b'))).toThrow('ENOTDIR')
  })
  it.skipIf(process.platform !== 'linux')('where none can be made had rca run for ever', () => {
    expect(() => makeFolders('/proc/self/a/b')).toThrow('ENOENT')
  })
})
