import { describe, expect, it } from 'vitest'
import {
  active,
  claimed,
  created,
  ended,
  gaveUp,
  iso,
  killed,
  killRequested,
  MINUTE,
  SECOND,
  stalled,
  T0,
} from '../../test/fixtures/entries.ts'
import type { Entry, Spec } from '../task/schema.ts'
import { gather, NOTHING_REMEMBERED, type Seen } from './facts.ts'

const spec = { id: 'a-task', createdAt: iso(0), policy: { stallAfterMs: null } } as Spec

/** Of attempt `open`, if one is under way, which began a minute after the task was made. */
function facts(entries: Entry[], open: number | null = null) {
  const record = { number: open, claim: { claimedAt: iso(MINUTE) }, begun: 'launched', agent: {}, exit: null }
  const evidence = open && { record, claimantAlive: false, launcherAlive: true, agentAlive: true }
  const seen = { evidence, derived: { state: 'stalled', next: null }, pending: null, journal: { entries } }
  return gather(seen as unknown as Seen, spec, NOTHING_REMEMBERED, null, T0 + 10 * MINUTE)
}
const waiting: Entry = {
  at: iso(5),
  type: 'waiting',
  until: iso(9),
  why: 'backoff',
  reason: '',
  guess: false,
}
const one = [created, claimed(1, SECOND, 'person')]

describe('what a decision rests on', () => {
  it('is the age of the open attempt, else of the task', () => {
    expect(facts(one, 1).ageMs).toBe(9 * MINUTE)
    expect(facts(one).ageMs).toBe(10 * MINUTE)
  })

  it('is a kill that was asked for, until it is brought about or the task is resumed', () => {
    const asked = [...one, killRequested(2 * SECOND)]
    expect(facts(one).killAsked).toBe(false)
    expect(facts(asked).killAsked).toBe(true)
    expect(facts([...asked, ended(1, 3 * SECOND)]).killAsked).toBe(true)
    expect(facts([...asked, killed(3 * SECOND)]).killAsked).toBe(false)
    expect(facts([...asked, claimed(2, MINUTE, 'person')]).killAsked).toBe(false)
  })

  it('is what was noted since the newest claim', () => {
    const noted = [...one, waiting, gaveUp(SECOND)]
    expect(facts(noted).noted).toEqual({ until: iso(9), gaveUp: true, stalled: false })
    expect(facts([...noted, claimed(2, MINUTE)]).noted).toEqual({
      until: null,
      gaveUp: false,
      stalled: false,
    })
  })

  it('is a stall of this attempt that was noted', () => {
    expect(facts([...one, stalled(1, MINUTE)], 1).noted.stalled).toBe(true)
    expect(facts([...one, stalled(1, MINUTE), claimed(2, MINUTE)], 2).noted.stalled).toBe(false)
    expect(facts([...one, stalled(1, MINUTE)]).noted.stalled).toBe(false)
  })

  it('a second stall of the same attempt was not noted', () => {
    const went = [...one, stalled(1, MINUTE), active(1, 2 * MINUTE)]
    const { noted } = facts(went, 1)
    expect(noted.stalled).toBe(false)
    expect(facts([...went, stalled(1, 3 * MINUTE)], 1).noted.stalled).toBe(true)
  })
})
