import { describe, expect, test } from 'vitest'
import { parseLedger, wrongWith } from './ledger.ts'

/** `b1 A` is `begin 1` by process A in an attempt of the same name. */
function ledger(...words: string[]): string {
  const kinds = { b: 'begin', e: 'end', x: 'beside' } as const
  return words
    .map((word, index) => {
      const [what = '', who = ''] = word.split(' ')
      const pid = who.charCodeAt(0)
      const kind = kinds[what[0] as keyof typeof kinds]
      return `${kind} ${what.slice(1)} ${pid}:${pid} task:${who[1] ?? pid} ${1_000 + index}\n`
    })
    .join('')
}

const GOOD: [string, string][] = [
  ['all steps by one', ledger('b1 A', 'e1 A', 'b2 A', 'e2 A')],
  ['a step that was cut and done again', ledger('b1 A', 'e1 A', 'b2 A', 'b2 B', 'e2 B')],
  ['a step that was cut twice', ledger('b1 A', 'b1 B', 'b1 C', 'e1 C', 'b2 C', 'e2 C')],
  ['one who was cut between two steps', ledger('b1 A', 'e1 A', 'b2 B', 'e2 B')],
]

const BAD: [string, string, string][] = [
  ['nothing', '', 'step 1 was ended 0 times'],
  ['a step that is missing', ledger('b1 A', 'e1 A', 'b2 A'), 'step 2 was ended 0 times'],
  ['a step done twice', ledger('b1 A', 'e1 A', 'b1 B', 'e1 B', 'b2 B', 'e2 B'), 'step 1 was ended 2 times'],
  ['a step begun after its end', ledger('b1 A', 'e1 A', 'b2 A', 'e2 A', 'b1 B'), 'begun again after its end'],
  ['a step begun twice by one', ledger('b1 A', 'b1 A', 'e1 A', 'b2 A', 'e2 A'), 'begun twice by one process'],
  ['a step out of order', ledger('b2 A', 'e2 A', 'b1 A', 'e1 A'), 'step 2 was begun before step 1'],
  ['two whose lines are mixed', ledger('b1 A', 'b1 B', 'e1 A', 'b2 A', 'e2 A'), 'went on after another'],
  ['two of whom one sees the other', ledger('b1 A', 'x1 A', 'b1 B', 'e1 B', 'b2 B', 'e2 B'), 'still lived'],
  [
    'an attempt that ran twice',
    ledger('b1 A1', 'b1 B1', 'e1 B1', 'b2 B1', 'e2 B1'),
    'ran as 65:65 and 66:66',
  ],
  ['a step too many', ledger('b1 A', 'e1 A', 'b2 A', 'e2 A', 'b3 A'), 'there is no step 3'],
  ['a torn line', `${ledger('b1 A', 'e1 A', 'b2 A', 'e2 A')}begin 3 65`, 'no line of a ledger: begin 3 65'],
]

describe('the ledger', () => {
  test.for(GOOD)('is well with %s', ([, text]) => {
    expect(wrongWith(text, 2)).toEqual([])
  })

  test.for(BAD)('is wrong with %s', ([, text, words]) => {
    expect(wrongWith(text, 2).join('\n')).toContain(words)
  })

  test('reads what the fake agent writes', () => {
    expect(parseLedger('begin 2 17:4711 0f-1:3 1790000000123\n').lines).toEqual([
      { kind: 'begin', step: 2, process: '17:4711', attempt: '0f-1:3', atMs: 1_790_000_000_123 },
    ])
  })
})
