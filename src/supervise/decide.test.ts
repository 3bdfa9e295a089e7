import { describe, expect, it } from 'vitest'
import { HOUR, MINUTE, SECOND, T0 } from '../../test/fixtures/entries.ts'
import { DEFAULT_POLICY, type Policy } from '../task/policy.ts'
import { PHASES, type Phase, type State } from '../task/state.ts'
import { decide, type TaskFacts } from './decide.ts'
import type { Next } from './next.ts'

type Again = Extract<Next, { kind: 'again' }>
const soon = (some: Partial<Again> = {}): Again => ({
  kind: 'again',
  why: 'backoff',
  dueMs: T0,
  delayMs: 3 * MINUTE,
  reason: 'it crashed',
  guess: false,
  ...some,
})
const gaveUp: Next = { kind: 'gave-up', cause: 'retries', reason: 'gave up', hint: null }
const over: Next = { kind: 'over' }
const until = (dueMs: number) => new Date(dueMs).toISOString()

const NOTED = { gaveUp: false, until: null, stalled: false }
const BASE: TaskFacts = {
  state: 'running',
  phase: 'working',
  next: null,
  unrecorded: false,
  claimantAlive: false,
  launcherAlive: false,
  agentAlive: false,
  ageMs: HOUR,
  killAsked: false,
  noted: NOTED,
  policy: DEFAULT_POLICY,
  activity: null,
  progress: null,
  lingeringMs: 0,
  waitedMs: 0,
  nowMs: T0,
}
const policy = (some: Partial<Policy>) => ({ policy: { ...DEFAULT_POLICY, ...some } })
const noted = (some: Partial<TaskFacts['noted']>) => ({ noted: { ...NOTED, ...some } })

const on = (some: Partial<TaskFacts>) => decide({ ...BASE, ...some })
const actionOn = (some: Partial<TaskFacts>) => on(some).action
const look = (lookInMs: number | null) => ({ action: { kind: 'nothing' }, lookInMs })

/** An agent that runs under its launch script and was last seen at work `silentMs` ago. */
const runs = (silentMs: number, some: Partial<TaskFacts> = {}): Partial<TaskFacts> => ({
  state: 'running',
  phase: 'working',
  agentAlive: true,
  launcherAlive: true,
  activity: { finished: false, silentMs, doing: 'it waits for the model' },
  ...some,
})
/** No attempt is under way, the newest end is in the journal. */
const rests = (next: Next, some: Partial<TaskFacts> = {}): Partial<TaskFacts> => ({
  state: next.kind === 'again' ? 'waiting' : 'failed',
  phase: null,
  next,
  ...some,
})

describe('what cannot be known', () => {
  it.each([...PHASES, null])('is never acted upon (%s), and looked at again', (phase) => {
    for (const next of [null, soon({ dueMs: 0 }), gaveUp, over]) {
      const facts = { phase, next, killAsked: true, unrecorded: true, agentAlive: true, lingeringMs: HOUR }
      expect(on({ ...facts, state: 'unknown' })).toEqual(look(MINUTE))
    }
  })
})

describe('a kill that was asked for', () => {
  it.each<Partial<TaskFacts>>([
    { phase: 'preparing', state: 'starting', claimantAlive: true },
    { phase: 'preparing', state: 'starting' },
    { phase: 'launching', state: 'starting' },
    runs(0),
    runs(HOUR, { state: 'stalled', ...noted({ stalled: true }), ...policy({ onStall: 'restart' }) }),
    { phase: 'working', launcherAlive: true, lingeringMs: HOUR },
    { phase: 'over', next: soon(), unrecorded: true },
    rests(soon()),
    rests(gaveUp),
    rests(over),
    { ...rests(over), ...policy({ restart: 'never' }) },
  ])('is brought about before anything else %#', (facts) => {
    expect(actionOn({ ...facts, killAsked: true })).toEqual({ kind: 'finish-kill' })
  })
})

describe('an attempt that is being launched', () => {
  const preparing = { state: 'starting', phase: 'preparing' } as const

  it('is left to whoever claimed it', () => {
    expect(on({ ...preparing, claimantAlive: true })).toEqual(look(SECOND))
  })

  it('is made again where its claimant has died', () => {
    expect(actionOn(preparing)).toEqual({ kind: 'recover' })
  })

  it('is left alone where its claimant has died and nothing is to be restarted, and looked at again', () => {
    expect(on({ ...preparing, ...policy({ restart: 'never' }) })).toEqual(look(MINUTE))
  })

  it('is looked at closely while its script has begun and there is no agent yet', () => {
    expect(on({ state: 'starting', phase: 'launching', launcherAlive: true })).toEqual(look(100))
  })
})

describe('an agent that runs', () => {
  it('is looked at when it may have stalled', () => {
    expect(on(runs(5 * MINUTE))).toEqual(look(10 * MINUTE))
  })

  it('is left to the end of its launch script where nothing counts as stalled', () => {
    expect(on(runs(HOUR, policy({ stallAfterMs: null })))).toEqual(look(null))
    expect(on(runs(0, { activity: null }))).toEqual(look(null))
  })

  it.each<[string, Partial<TaskFacts>]>([
    ['at work', runs(5 * MINUTE)],
    ['without a stall', runs(HOUR, policy({ stallAfterMs: null }))],
    ['of unknown doing', runs(0, { activity: null })],
    ['stalled', runs(HOUR, { state: 'stalled', ...noted({ stalled: true }) })],
    ['finished', runs(SECOND, { activity: { finished: true, silentMs: SECOND, doing: 'it has finished' } })],
  ])('is looked at closely where its launch script is gone: nobody says its end (%s)', (_, facts) => {
    expect(on({ ...facts, launcherAlive: false })).toEqual(look(100))
  })

  it('is reported as stalled once, at the moment at which it has stalled', () => {
    const evidence = 'no work for 15 minutes: it waits for the model'
    expect(on(runs(15 * MINUTE - 1))).toEqual(look(1))
    expect(on(runs(15 * MINUTE))).toEqual({ action: { kind: 'note-stall', evidence }, lookInMs: 0 })
  })

  it('an agent that went on without a pause stayed stalled: nobody looked again', () => {
    expect(on(runs(HOUR, { state: 'stalled', ...noted({ stalled: true }) }))).toEqual(look(MINUTE))
  })

  it('says how long it was silent in words', () => {
    const said = (ms: number) => actionOn(runs(ms, policy({ stallAfterMs: 1 })))
    expect(said(59_400)).toMatchObject({ evidence: expect.stringContaining('for 59 seconds') })
    expect(said(60_000)).toMatchObject({ evidence: expect.stringContaining('for 1 minutes') })
    expect(said(119_999)).toMatchObject({ evidence: expect.stringContaining('for 1 minutes') })
  })

  it('is reported as active where it goes on after a stall', () => {
    expect(on(runs(0, { state: 'stalled', ...noted({ stalled: true }) }))).toEqual({
      action: { kind: 'note-active' },
      lookInMs: 0,
    })
  })

  it('is ended after a stall was reported where that was asked for', () => {
    const asked = policy({ onStall: 'restart' })
    expect(actionOn(runs(20 * MINUTE, asked)).kind).toBe('note-stall')
    const evidence = 'no work for 20 minutes: it waits for the model'
    expect(actionOn(runs(20 * MINUTE, { ...asked, state: 'stalled', ...noted({ stalled: true }) }))).toEqual({
      kind: 'end',
      why: 'stalled',
      evidence,
    })
  })

  it('is not ended for a stall where nothing would go on afterwards', () => {
    const facts = {
      ...policy({ onStall: 'restart', restart: 'never' }),
      ...noted({ stalled: true }),
    } as const
    expect(actionOn(runs(HOUR, { state: 'stalled', ...facts })).kind).toBe('nothing')
  })
})

describe('an agent that has finished and stays', () => {
  const finished = (silentMs: number, some: Partial<TaskFacts> = {}) =>
    runs(silentMs, { activity: { finished: true, silentMs, doing: 'it has finished' }, ...some })

  it('has a grace to go by itself', () => {
    expect(on(finished(MINUTE - 1))).toEqual(look(1))
    expect(on(finished(0, policy({ exitGraceMs: 5 * SECOND })))).toEqual(look(5 * SECOND))
  })

  it('is ended after it, whatever the policy says of restarts and stalls', () => {
    const end = { kind: 'end', why: 'finished', evidence: 'it finished 1 minutes ago and has not exited' }
    for (const some of [{}, policy({ restart: 'never' }), policy({ stallAfterMs: null })]) {
      expect(actionOn(finished(MINUTE, some))).toEqual(end)
    }
  })
})

describe('a launch script that lingers after its agent', () => {
  const lingering = (lingeringMs: number) => on({ launcherAlive: true, lingeringMs })

  it('is about to write down the end', () => {
    expect(lingering(0)).toEqual(look(100))
    expect(lingering(10 * SECOND)).toEqual(look(100))
  })

  it('is freed of what keeps it', () => {
    expect(lingering(10 * SECOND + 1).action).toEqual({ kind: 'free-launcher' })
  })

  it('that nothing frees (a disk that hangs) was freed again and again without a pause', () => {
    expect(lingering(HOUR).lookInMs).toBe(SECOND)
  })
})

describe('a task at rest', () => {
  it.each<Phase | null>(['over', 'called-off', 'never-began', null])(
    'goes on when it is due (%s)',
    (phase) => {
      expect(actionOn(rests(soon({ dueMs: T0 }), { phase }))).toEqual({ kind: 'recover' })
      expect(actionOn(rests(soon({ dueMs: T0 - HOUR }), { phase }))).toEqual({ kind: 'recover' })
      expect(actionOn(rests(soon({ dueMs: T0 + 1 }), { phase })).kind).toBe('nothing')
    },
  )

  it('goes on at once without writing down the end first: that is done on the way', () => {
    expect(actionOn(rests(soon(), { phase: 'over', unrecorded: true }))).toEqual({ kind: 'recover' })
  })

  it('writes down the end first where there is time', () => {
    const facts = rests(soon({ dueMs: T0 + MINUTE }), { phase: 'over', unrecorded: true })
    expect(on(facts)).toEqual({ action: { kind: 'settle' }, lookInMs: 0 })
  })

  it('notes once until when it waits', () => {
    const next = soon({ dueMs: T0 + MINUTE })
    expect(on(rests(next))).toEqual({ action: { kind: 'note-wait', next }, lookInMs: 0 })
    expect(on(rests(next, noted({ until: until(next.dueMs) })))).toEqual(look(MINUTE))
    expect(actionOn(rests(next, noted({ until: until(next.dueMs + 1) })))).toEqual({
      kind: 'note-wait',
      next,
    })
  })

  it('does not note a wait that is over in a moment', () => {
    expect(on(rests(soon({ dueMs: T0 + 2 * SECOND })))).toEqual(look(2 * SECOND))
    expect(actionOn(rests(soon({ dueMs: T0 + 2 * SECOND + 1 }))).kind).toBe('note-wait')
  })

  it('waits no longer than it was to wait where the clock was set back', () => {
    const next = soon({ dueMs: T0 + 24 * HOUR, delayMs: 3 * MINUTE })
    const waits = noted({ until: until(next.dueMs) })
    expect(on(rests(next, { ...waits, waitedMs: MINUTE }))).toEqual(look(2 * MINUTE))
    expect(actionOn(rests(next, { ...waits, waitedMs: 3 * MINUTE }))).toEqual({ kind: 'recover' })
  })

  it('goes on by the wall clock where the observer has just begun to wait', () => {
    expect(actionOn(rests(soon({ dueMs: T0 - 1, delayMs: HOUR }), { waitedMs: 0 }))).toEqual({
      kind: 'recover',
    })
  })

  it('writes down a last end before it is forgotten', () => {
    for (const next of [over, gaveUp]) {
      const facts = rests(next, { phase: 'over', unrecorded: true })
      expect(on(facts)).toEqual({ action: { kind: 'settle' }, lookInMs: 0 })
    }
  })

  it('notes once that it is given up, and is forgotten', () => {
    expect(actionOn(rests(gaveUp))).toEqual({ kind: 'note-gave-up', next: gaveUp })
    expect(on(rests(gaveUp, noted({ gaveUp: true })))).toEqual(look(null))
  })

  it.each<State>(['done', 'failed', 'killed', 'lost'])('is forgotten when it is %s', (state) => {
    expect(on({ state, phase: null, next: over })).toEqual(look(null))
    expect(on({ state, phase: 'called-off', next: null })).toEqual(look(null))
  })

  it('is looked at again where it is neither over nor due', () => {
    expect(on({ state: 'starting', phase: null, next: over })).toEqual(look(MINUTE))
  })
})

describe('a task that was made and not launched', () => {
  const made = (ageMs: number, some: Partial<TaskFacts> = {}) =>
    rests(soon({ why: 'at-once', delayMs: 0 }), { state: 'starting', ageMs, ...some })

  it('is its maker’s for a moment', () => {
    expect(on(made(0))).toEqual(look(3 * SECOND))
    expect(on(made(2_999))).toEqual(look(1))
  })

  it('is launched when its maker had its time', () => {
    expect(actionOn(made(3 * SECOND))).toEqual({ kind: 'recover' })
    expect(actionOn(made(MINUTE, { state: 'waiting' }))).toEqual({ kind: 'recover' })
  })

  it('a task whose maker died waited for as long as the clock had been set back', () => {
    expect(actionOn(made(-9 * HOUR))).toEqual({ kind: 'recover' })
    expect(on(made(-SECOND))).toEqual(look(4 * SECOND))
  })

  it('is nobody’s any more once an attempt has ended, however young it is', () => {
    expect(actionOn(made(0, { state: 'waiting' }))).toEqual({ kind: 'recover' })
  })

  it('is launched at once where an attempt was called off', () => {
    expect(actionOn(made(0, { state: 'waiting', phase: 'called-off' }))).toEqual({ kind: 'recover' })
  })
})
