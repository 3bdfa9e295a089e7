import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR, MINUTE, SECOND } from '../../test/fixtures/entries.ts'
import { failures, moves, type Play } from '../../test/model/moves.ts'
import { type Fate, stateOf, watch } from '../../test/model/run.ts'
import { makeWatcher } from '../../test/model/watcher.ts'
import {
  agentsAlive,
  claim,
  comes,
  dies,
  GOOD,
  makeWorld,
  must,
  newest,
  observe,
  type World,
} from '../../test/model/world.ts'
import { DEFAULT_POLICY, ON_STALL, type Policy, RESTART } from '../task/policy.ts'
import { isLive, PHASES, STATES } from '../task/state.ts'
import { decide, type TaskFacts } from './decide.ts'
import type { Next } from './next.ts'

// Far more than the runs take, for a machine that is busy, ms.
const TIMEOUT_MS = 60_000

// A failure names its seed and path: fc.assert(property, { seed, path }) plays it again.

const policies = (some: { readonly [Key in keyof Policy]?: fc.Arbitrary<Policy[Key]> } = {}) =>
  fc
    .record({
      restart: fc.constantFrom(...RESTART, 'on-failure' as const),
      backoffMs: fc.constantFrom(SECOND, 3 * MINUTE),
      deadlineMs: fc.constantFrom(null, MINUTE, 5 * HOUR),
      maxRetries: fc.constantFrom(null, 0, 1, 3),
      maxResumesPerHour: fc.constantFrom(1, 3, 30),
      jitter: fc.constantFrom(0, 0.1, 1),
      stallAfterMs: fc.constantFrom(null, MINUTE, 15 * MINUTE),
      onStall: fc.constantFrom(...ON_STALL),
      exitGraceMs: fc.constantFrom(SECOND, MINUTE),
      ...some,
    })
    .map((policy): Policy => ({ ...DEFAULT_POLICY, ...policy }))

function begins(policy: Policy): Play {
  const world = makeWorld(policy)
  claim(world, comes(world, 'person'), 'person')
  return { world, watchers: [makeWatcher(world), makeWatcher(world)] }
}

describe('over random histories', () => {
  /** What is to hold at every moment, besides what the model checks of each decision and each act. */
  function check(world: World): void {
    must(agentsAlive(world).length <= 1, 'two agents work for one task')
    const { derived, evidence } = observe(world)
    const queued = derived.followUps.filter((one) => one.state === 'queued').map((one) => one.id)
    must(String(queued) === String(world.queue), `has ${queued} in the queue, not ${world.queue}`)
    const last = newest(world)
    if (evidence || last?.gate !== 'launched') return
    const well = last.death?.verdict.outcome === 'completed' && world.queue.length === 0
    must((derived.state === 'done') === well, `is ${derived.state} after ${JSON.stringify(last.death)}`)
  }

  /** From now on whatever begins does its work well, and one monitor is there. */
  function endsWell({ world, watchers }: Play): void {
    const well: Fate = { runMs: 5 * SECOND, progress: true, death: GOOD, unlaunched: false, jumpMs: 0 }
    dies(world, watchers[1].name)
    watch(world, watchers[0], () => well, { looks: 500, ms: 60 * 24 * HOUR })
    check(world)
    const { state, next } = stateOf(world)
    must(['done', 'failed', 'killed', 'lost'].includes(state), `is ${state} and forgotten`)
    const given = next?.kind === 'gave-up' || world.spec.policy.restart === 'never'
    must(given || state === 'done' || state === 'killed', `is ${state} though nobody gave up`)
    must(state !== 'done' || world.queue.length === 0, `is done, and ${world.queue} were never delivered`)
    for (const [index, id] of world.delivered.entries())
      must(id > (world.delivered[index - 1] ?? 0), `delivered ${world.delivered}: out of order`)
  }

  it(
    'no second agent is asked for, no live task is forgotten, no follow-up is lost or delivered twice, and all ends once the faults stop',
    () => {
      fc.assert(
        fc.property(policies(), fc.array(moves, { maxLength: 100, size: 'max' }), (policy, happens) => {
          const play = begins(policy)
          for (const { run } of happens) {
            run(play)
            check(play.world)
          }
          endsWell(play)
        }),
        { numRuns: 700 },
      )
    },
    TIMEOUT_MS,
  )
})

describe('with faults for ever', () => {
  const fates = (...runs: (number | null)[]): fc.Arbitrary<Fate[]> =>
    fc.array(
      fc.record({
        runMs: fc.constantFrom(...runs),
        progress: fc.boolean(),
        death: failures,
        unlaunched: fc.nat(5).map((one) => one === 0),
        jumpMs: fc.constantFrom(0, 0, 0, 0, HOUR, -HOUR),
      }),
      { minLength: 1, maxLength: 6 },
    )
  const supervised = {
    restart: fc.constant('on-failure' as const),
    deadlineMs: fc.constantFrom(HOUR, 5 * HOUR),
  }
  const restartsStalled = {
    ...supervised,
    stallAfterMs: fc.constant(15 * MINUTE),
    onStall: fc.constant('restart' as const),
  }

  // Each round takes minutes: the waits for stated limits are no part of the time that the deadline leaves.
  it(
    'supervision ends by the deadline, the brake or the retries',
    () => {
      const dying = fc.tuple(policies(supervised), fates(5 * MINUTE, 20 * MINUTE))
      const hanging = fc.tuple(policies(restartsStalled), fates(5 * MINUTE, null))
      fc.assert(
        fc.property(fc.oneof(dying, hanging), ([policy, repeated]) => {
          const { world, watchers } = begins(policy)
          const fateOf = (number: number) => repeated[number % repeated.length] as Fate
          watch(world, watchers[0], fateOf, { looks: 10_000, ms: 365 * 24 * HOUR })
          const cause = expect.stringMatching(/^(deadline|brake|retries)$/)
          expect(stateOf(world).next).toMatchObject({ kind: 'gave-up', cause })
        }),
        { numRuns: 120 },
      )
    },
    TIMEOUT_MS,
  )
})

describe('over random facts', () => {
  const again = fc.record({
    kind: fc.constant('again' as const),
    why: fc.constantFrom('at-once' as const, 'backoff' as const, 'limit' as const),
    dueMs: fc.integer({ min: -HOUR, max: HOUR }),
    delayMs: fc.nat(HOUR),
    reason: fc.constant('it crashed'),
    guess: fc.boolean(),
  })
  const given = { kind: 'gave-up', cause: 'retries', reason: 'gave up', hint: null } as const
  const nexts: fc.Arbitrary<Next | null> = fc.oneof(
    fc.constantFrom(null, { kind: 'over' } as const, given),
    again,
  )
  const phases = [...PHASES, null]
  const anyFacts: fc.Arbitrary<TaskFacts> = fc.record({
    state: fc.constantFrom(...STATES),
    phase: fc.constantFrom(...phases),
    next: nexts,
    unrecorded: fc.boolean(),
    claimantAlive: fc.boolean(),
    launcherAlive: fc.boolean(),
    agentAlive: fc.boolean(),
    ageMs: fc.constantFrom(-HOUR, 0, 1, 5 * SECOND, MINUTE, HOUR),
    killAsked: fc.boolean(),
    noted: fc.record({ gaveUp: fc.boolean(), until: fc.constant(null), stalled: fc.boolean() }),
    policy: policies(),
    activity: fc.option(
      fc.record({ finished: fc.boolean(), silentMs: fc.nat(HOUR), doing: fc.constant('it works') }),
    ),
    progress: fc.option(
      fc.record({
        sinceMs: fc.nat(HOUR),
        everyMs: fc.integer({ min: 1, max: HOUR }),
        news: fc.option(fc.string()),
      }),
    ),
    lingeringMs: fc.nat(MINUTE),
    waitedMs: fc.nat(HOUR),
    nowMs: fc.integer({ min: -HOUR, max: HOUR }),
  })
  const holds = (check: (facts: TaskFacts) => void) =>
    fc.assert(fc.property(anyFacts, check), { numRuns: 3_000 })

  it('an attempt is asked for only where none is under way and one is due, or its maker has died', () => {
    holds((facts) => {
      if (decide(facts).action.kind !== 'recover') return
      expect(facts.killAsked || facts.state === 'unknown').toBe(false)
      expect(String(facts.phase)).not.toMatch(/launching|working/)
      if (facts.phase === 'preparing') expect(facts.claimantAlive).toBe(false)
      else expect(facts.next?.kind).toBe('again')
    })
  })

  it('a task that lives is looked at again, unless the end of its launch script will wake the monitor', () => {
    holds((facts) => {
      const { action, lookInMs } = decide(facts)
      if (action.kind !== 'nothing' || !(isLive(facts.state) || facts.state === 'unknown')) return
      const wakes = facts.phase === 'working' && facts.agentAlive && facts.launcherAlive
      expect(lookInMs !== null || wakes).toBe(true)
      expect(lookInMs ?? 0).toBeGreaterThanOrEqual(0)
    })
  })
})
