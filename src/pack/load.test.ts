import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { load } from './load.ts'

/** V8 takes the process down with it where compiled code is damaged: each start is a process of its own. */
describe('compiled code that is kept', () => {
  let dir: string
  let home: string
  const folder = () => join(home, '.cache/rca')
  const kept = () => readdirSync(folder()).map((name) => join(folder(), name))
  const [bundle, runner] = ['a.pack', 'run.mjs']

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'rca-code-'))
    home = join(dir, 'home')
    mkdirSync(home)
    write('one', 'first')
    await build({
      entryPoints: [join(import.meta.dirname, 'load.ts')],
      outfile: join(dir, 'load.mjs'),
      bundle: true,
      format: 'esm',
      platform: 'node',
    })
    writeFileSync(
      join(dir, runner),
      `import { load } from './load.mjs'
console.log(load(process.argv[2], 'main', process.argv[3], process.env).say(20))`,
    )
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  /** A pack of two modules, one of which is asked for when it is used. */
  function write(word: string, hash: string): void {
    const functions = Array.from({ length: 200 }, (_, n) => `function f${n}(x){return x<1?${n}:f${n}(x-1)}`)
    const other = `${functions.join('\n')}\nexports.say=(n)=>'${word} '+f1(n)\n`
    const main = `exports.say=(n)=>require('other').say(n)+(require('node:path').sep==='/'?'':'?')\n`
    const modules = { main: [0, main.length], other: [main.length, main.length + other.length] }
    writeFileSync(join(dir, bundle), `${JSON.stringify({ hash, modules })}\n${main}${other}`)
  }

  function start(env: Record<string, string> = {}, part = 'part') {
    const argv = [join(dir, runner), join(dir, bundle), part]
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
      env: { HOME: home, ...env },
      encoding: 'utf8',
    })
    return { status, said: stdout.trim(), stderr }
  }

  it('is written by the first start, for its owner alone, and used by the next ones', () => {
    expect(start()).toMatchObject({ status: 0, said: 'one 1' })
    const [path = ''] = kept()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(folder()).mode & 0o777).toBe(0o700)
    for (let n = 0; n < 3; n++) expect(start()).toMatchObject({ status: 0, said: 'one 1' })
    expect(kept()).toHaveLength(1)
  })
  it('of another pack of the same length is not taken for this one', () => {
    start()
    start()
    write('two', 'other')
    expect(start().said).toBe('two 1')
    expect(kept()).toHaveLength(2)
  })
  it('is kept for each part of what is run, and for each way to run Node', () => {
    start()
    start({}, 'rest')
    start({ NODE_OPTIONS: '--max-old-space-size=200' })
    expect(kept()).toHaveLength(3)
  })
  it.each([
    ['holds another page', (path: string, bytes: Buffer) => writeFileSync(path, bytes.fill(0, 4_096, 8_192))],
    ['was cut off', (path: string, bytes: Buffer) => writeFileSync(path, bytes.subarray(0, 4_000))],
    ['is empty', (path: string) => writeFileSync(path, '')],
    ['is text', (path: string) => writeFileSync(path, 'x'.repeat(8_000))],
    ['has more behind it', (path: string) => appendFileSync(path, Buffer.alloc(64, 7))],
    [
      'says that it is longer',
      (path: string, bytes: Buffer) => writeFileSync(path, bytes.fill('\xff\xff\xff\x7f', 12, 16, 'latin1')),
    ],
  ])('that %s took V8 down: it is made anew', (_, damage) => {
    start()
    start()
    const [path = ''] = kept()
    const whole = readFileSync(path)
    damage(path, Buffer.from(whole))
    expect(start()).toMatchObject({ status: 0, said: 'one 1', stderr: '' })
    expect(start()).toMatchObject({ status: 0, said: 'one 1' })
  })
  it('that others can write is not believed', () => {
    start()
    start()
    const [path = ''] = kept()
    chmodSync(path, 0o666)
    expect(start()).toMatchObject({ status: 0, said: 'one 1' })
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })
  it('is not read through a link', () => {
    start()
    const [path = ''] = kept()
    const elsewhere = join(dir, 'elsewhere')
    copyFileSync(path, elsewhere)
    rmSync(path)
    symlinkSync(elsewhere, path)
    expect(start()).toMatchObject({ status: 0, said: 'one 1' })
    expect(statSync(elsewhere).size).toBeGreaterThan(0)
  })
  it.each([
    ['where nothing can be made', () => writeFileSync(join(home, '.cache'), '')],
    ['without a home', () => rmSync(home, { recursive: true })],
  ])('is done without %s', (_, spoil) => {
    spoil()
    expect(start()).toMatchObject({ status: 0, said: 'one 1', stderr: '' })
  })
  it('is not wanted where Node is told to keep none', () => {
    expect(start({ NODE_DISABLE_COMPILE_CACHE: '1' }).said).toBe('one 1')
    expect(() => kept()).toThrow()
  })
  it('is kept where XDG_CACHE_HOME says, and a relative one is ignored', () => {
    start({ XDG_CACHE_HOME: join(dir, 'cache') })
    expect(readdirSync(join(dir, 'cache/rca'))).toHaveLength(1)
    start({ XDG_CACHE_HOME: 'cache' })
    expect(kept()).toHaveLength(1)
  })
  it('of releases that are gone goes after a month', () => {
    mkdirSync(folder(), { recursive: true, mode: 0o700 })
    const [old, young] = ['list-0000000a', 'list-0000000b'].map((name) => join(folder(), name))
    for (const path of [old, young]) writeFileSync(path ?? '', '')
    utimesSync(old ?? '', 1, Date.now() / 1_000 - 31 * 86_400)
    start()
    expect(kept()).not.toContain(old)
    expect(kept()).toContain(young)
  })
  it('gives what the module exports', () => {
    const found = load(join(dir, bundle), 'main', 'part', { NODE_DISABLE_COMPILE_CACHE: '1' })
    expect((found as { say: (n: number) => string }).say(3)).toBe('one 1')
  })
})
