import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { buildSync } from 'esbuild'
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
  it('that four made at the same time were missing for one of them', async () => {
    const [entry, rounds] = [join(import.meta.dirname, 'folders.ts'), 200]
    const options = { bundle: true, platform: 'node', format: 'cjs', write: false } as const
    const [built] = buildSync({ entryPoints: [entry], ...options }).outputFiles
    const code = `${built?.text}
      const { gate, dir, rounds } = require('node:worker_threads').workerData
      for (let round = 0; round < rounds; round++) {
        if (Atomics.add(gate, round, 1) === 3) Atomics.notify(gate, round)
        for (let here; (here = Atomics.load(gate, round)) < 4; ) Atomics.wait(gate, round, here)
        module.exports.makeFolders(dir + '/' + round + '/a/b/c', 0o700)
      }`
    const gate = new Int32Array(new SharedArrayBuffer(4 * rounds))
    const worker = () =>
      new Promise((resolve, reject) =>
        new Worker(code, { eval: true, workerData: { gate, dir, rounds } })
          .on('error', reject)
          .on('exit', resolve),
      )
    expect(await Promise.all([worker(), worker(), worker(), worker()])).toEqual([0, 0, 0, 0])
  })
})
