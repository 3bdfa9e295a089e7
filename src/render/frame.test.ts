import { expect, it } from 'vitest'
import { frame } from './frame.ts'

/** What stands on the screen, line by line. */
const lines = (text: string, rows: number) =>
  frame(text, 'end', rows)
    .replace('\x1b[?2026h\x1b[H', '')
    .replace('\x1b[J\x1b[?2026l', '')
    .split('\r\n')
    .map((line) => line.replace('\x1b[K', ''))

it.each<[string, number, string[]]>([
  ['a\nb\n', 9, ['a', 'b', 'end']],
  ['a\nb\nc\n', 4, ['a', 'b', 'c', 'end']],
  ['a\nb\nc\nd\n', 4, ['a', 'b', '… 2 more', 'end']],
  ['a\nb\nc\n', 2, ['… 3 more', 'end']],
  ['a\nb\n', 1, ['… 2 more', 'end']],
  ['', 9, ['', 'end']],
])('%j in %i rows', (text, rows, expected) => {
  expect(lines(text, rows)).toEqual(expected)
})

it('is drawn at once, cuts off the rest of every line, and never clears', () => {
  expect(frame('a', 'end', 9)).toBe('\x1b[?2026h\x1b[Ha\x1b[K\r\nend\x1b[K\x1b[J\x1b[?2026l')
})
