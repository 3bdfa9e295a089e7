import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Together } from './together.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rca-together-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const openFiles = () => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0)

describe('files that are made durable together', () => {
  it('are there at once, for their owner alone, and leave nothing open', async () => {
    const before = openFiles()
    const together = new Together()
    for (let n = 0; n < 20; n++) together.write(join(dir, `f${n}`), `text ${n}`)
    writeFileSync(join(dir, 'old'), 'x')
    together.file(join(dir, 'old'))
    together.folder(dir)
    expect(readFileSync(join(dir, 'f7'), 'utf8')).toBe('text 7')
    expect(statSync(join(dir, 'f7')).mode & 0o777).toBe(0o600)
    await together.done()
    await expect.poll(openFiles).toBeLessThanOrEqual(before)
  })
  it('are not written over what is there', async () => {
    const together = new Together()
    writeFileSync(join(dir, 'f'), 'old')
    expect(() => together.write(join(dir, 'f'), 'new')).toThrow(/EEXIST/)
    expect(() => together.folder(join(dir, 'none'))).toThrow(/ENOENT/)
    await together.done()
    expect(readFileSync(join(dir, 'f'), 'utf8')).toBe('old')
  })
  it.skipIf(process.platform !== 'linux')('tell whoever waits that there is no room', async () => {
    const together = new Together()
    mkdirSync(join(dir, 'x'))
    const full = () => together.file('/dev/full')
    // It is no file of a task's, and refused before anything is synced.
    expect(full).toThrow()
    await together.done()
  })
})
