import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseJson, readConfigFile, untrusted } from './config-file.ts'

let dir: string
let path: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "rca-config-o'"))
  path = join(dir, 'config.json')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

function write(content: string | Uint8Array, mode = 0o600): void {
  writeFileSync(path, content)
  chmodSync(path, mode)
}

const refusal = (message: string | RegExp) =>
  expect.objectContaining({ code: 'config', message: expect.stringMatching(message) })

const read = (from: string) => {
  const text = readConfigFile(from)
  return text === null ? undefined : parseJson(from, text)
}

describe('readConfigFile', () => {
  it('says that there is none', () => {
    expect(read(path)).toBeUndefined()
    expect(read('/dev/null/rca/config.json')).toBeUndefined()
  })

  it('reads JSON, also behind a byte order mark and a link', () => {
    write('\uFEFF{"monitor": false}', 0o644)
    const link = join(dir, 'link')
    symlinkSync(path, link)
    expect(read(link)).toEqual({ monitor: false })
  })

  it.each([
    ['', 'config.json is empty'],
    ['{"a": {', 'config.json: it ends too early'],
    ['{"a": tru', 'config.json: it ends too early'],
    ['{\n  "a": 1,\n}', 'config.json: line 3, column 1: expected double-quoted property name'],
    ['{\n  // no\n  "a": 1}', "config.json: line 2, column 3: expected property name or '}'"],
    ['{"a": 3m}', "config.json: line 1, column 8: expected ',' or '}' after property value"],
    ['{\n "a": 1,\n "b": True,\n "c": {"d": 4}}', "config.json: line 3, column 7: unexpected token 'T'"],
    ['{"a":}', "config.json: line 1, column 6: unexpected token '}'"],
    ['{"a": [1,,2]}', "config.json: line 1, column 10: unexpected token ','"],
    ['{"a":1} x', 'config.json: line 1, column 9: unexpected non-whitespace character'],
    ['{"a":"\n"}', 'config.json: line 1, column 7: bad control character in string literal'],
  ])('%j is refused', (text, message) => {
    write(text)
    expect(() => read(path)).toThrow(expect.objectContaining({ code: 'config', message }))
  })

  it('refuses what is not UTF-8', () => {
    write(Buffer.from([0x22, 0xff, 0x22]))
    expect(() => read(path)).toThrow(refusal('is not UTF-8'))
  })

  it('refuses a folder and a link to nowhere', () => {
    mkdirSync(path)
    expect(() => read(path)).toThrow(refusal('not a regular file'))
    rmSync(path, { recursive: true })
    symlinkSync('nowhere', path)
    expect(() => read(path)).toThrow(refusal('cannot be read \\(ENOENT\\)'))
  })

  it.each([0o666, 0o664, 0o602])('refuses mode %o, and says how to mend it', (mode) => {
    write('{}', mode)
    const hint = `chmod go-w '${path.replace("'", "'\\''")}'`
    expect(() => read(path)).toThrow(expect.objectContaining({ code: 'config', hint }))
  })
})

describe('whose file is believed', () => {
  const owned = (uid: number) => untrusted('/c', { isFile: () => true, uid, mode: 0o100600 }, 1000)

  it("is one's own and root's", () => {
    expect(owned(1000)).toBeNull()
    expect(owned(0)).toBeNull()
    expect(owned(1001)?.message).toBe('config.json belongs to user 1001, not to you (1000)')
  })
})
