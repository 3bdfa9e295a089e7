import { describe, expect, it } from 'vitest'
import { calledOff, claimed, created, ended, iso, sent } from '../../test/fixtures/entries.ts'
import { followUpDue, followUpsOf } from './follow-ups.ts'
import type { Entry } from './schema.ts'

const delivers = (attempt: number, followUp: number): Entry => ({ ...claimed(attempt, 0), followUp }) as Entry
const restarts = (attempt: number): Entry => ({ ...claimed(attempt, 0), how: 'restart' }) as Entry
const well = (attempt: number) => ended(attempt, 0, { outcome: 'completed', cause: null, progress: true })
const badly = (attempt: number) => ended(attempt, 0)
const withdrawn = (id: number): Entry => ({ at: iso(0), type: 'follow-up-withdrawn', id })
const first = [created, claimed(1, 0, 'person')]

describe('the follow-ups of a task', () => {
  it.each<[string, Entry[], number | null, string[], number | null]>([
    ['there are none', [...first, well(1)], null, [], null],
    ['one is sent while a turn runs', [...first, sent(1)], 1, ['queued'], null],
    ['the turn ended well', [...first, sent(1), well(1)], null, ['queued'], 1],
    ['it was sent after the end', [...first, well(1), sent(1)], null, ['queued'], 1],
    ['the turn ended badly', [...first, sent(1), badly(1)], null, ['queued'], null],
    ['and was mended', [...first, sent(1), badly(1), claimed(2, 0), well(2)], null, ['queued'], 1],
    ['its turn runs', [...first, sent(1), well(1), delivers(2, 1)], 2, ['running'], null],
    [
      'its claimant died before it was made',
      [...first, sent(1), well(1), delivers(2, 1)],
      null,
      ['queued'],
      1,
    ],
    [
      'its attempt was called off',
      [...first, sent(1), well(1), delivers(2, 1), calledOff(2, 0)],
      null,
      ['queued'],
      1,
    ],
    ['its turn broke off', [...first, sent(1), well(1), delivers(2, 1), badly(2)], null, ['running'], null],
    [
      'and goes on',
      [...first, sent(1), well(1), delivers(2, 1), badly(2), claimed(3, 0)],
      3,
      ['running'],
      null,
    ],
    [
      'to its end',
      [...first, sent(1), well(1), delivers(2, 1), badly(2), claimed(3, 0), well(3)],
      null,
      ['done'],
      null,
    ],
    ['two end records', [...first, sent(1), well(1), delivers(2, 1), well(2), well(1)], null, ['done'], null],
    [
      'two were sent',
      [...first, sent(1), sent(2), well(1), delivers(2, 1), well(2)],
      null,
      ['done', 'queued'],
      2,
    ],
    [
      'the first was withdrawn',
      [...first, well(1), sent(1), withdrawn(1), sent(2)],
      null,
      ['withdrawn', 'queued'],
      2,
    ],
    [
      'the number of a claim that came to nothing is used again',
      [...first, sent(1), badly(1), delivers(2, 1), claimed(2, 0, 'person'), well(2)],
      null,
      ['queued'],
      1,
    ],
    [
      'the conversation was lost and begun anew',
      [...first, sent(1), well(1), delivers(2, 1), badly(2), restarts(3)],
      3,
      ['queued'],
      null,
    ],
    [
      'and came to a good end',
      [...first, sent(1), well(1), delivers(2, 1), badly(2), restarts(3), well(3)],
      null,
      ['queued'],
      1,
    ],
  ])('%s', (_, entries, open, states, due) => {
    expect(followUpsOf(entries, open).map((one) => one.state)).toEqual(states)
    if (open === null) expect(followUpDue(entries)?.id ?? null).toBe(due)
  })
})
