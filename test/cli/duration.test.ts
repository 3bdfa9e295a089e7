import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from '../../src/duration.ts'

describe('parseDuration', () => {
  it.each([
    ['90', 90_000],
    ['0', 0],
    ['0.2', 200],
    ['250ms', 250],
    ['90s', 90_000],
    ['1.5m', 90_000],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
    ['1m1ms', 60_001],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDuration(text, '--timeout')).toBe(ms)
  })

  it.each(['', ' ', 'abc', '-5', '5 m', '5x', 'm', '1h abc', '1e3', '٣s', '5m-', '.5s'])(
    '%j is none',
    (text) => {
      expect(() => parseDuration(text, '--timeout')).toThrow(/^--timeout: .* is not a duration$/)
    },
  )
})

describe('formatDuration', () => {
  it.each([
    [-5, '0s'],
    [999, '0s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [3_599_999, '59m'],
    [3_600_000, '1h'],
    [19_200_000, '5h 20m'],
    [86_400_000, '1d'],
    [90_000_000, '1d'],
  ])('%i ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })
})
