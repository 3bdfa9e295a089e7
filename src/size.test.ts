import { describe, expect, it } from 'vitest'
import { bytesOf, formatSize } from './size.ts'

describe('bytesOf', () => {
  it.each([
    ['256MB', 268_435_456],
    ['1 GB', 1_073_741_824],
    ['1.5kb', 1_536],
    ['0MB', 0],
  ])('%s', (text, bytes) => expect(bytesOf(text)).toBe(bytes))
  it.each(['', '5', '5M', 'MB', '-1MB', '1,5GB', '1GB ', '1e3MB', '1PB', 'none'])('%j is none', (text) =>
    expect(bytesOf(text)).toBeNull(),
  )
})

describe('formatSize', () => {
  it.each([
    [17, '17 bytes'],
    [1_536, '1.5 KB'],
    [268_435_456, '256 MB'],
    [536_900_000, '512 MB'],
    [1_073_741_824, '1 GB'],
  ])('%d', (bytes, text) => expect(formatSize(bytes)).toBe(text))
})
