import { describe, expect, it } from 'vitest'
import { figure, summary, table, verdicts } from '../bench/table.mjs'

const NODE = { name: 'node', unit: 'ms', values: [30, 10, 20] }

/** The cells of one line. */
const cells = (text: string, line: number) =>
  (text.split('\n')[line] ?? '')
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())

describe('summary', () => {
  it('gives the middle one of an odd number, and the mean of the two in the middle of an even one', () => {
    expect(summary([30, 10, 20])).toEqual({ median: 20, mean: 20, min: 10, max: 30 })
    expect(summary([4, 1, 2, 9]).median).toBe(3)
  })
  it('is not a number where nothing was measured', () => {
    expect(summary([]).median).toBeNaN()
  })
})

describe('figure', () => {
  it.each([
    [0, '0'],
    [0.0123, '0.012'],
    [1.234, '1.23'],
    [12.34, '12.3'],
    [1234.5, '1,235'],
    [Number.NaN, '?'],
  ])('%d is %s', (value, text) => expect(figure(value)).toBe(text))
})

describe('table', () => {
  it('shows medians with minimum and maximum, and the ratio to the neighbour', () => {
    const text = table([NODE, { name: 'rca', unit: 'ms', values: [25], beside: 'node', mark: 1.3 }])
    expect(cells(text, 2)).toEqual(['node', '20.0 ms', '10.0 to 30.0', '', '', '', '', ''])
    expect(cells(text, 3)).toEqual(['rca', '25.0 ms', '', 'node', '1.25', '1.3 x', 'ok', ''])
  })
  it('says when a mark is missed, of a ratio or of the figure itself', () => {
    const slow = { name: 'rca', unit: 'ms', values: [40] }
    expect(cells(table([NODE, { ...slow, beside: 'node', mark: 1.3 }]), 3)).toContain('missed')
    expect(cells(table([{ ...slow, limit: 30 }]), 2)).toEqual([
      'rca',
      '40.0 ms',
      '',
      '',
      '',
      '30 ms',
      'missed',
      '',
    ])
  })
  it('names what is missing and why, and compares nothing with it', () => {
    const missing = { name: 'pm2', unit: '', values: [], missing: 'not installed' }
    const text = table([missing, { name: 'rca', unit: 'ms', values: [1], beside: 'pm2', mark: 1.5 }])
    expect(cells(text, 2)).toEqual(['pm2', 'missing', '', '', '', '', '', 'not installed'])
    expect(cells(text, 3)).toEqual(['rca', '1.00 ms', '', 'pm2', '', '', '', ''])
  })
  it('leaves out of the name of a neighbour what both names end in', () => {
    const base = { name: 'tmux, ten at once: until it returns', unit: 'ms', values: [10] }
    const ours = { name: 'rca, ten at once: until it returns', unit: 'ms', values: [20], beside: base.name }
    expect(cells(table([base, ours]), 3)[3]).toBe('tmux')
  })
  it('takes the mean of what comes in bursts', () => {
    const row = { name: 'rca', unit: '%', values: [0, 0, 3], mean: true, limit: 0.5 }
    expect(cells(table([row]), 2)).toEqual([
      'rca',
      '1.00 % (mean)',
      '0 to 3.00',
      '',
      '',
      '0.5 %',
      'missed',
      '',
    ])
  })
  it('compares nothing with zero', () => {
    const idle = { name: 'pm2', unit: '%', values: [0] }
    expect(cells(table([idle, { name: 'rca', unit: '%', values: [1], beside: 'pm2', mark: 2 }]), 3)[4]).toBe(
      '',
    )
  })
})

describe('verdicts', () => {
  it('counts the marks that were reached and those that were not', () => {
    const rows = [
      NODE,
      { name: 'a', unit: 'ms', values: [20], beside: 'node', mark: 1.3 },
      { name: 'b', unit: 'ms', values: [90], limit: 30 },
      { name: 'c', unit: 'ms', values: [], limit: 30, missing: 'not here' },
    ]
    expect(verdicts(rows)).toEqual({ ok: 1, missed: 1 })
  })
})
