import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { CHUNK, type Line, readLines, readLinesBackwards } from './lines.ts'

const root = mkdtempSync(join(tmpdir(), 'rca-lines-'))
const path = join(root, 'file')
afterAll(() => rmSync(root, { recursive: true }))

/** Text as it comes, and as long as a piece of a file, so that characters and line ends lie on the border of two. */
const long = fc
  .tuple(fc.constantFrom('ä', '€', '\u{1f600}', 'x'), fc.integer({ min: -3, max: 3 }))
  .map(([letter, more]) => letter.repeat(Math.max(1, Math.floor(CHUNK / Buffer.byteLength(letter)) + more)))
const piece = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
  { weight: 6, arbitrary: fc.constantFrom('\n', '\n\n', '\r\n', '\u2028', '\u0085', '\0', '\ufeff') },
  { weight: 1, arbitrary: long },
)
const content = fc.array(piece, { maxLength: 12 }).map((pieces) => Buffer.from(pieces.join('')))
/** Bytes that are no UTF-8. */
const bytes = fc
  .uint8Array({ maxLength: 60 })
  .map((array) => Buffer.from(array.map((byte) => (byte % 5 ? byte : 10))))

/** What the lines of a text are, said in another way. */
function linesIn(buffer: Buffer, from: number, withTail: boolean): Line[] {
  const lines: Line[] = []
  let start = from
  for (let at = from; at < buffer.length; at++) {
    if (buffer[at] !== 10) continue
    lines.push({ text: buffer.toString('utf8', start, at), start, end: at + 1 })
    start = at + 1
  }
  if (withTail && start < buffer.length)
    lines.push({ text: buffer.toString('utf8', start), start, end: buffer.length })
  return lines
}

describe('the lines of a part of a file', () => {
  it('are the same forwards and backwards, whatever is in them and wherever a piece ends', () => {
    fc.assert(
      fc.property(
        fc.oneof(content, bytes),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        (whole, part, withTail) => {
          writeFileSync(path, whole)
          const from = Math.floor(part * whole.length)
          const expected = linesIn(whole, from, withTail)
          expect([...readLines(path, from, null, withTail)]).toEqual(expected)
          expect([...readLinesBackwards(path, from, null, withTail)].reverse()).toEqual(expected)
        },
      ),
      { numRuns: 300 },
    )
  })
  it('end where they are told to, and never behind the end of the file', () => {
    writeFileSync(path, 'one\ntwo\nthree')
    const texts = (lines: Iterable<Line>) => [...lines].map((line) => line.text)
    expect(texts(readLinesBackwards(path, 4, 6, false))).toEqual([])
    expect(texts(readLinesBackwards(path, 4, 6, true))).toEqual(['tw'])
    expect(texts(readLinesBackwards(path, 0, 1_000, true))).toEqual(['three', 'two', 'one'])
    expect(texts(readLinesBackwards(path, 0, 1_000, false))).toEqual(['two', 'one'])
    expect(texts(readLines(path, 4, 8, false))).toEqual(['two'])
    expect(texts(readLines(path, 9, 4, true))).toEqual([])
  })
  it('are none where there is no file', () => {
    expect([...readLines(join(root, 'none'), 0, null, true)]).toEqual([])
    expect([...readLinesBackwards(join(root, 'none'), 0, null, true)]).toEqual([])
  })
  it('one that no string could hold is given as empty, and those around it as they are', () => {
    writeFileSync(path, 'before\n')
    for (let written = 0; written < 130 << 20; written += 10 << 20)
      appendFileSync(path, Buffer.alloc(10 << 20, 'x'))
    appendFileSync(path, '\nbehind\n')
    expect([...readLines(path, 0, null, true)].map((line) => line.text)).toEqual(['before', '', 'behind'])
    expect([...readLinesBackwards(path, 0, null, true)].map((line) => line.text)).toEqual([
      'behind',
      '',
      'before',
    ])
  })
})
