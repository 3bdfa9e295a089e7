import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { claimed, created, ended, HOUR, iso, MINUTE, SECOND, T0 } from '../../test/fixtures/entries.ts'
import { specFixture } from '../../test/fixtures/spec.ts'
import type { Entry, EntryOf } from '../task/schema.ts'
import { type Delivery, hasPending, isPending, isWornOut, ledgerOf, waitMs } from './ledger.ts'

const channel = (name: string, ...on: string[]) => ({ name, type: 'webhook', on, timeoutMs: 1_000 })
const notify = (...channels: ReturnType<typeof channel>[]) =>
  specFixture({ notify: { channels, progressEveryMs: MINUTE } })
const both = notify(channel('a', 'crashed', 'done'), channel('b', 'done'))
const done = { outcome: 'completed', cause: null, reason: null } as const
const STORY: Entry[] = [
  created,
  claimed(1, 0, 'person'),
  ended(1, MINUTE),
  claimed(2, MINUTE),
  ended(2, 2 * MINUTE, done),
]
const idOf = (event: string) => `${both.id}.${event}`
const tried = (
  ms: number,
  outcome: EntryOf<'notified'>['outcome'],
  some: Partial<EntryOf<'notified'>> = {},
): Entry => ({
  at: iso(ms),
  type: 'notified',
  notice: idOf('2.done'),
  event: 'done',
  channel: 'a',
  outcome,
  tries: 1,
  error: outcome === 'failed' ? 'no' : null,
  ...some,
})
const of = (entries: readonly Entry[], event: string, on = 'a'): Delivery => {
  const found = ledgerOf(both, entries).find((one) => one.notice.event === event && one.channel.name === on)
  if (!found) throw new Error(`no ${event}`)
  return found
}
const waits = (ms: number, ...tries: Entry[]) => waitMs(of([...STORY, ...tries], 'done'), T0 + ms)

describe('ledgerOf', () => {
  it('is empty where nobody wants to hear', () => {
    expect(ledgerOf(specFixture(), STORY)).toEqual([])
    expect(ledgerOf(null, STORY)).toEqual([])
    expect(ledgerOf(notify(channel('a', 'stalled')), STORY)).toEqual([])
  })

  it('holds for each channel what it wants, in the order in which it happened', () => {
    const all = ledgerOf(both, STORY).map((one) => [one.channel.name, one.notice.event, one.state])
    expect(all).toEqual([
      ['a', 'crashed', 'pending'],
      ['a', 'done', 'pending'],
      ['b', 'done', 'pending'],
    ])
  })

  it('knows what was delivered, to whom', () => {
    const entries = [...STORY, tried(3 * MINUTE, 'delivered')]
    expect(of(entries, 'done')).toMatchObject({ state: 'delivered', triedAt: iso(3 * MINUTE), dueMs: null })
    expect(of(entries, 'done', 'b')).toMatchObject({ state: 'pending', tries: 0 })
    expect(hasPending(both, entries)).toBe(true)
  })

  it('takes what was delivered for delivered whatever a later record says', () => {
    const entries = [...STORY, tried(3 * MINUTE, 'delivered'), tried(4 * MINUTE, 'failed')]
    expect(of(entries, 'done').state).toBe('delivered')
  })

  it('keeps of progress that nobody has heard of the newest alone', () => {
    const spec = notify(channel('a', 'progress', 'done'))
    const progress = (ms: number): Entry => ({
      at: iso(ms),
      type: 'progress',
      attempt: 1,
      text: `${ms}`,
      eventsBytes: ms,
    })
    const events = (...entries: Entry[]) =>
      ledgerOf(spec, [created, claimed(1, 0), ...entries]).map((one) => one.notice.id)
    expect(events(progress(1), progress(2))).toEqual([`${spec.id}.1.progress.2`])
    expect(events(progress(1), progress(2), ended(1, 3, done))).toEqual([`${spec.id}.1.done`])
  })
})

describe('waitMs', () => {
  it('tries at once, then after growing waits', () => {
    expect(waits(2 * MINUTE)).toBe(0)
    const delays = [1, 5, 30, 120, 600, 1_800, 3_600, 3_600].map((seconds) => seconds * SECOND)
    delays.forEach((delay, index) => {
      const failures = Array.from({ length: index + 1 }, (_, n) => tried(HOUR + n, 'failed'))
      expect(waits(HOUR + index, ...failures)).toBe(delay)
      expect(waits(HOUR + index + delay, ...failures)).toBe(0)
    })
  })

  it('waits as long as the receiver asks, but no longer than an hour', () => {
    const asked = (ms: number) => waits(HOUR, tried(HOUR, 'failed', { notBefore: iso(HOUR + ms) }))
    expect(asked(20 * SECOND)).toBe(20 * SECOND)
    expect(asked(0)).toBe(SECOND)
    expect(asked(9 * HOUR)).toBe(HOUR)
  })

  it('waits no longer where something else has got through on the same channel', () => {
    const failures = Array.from({ length: 5 }, () => tried(HOUR, 'failed'))
    const other = tried(HOUR + MINUTE, 'delivered', { notice: idOf('1.crashed') })
    expect(waits(HOUR + MINUTE, ...failures, other)).toBe(0)
    expect(waits(HOUR + MINUTE, ...failures, { ...other, channel: 'b' } as Entry)).toBe(9 * MINUTE)
    expect(waits(HOUR + MINUTE, ...failures, other, tried(HOUR + MINUTE, 'failed'))).toBe(30 * MINUTE)
  })

  it('does not wait for a time that only a clock knows that was set back', () => {
    expect(waits(MINUTE, tried(9 * HOUR, 'failed'))).toBe(0)
  })
})

describe('isWornOut', () => {
  it('gave up a notice whose second try came after a weekend with the lid closed', () => {
    const entries = [tried(100 * HOUR, 'failed')]
    expect(isWornOut(entries, idOf('2.done'), 'a', T0 + 160 * HOUR)).toBe(false)
  })

  it('is a day after the first failure, however long ago it happened', () => {
    const entries = [100, 101, 102, 103, 104, 105, 106, 107, 108, 109].map((hour) =>
      tried(hour * HOUR, 'failed'),
    )
    const worn = (ms: number) => isWornOut(entries, idOf('2.done'), 'a', T0 + ms)
    expect(worn(101 * HOUR)).toBe(false)
    expect(worn(124 * HOUR)).toBe(true)
    expect(isWornOut([], idOf('2.done'), 'a', T0 + 900 * HOUR)).toBe(false)
  })
})

/** A receiver that is up or down, and a deliverer that may die between a delivery and its record. */
describe('whatever goes wrong', () => {
  const faults = fc.array(fc.constantFrom('up', 'down', 'killed'), { maxLength: 40 })

  /** One round of a deliverer at `nowMs`; it dies after its first delivery where it is killed. */
  const round = (entries: Entry[], heard: string[], today: string, nowMs: number) => {
    for (const one of ledgerOf(both, entries).filter(isPending)) {
      if (today !== 'down') heard.push(`${one.channel.name} ${one.notice.id}`)
      if (today === 'killed') return
      const about = { notice: one.notice.id, channel: one.channel.name, tries: one.tries + 1 }
      entries.push(tried(nowMs, today === 'up' ? 'delivered' : 'failed', about))
    }
  }

  const play = (weather: readonly string[]) => {
    const entries = [...STORY]
    const heard: string[] = []
    let nowMs = HOUR
    for (const today of [...weather, 'up']) {
      const waits = ledgerOf(both, entries)
        .filter(isPending)
        .map((one) => waitMs(one, T0 + nowMs))
      nowMs += Math.max(0, ...waits)
      round(entries, heard, today, nowMs)
    }
    return heard
  }
  const WANTED = [`a ${idOf('1.crashed')}`, `a ${idOf('2.done')}`, `b ${idOf('2.done')}`]

  it('every notice arrives', () => {
    fc.assert(
      fc.property(faults, (weather) => {
        expect(new Set(play(weather))).toEqual(new Set(WANTED))
      }),
    )
  })

  it('no notice arrives twice unless a deliverer died before it could say so', () => {
    fc.assert(
      fc.property(faults, (weather) => {
        const heard = play(weather)
        const deaths = weather.filter((one) => one === 'killed').length
        expect(heard.length - WANTED.length).toBeLessThanOrEqual(deaths)
      }),
    )
  })
})
