import { describe, expect, it } from 'vitest'
import { iso } from '../../test/fixtures/entries.ts'
import type { Entry } from './schema.ts'
import { cutAt, keptFrom } from './trim-plan.ts'

const trimmed = (file: 'events' | 'stderr', from: number): Entry => ({
  at: iso(0),
  type: 'log-trimmed',
  file,
  from,
})

describe('cutAt', () => {
  it('leaves a file alone that takes up no more than it may', () => {
    expect(cutAt({ size: 100, allocated: 100, from: 0 }, 100)).toBeNull()
    expect(cutAt({ size: 1_000, allocated: 100, from: 900 }, 100)).toBeNull()
  })
  it('leaves half of what it may take up', () => {
    expect(cutAt({ size: 120, allocated: 120, from: 0 }, 100)).toBe(70)
    expect(cutAt({ size: 1_000, allocated: 110, from: 890 }, 100)).toBe(950)
  })
  it('tries again what was announced and not done', () => {
    expect(cutAt({ size: 120, allocated: 120, from: 70 }, 100)).toBe(70)
    expect(cutAt({ size: 110, allocated: 120, from: 70 }, 100)).toBe(70)
  })
  it('cuts nothing off a file that is short and takes up much', () => {
    expect(cutAt({ size: 10, allocated: 4_096, from: 0 }, 100)).toBeNull()
  })
})

describe('keptFrom', () => {
  it('is the furthest that was announced for each file', () => {
    expect(keptFrom([])).toEqual({ events: 0, stderr: 0 })
    expect(
      keptFrom([trimmed('events', 5), trimmed('stderr', 3), trimmed('events', 9), trimmed('events', 7)]),
    ).toEqual({
      events: 9,
      stderr: 3,
    })
  })
})
