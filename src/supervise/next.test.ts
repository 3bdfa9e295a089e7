import { describe, expect, it } from 'vitest'
import {
  calledOff,
  claimed,
  created,
  ended,
  failuresInARow,
  gaveUp,
  HOUR,
  iso,
  jumped,
  killed,
  killRequested,
  limited,
  MINUTE,
  recoveryFailed,
  SECOND,
  sent,
  T0,
  withdrawn,
} from '../../test/fixtures/entries.ts'
import { DEFAULT_POLICY, type Policy } from '../task/policy.ts'
import type { Entry, Outcome } from '../task/schema.ts'
import { deadlineMs, type History, type Next, nextStep } from './next.ts'

const HINT = 'rca resume codex-x goes on and begins supervision anew'

/** Without jitter and deadline, unless `policy` says otherwise. */
function history(entries: Entry[], policy: Partial<Policy> = {}): History {
  const exact = { ...DEFAULT_POLICY, jitter: 0, deadlineMs: null, ...policy }
  return {
    taskId: 'a-task',
    session: 'codex-x',
    createdMs: T0,
    policy: exact,
    entries: [created, ...entries],
  }
}

const next = (entries: Entry[], policy: Partial<Policy> = {}) => nextStep(history(entries, policy))

function again(entries: Entry[], policy: Partial<Policy> = {}): Extract<Next, { kind: 'again' }> {
  const step = next(entries, policy)
  if (step.kind !== 'again') throw new Error(`not again: ${JSON.stringify(step)}`)
  return step
}

/** When the next attempt is due, ms after T0. */
const due = (entries: Entry[], policy: Partial<Policy> = {}) => again(entries, policy).dueMs - T0
const delay = (entries: Entry[], policy: Partial<Policy> = {}) => again(entries, policy).delayMs
const first = claimed(1, 0, 'person')

describe('after failures', () => {
  it('goes on at once after the first', () => {
    const step = { kind: 'again', why: 'at-once', dueMs: T0 + SECOND, delayMs: 0, reason: 'it crashed' }
    expect(next([first, ended(1, SECOND)])).toEqual({ ...step, guess: false })
  })

  it.each([
    [2, 3],
    [3, 6],
    [4, 12],
    [5, 24],
    [9, 384],
  ])('waits after %i in a row for %i minutes from the last end', (count, minutes) => {
    const step = again(failuresInARow(count, HOUR))
    expect(step).toMatchObject({ why: 'backoff', delayMs: minutes * MINUTE })
    expect(step.dueMs).toBe(T0 + (count - 1) * HOUR + SECOND + minutes * MINUTE)
  })

  it('takes the backoff that the task was started with', () => {
    expect(delay(failuresInARow(3), { backoffMs: 10 * SECOND })).toBe(20 * SECOND)
  })

  it('never waits for so long that no date can say it', () => {
    const entries = failuresInARow(500, 61 * MINUTE)
    expect(() => new Date(again(entries).dueMs).toISOString()).not.toThrow()
  })

  it('says an outcome where the agent gave no reason', () => {
    expect(again([first, ended(1, 0, { outcome: 'lost', reason: null })]).reason).toBe('lost')
  })

  it.each<Outcome>(['failed', 'unfinished', 'lost'])('goes on after the outcome %s', (outcome) => {
    expect(next([first, ended(1, 0, { outcome })]).kind).toBe('again')
  })

  it('counts what could not be launched like any failure', () => {
    const entries = [first, ended(1, 0), recoveryFailed(MINUTE)]
    expect(again(entries)).toMatchObject({ delayMs: 3 * MINUTE, reason: 'tmux did not answer' })
    expect(delay([...entries, recoveryFailed(5 * MINUTE)])).toBe(6 * MINUTE)
    expect(again([first, recoveryFailed(MINUTE)])).toMatchObject({ why: 'at-once', dueMs: T0 + MINUTE })
  })

  it('does not count an attempt that was called off', () => {
    const entries = [...failuresInARow(2), claimed(3, 2 * MINUTE), calledOff(3, 3 * MINUTE)]
    expect(again(entries)).toEqual(again(failuresInARow(2)))
  })

  it('takes the first of two records of one end', () => {
    const twice = [first, ended(1, SECOND), ended(1, 5 * SECOND, { outcome: 'completed' })]
    expect(again(twice)).toEqual(again([first, ended(1, SECOND)]))
  })

  it('does not take a late second record for a newer failure', () => {
    const entries = [first, ended(1, SECOND), claimed(2, 2 * SECOND), ended(1, SECOND), ended(2, MINUTE)]
    expect(again(entries)).toMatchObject({ delayMs: 3 * MINUTE, dueMs: T0 + 4 * MINUTE })
    expect(
      next([...entries.slice(0, 3), ended(2, MINUTE, { outcome: 'completed' }), ended(1, SECOND)]),
    ).toEqual({ kind: 'over' })
  })

  it('dates a lost end that lies before its own claim by that claim', () => {
    const entries = [...failuresInARow(1), claimed(2, HOUR), ended(2, 2 * SECOND, { outcome: 'lost' })]
    expect(due(entries)).toBe(HOUR + 3 * MINUTE)
  })

  it('takes an end whose claim was never written at its word', () => {
    expect(due([ended(1, SECOND)])).toBe(SECOND)
  })
})

describe('progress', () => {
  it('begins the sequence anew', () => {
    const entries = [...failuresInARow(4), claimed(5, HOUR), ended(5, HOUR + MINUTE, { progress: true })]
    expect(again(entries)).toMatchObject({ why: 'at-once', delayMs: 0 })
    const more = [...entries, claimed(6, 2 * HOUR), ended(6, 2 * HOUR + SECOND)]
    expect(delay(more)).toBe(3 * MINUTE)
  })

  it('is none where an older release did not write it', () => {
    const entries = failuresInARow(2).map((one) =>
      one.type === 'attempt-ended' ? { ...one, progress: undefined } : one,
    )
    expect(delay(entries)).toBe(3 * MINUTE)
  })

  it('is also what an attempt made that then met a limit', () => {
    const crashed = (progress: boolean) => {
      const limit = limited(4, HOUR, 2 * HOUR, { progress })
      const entries = [...failuresInARow(3), claimed(4, 50 * MINUTE), limit, claimed(5, 3 * HOUR)]
      return delay([...entries, ended(5, 3 * HOUR + SECOND)])
    }
    expect(crashed(false)).toBe(12 * MINUTE)
    expect(crashed(true)).toBe(0)
  })
})

describe('jitter', () => {
  const wait = (taskId: string, jitter: number, count = 2) => {
    const step = nextStep({ ...history(failuresInARow(count), { jitter }), taskId })
    return step.kind === 'again' ? step.delayMs : Number.NaN
  }

  it('lengthens a wait by no more than its part, and never shortens it', () => {
    const waits = Array.from({ length: 200 }, (_, index) => wait(`task ${index}`, 0.1))
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(3 * MINUTE)
    expect(Math.max(...waits)).toBeLessThanOrEqual(3.3 * MINUTE)
    expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(0.25 * MINUTE)
  })

  it('is the same whoever asks, and another for another task and another count', () => {
    expect(wait('a', 0.5)).toBe(wait('a', 0.5))
    expect(wait('a', 0.5)).not.toBe(wait('b', 0.5))
    expect(wait('a', 0.5, 3)).not.toBe(2 * wait('a', 0.5, 2))
  })

  it('does not keep the first resume back', () => {
    expect(wait('a', 1, 1)).toBe(0)
  })

  it('is whole milliseconds', () => {
    expect(Number.isInteger(wait('a', 0.123))).toBe(true)
  })
})

describe('the limit of retries', () => {
  it('allows no resume at all where it is 0', () => {
    const reason = 'gave up, no resume is allowed: it crashed'
    const step = { kind: 'gave-up', cause: 'retries', reason, hint: HINT }
    expect(next([first, ended(1, 0)], { maxRetries: 0 })).toEqual(step)
    expect(next([first, ended(1, 0, { progress: true })], { maxRetries: 0 }).kind).toBe('gave-up')
  })

  it('counts resumes without progress', () => {
    expect(next(failuresInARow(2), { maxRetries: 2 }).kind).toBe('again')
    expect(next(failuresInARow(3), { maxRetries: 2 })).toMatchObject({
      cause: 'retries',
      reason: 'gave up, 2 resumes in a row brought no progress: it crashed',
    })
  })

  it('is as far away as ever after progress', () => {
    const entries = [...failuresInARow(2), claimed(3, HOUR), ended(3, HOUR + SECOND, { progress: true })]
    expect(next(entries, { maxRetries: 1 }).kind).toBe('again')
  })

  it('is none where it is null', () => {
    expect(next(failuresInARow(40, 2 * HOUR), { maxRetries: null }).kind).toBe('again')
  })

  it('hands on what the agent hinted at', () => {
    expect(next([first, ended(1, 0, { hint: 'look here' })], { maxRetries: 0 })).toMatchObject({
      hint: 'look here',
    })
  })
})

describe('the brake', () => {
  it('was pulled by one resume that could not be claimed, tried again and again while the disk was full', () => {
    const tries = Array.from({ length: 40 }, (_, index) => claimed(2, MINUTE + index * SECOND, 'monitor'))
    expect(again([first, ended(1, SECOND), ...tries])).toMatchObject({ why: 'at-once' })
  })

  const progressing = (count: number, gapMs: number) => failuresInARow(count, gapMs, { progress: true })

  it('ends a loop with a little progress in each round', () => {
    // The first was a person's: 30 resumes by the monitor lie within an hour after the 31st end.
    expect(next(progressing(30, MINUTE)).kind).toBe('again')
    expect(next(progressing(31, MINUTE))).toEqual({
      kind: 'gave-up',
      cause: 'brake',
      reason: 'gave up, 30 resumes within an hour: it crashed',
      hint: HINT,
    })
  })

  it('forgets resumes of more than an hour before the next one', () => {
    expect(next(progressing(300, 2 * MINUTE + 5 * SECOND)).kind).toBe('again')
    const three = [...progressing(3, MINUTE), claimed(4, HOUR), ended(4, 2 * HOUR, { progress: true })]
    expect(next(three, { maxResumesPerHour: 1 }).kind).toBe('again')
    expect(
      next(three.with(-1, ended(4, 2 * HOUR - 1, { progress: true })), { maxResumesPerHour: 1 }),
    ).toMatchObject({ cause: 'brake' })
  })

  it('a loop of limits that had passed already, with a little progress in each round, was never ended', () => {
    const loop = Array.from({ length: 31 }, (_, index) => [
      claimed(index + 1, index * MINUTE, index === 0 ? 'person' : 'monitor'),
      limited(index + 1, index * MINUTE + SECOND, 0, { progress: true }),
    ]).flat()
    expect(next(loop.slice(0, -2)).kind).toBe('again')
    const reason = 'gave up, 30 resumes within an hour: limit reached'
    expect(next(loop)).toEqual({ kind: 'gave-up', cause: 'brake', reason, hint: HINT })
  })

  it('does not count what was called off', () => {
    const entries = [...progressing(2, MINUTE), claimed(3, 2 * MINUTE), calledOff(3, 3 * MINUTE)]
    expect(next(entries, { maxResumesPerHour: 2 }).kind).toBe('again')
    expect(next(entries, { maxResumesPerHour: 1 })).toMatchObject({ cause: 'brake' })
  })
})

describe('the deadline', () => {
  const policy = { deadlineMs: 5 * HOUR }
  const failsAt = (ms: number, ...between: Entry[]) => [first, ...between, ended(1, ms)]
  const kindAt = (ms: number, ...between: Entry[]) => next(failsAt(ms, ...between), policy).kind

  it('is the last moment at which an attempt may be due', () => {
    expect(kindAt(5 * HOUR)).toBe('again')
    const reason = 'gave up, the deadline of supervision has come: it crashed'
    expect(next(failsAt(5 * HOUR + 1), policy)).toEqual({
      kind: 'gave-up',
      cause: 'deadline',
      reason,
      hint: HINT,
    })
  })

  it('counts the wait before the attempt', () => {
    const entries = (ms: number) => [first, ended(1, SECOND), claimed(2, MINUTE), ended(2, ms)]
    expect(next(entries(5 * HOUR - 3 * MINUTE), policy).kind).toBe('again')
    expect(next(entries(5 * HOUR - 3 * MINUTE + 1), policy)).toMatchObject({ cause: 'deadline' })
  })

  it('is none where it is null', () => {
    expect(next(failsAt(1e6 * HOUR), { deadlineMs: null }).kind).toBe('again')
    expect(deadlineMs(history(failsAt(HOUR)), null)).toBeNull()
  })

  it('moves with the clock, whichever way that was set', () => {
    expect(kindAt(7 * HOUR, jumped(HOUR, 2 * HOUR))).toBe('again')
    expect(kindAt(7 * HOUR + 1, jumped(HOUR, 2 * HOUR))).toBe('gave-up')
    expect(kindAt(3 * HOUR, jumped(HOUR, -2 * HOUR))).toBe('again')
    expect(kindAt(3 * HOUR + 1, jumped(HOUR, -2 * HOUR))).toBe('gave-up')
    expect(deadlineMs(history([first, jumped(1, HOUR), jumped(2, -3 * HOUR)], policy), null)).toBe(
      T0 + 3 * HOUR,
    )
  })

  it('does not count the time that a stated limit kept the task waiting', () => {
    const parked = [limited(1, HOUR, 4 * HOUR), claimed(2, 4 * HOUR)]
    expect(deadlineMs(history([first, ...parked], policy), null)).toBe(T0 + 8 * HOUR)
    expect(next([first, ...parked, ended(2, 7 * HOUR, { progress: true })], policy).kind).toBe('again')
  })

  it('waits for a stated limit that ends after it', () => {
    expect(again([first, limited(1, HOUR, 100 * HOUR)], policy).why).toBe('limit')
  })

  it('supervision seemed to end before the attempt that a stated limit put off', () => {
    const met = [first, limited(1, HOUR, 100 * HOUR)]
    const step = again(met, policy)
    expect(deadlineMs(history(met, policy), step)).toBe(step.dueMs + 4 * HOUR)
    const guessed = history([first, limited(1, HOUR, null)], policy)
    expect(deadlineMs(guessed, nextStep(guessed))).toBe(T0 + 5 * HOUR)
    const crashed = history([first, ended(1, HOUR), ended(2, HOUR)], policy)
    expect(deadlineMs(crashed, nextStep(crashed))).toBe(T0 + 5 * HOUR)
  })

  it('a clock that jumped during a stated limit moved the deadline twice', () => {
    const parked = (jumpMs: number, claimMs: number) => [
      limited(1, HOUR, 4 * HOUR),
      jumped(2 * HOUR, jumpMs),
      claimed(2, claimMs),
    ]
    const deadline = (jumpMs: number, claimMs: number) =>
      deadlineMs(history([first, ...parked(jumpMs, claimMs)], policy), null)
    // Asleep for two of the three hours, and set back by two hours in the course of five.
    expect(deadline(2 * HOUR, 4 * HOUR)).toBe(T0 + 8 * HOUR)
    expect(deadline(-2 * HOUR, 4 * HOUR)).toBe(T0 + 8 * HOUR)
    expect(deadline(-4 * HOUR, 0)).toBe(T0 + 4 * HOUR)
  })

  it('does not begin to park before the attempt was claimed, nor again for a second record of the same end', () => {
    const late = [
      first,
      ended(1, MINUTE),
      claimed(2, HOUR),
      limited(2, MINUTE, 4 * HOUR),
      claimed(3, 4 * HOUR),
    ]
    expect(deadlineMs(history(late, policy), null)).toBe(T0 + 8 * HOUR)
    const twice = [...late, limited(2, MINUTE, 4 * HOUR), ended(3, 5 * HOUR), claimed(4, 6 * HOUR)]
    expect(deadlineMs(history(twice, policy), null)).toBe(T0 + 8 * HOUR)
  })

  it('parks until the first claim alone, where whoever made it died and it was made again', () => {
    const again = [limited(1, HOUR, 4 * HOUR), claimed(2, 4 * HOUR), claimed(2, 5 * HOUR)]
    expect(deadlineMs(history([first, ...again], policy), null)).toBe(T0 + 8 * HOUR)
  })

  it('a task that met a stated limit after its deadline went on for ever', () => {
    const met = (ms: number) => [first, limited(1, ms, ms + HOUR, { progress: true })]
    expect(next(met(5 * HOUR), policy).kind).toBe('again')
    expect(next(met(5 * HOUR + 1), policy)).toMatchObject({ kind: 'gave-up', cause: 'deadline' })
  })

  it('counts the time of a limit whose end is a guess', () => {
    const parked = [limited(1, HOUR, null), claimed(2, 4 * HOUR)]
    expect(deadlineMs(history([first, ...parked], policy), null)).toBe(T0 + 5 * HOUR)
    expect(next([first, limited(1, 4.9 * HOUR, null)], policy)).toMatchObject({ cause: 'deadline' })
  })

  it('counts from the task’s making until a person’s claim is there', () => {
    expect(deadlineMs(history([], policy), null)).toBe(T0 + 5 * HOUR)
    expect(deadlineMs(history([claimed(1, MINUTE, 'person')], policy), null)).toBe(T0 + 5 * HOUR + MINUTE)
  })
})

describe('a person’s resume', () => {
  const resumed = (attempt: number, ms: number) => claimed(attempt, ms, 'person')

  it('forgets the failures before it', () => {
    const entries = [...failuresInARow(6), resumed(7, HOUR), ended(7, HOUR + SECOND)]
    expect(again(entries)).toMatchObject({ why: 'at-once', dueMs: T0 + HOUR + SECOND })
  })

  it('forgets a kill, an interrupt, a good end and a giving up', () => {
    const before: Entry[][] = [
      [killRequested(1), ended(1, 2, { outcome: 'killed' }), killed(3)],
      [ended(1, 2, { outcome: 'interrupted' })],
      [ended(1, 2, { outcome: 'completed' })],
      [ended(1, 2, { cause: 'permission' }), gaveUp(3, 'permission')],
    ]
    for (const entries of before) {
      expect(next([first, ...entries]).kind).not.toBe('again')
      expect(again([first, ...entries, resumed(2, HOUR), ended(2, 2 * HOUR)]).why).toBe('at-once')
    }
  })

  it('a late second record of an end before a resume counted as an end after it', () => {
    const before = [first, ended(1, 1), resumed(2, HOUR)]
    const late = ended(1, 1)
    expect(next([...before, ended(2, 2 * HOUR, { outcome: 'completed' }), late])).toEqual({ kind: 'over' })
    expect(again([...before, late, ended(2, 2 * HOUR)]).why).toBe('at-once')
  })

  it('moves the deadline, and takes back what moved it before', () => {
    const entries = [first, jumped(1, HOUR), limited(1, HOUR, 2 * HOUR), resumed(2, 3 * HOUR)]
    expect(deadlineMs(history(entries, { deadlineMs: 5 * HOUR }), null)).toBe(T0 + 8 * HOUR)
  })

  it('lets go of the brake', () => {
    const loop = failuresInARow(31, MINUTE, { progress: true })
    expect(next([...loop, resumed(32, 32 * MINUTE), ended(32, 33 * MINUTE)]).kind).toBe('again')
  })

  it('is every claim of a release that knew no monitor', () => {
    const entries = [claimed(1, 0, null), ended(1, 1), claimed(2, HOUR, null), ended(2, HOUR + 1)]
    expect(again(entries)).toMatchObject({ why: 'at-once', dueMs: T0 + HOUR + 1 })
    expect(deadlineMs(history(entries, { deadlineMs: HOUR }), null)).toBe(T0 + 2 * HOUR)
  })

  it('is not what the monitor claims', () => {
    expect(delay([first, ended(1, 0), claimed(2, 1, 'monitor'), ended(2, 2)])).toBe(3 * MINUTE)
  })
})

describe('what is over', () => {
  const over = { kind: 'over' }

  it.each<Outcome>(['completed', 'interrupted', 'killed'])('is over after the outcome %s', (outcome) => {
    expect(next([first, ended(1, 1, { outcome })])).toEqual(over)
    expect(next([...failuresInARow(2), claimed(3, HOUR), ended(3, 2 * HOUR, { outcome })])).toEqual(over)
  })

  it('never revives what somebody killed or asked to be killed', () => {
    expect(next([first, killRequested(1), ended(1, 2)])).toEqual(over)
    expect(next([first, ended(1, 2), killRequested(3)])).toEqual(over)
    expect(next([first, ended(1, 2), killed(3)])).toEqual(over)
    expect(next([first, killRequested(1)])).toEqual(over)
    // The monitor’s own claim is no leave to go on.
    expect(next([first, ended(1, 2), killRequested(3), claimed(2, 4), ended(2, 5)])).toEqual(over)
  })

  it('promises nothing to a task that is not supervised', () => {
    for (const entries of [[], [first], [first, ended(1, 1)], [first, limited(1, 1, 2)]]) {
      expect(next(entries, { restart: 'never' })).toEqual(over)
    }
  })

  it.each(['not-logged-in', 'bad-arguments', 'no-such-session', 'wrong-session', 'permission', 'bad-prompt'])(
    'gives up at once for the hopeless cause %s',
    (cause) => {
      const end = ended(1, 1, { cause, reason: 'no way', hint: 'log in' })
      expect(next([first, end])).toEqual({ kind: 'gave-up', cause, reason: 'no way', hint: 'log in' })
      expect(next([first, { ...end, progress: true, outcome: 'lost' }]).kind).toBe('gave-up')
    },
  )

  it.each(['crashed', 'api-error', 'unfinished', 'usage-limit', 'interrupted'])(
    'does not give up at once for the cause %s',
    (cause) => expect(next([first, ended(1, 1, { cause })]).kind).toBe('again'),
  )

  it('asks the newest failure alone whether there is hope', () => {
    const entries = [first, ended(1, 1, { cause: 'permission' }), claimed(2, 2), ended(2, 3)]
    expect(next(entries).kind).toBe('again')
  })

  it('keeps to it that it gave up, and why', () => {
    const entries = [first, ended(1, 1), gaveUp(2, 'superseded'), gaveUp(3, 'brake')]
    const reason = 'gave up for superseded'
    expect(next(entries)).toEqual({ kind: 'gave-up', cause: 'superseded', reason, hint: 'do something' })
  })
})

describe('a usage limit', () => {
  const refused = (entries: Entry[], policy: Partial<Policy> = {}) => again([first, ...entries], policy)

  it('is waited for until its stated end, and a moment longer', () => {
    const step = refused([limited(1, HOUR, 4 * HOUR)])
    expect(step).toMatchObject({ why: 'limit', guess: false, reason: 'limit reached' })
    expect(step.dueMs - T0).toBeGreaterThanOrEqual(4 * HOUR + 30 * SECOND)
    expect(step.dueMs - T0).toBeLessThanOrEqual(4 * HOUR + 90 * SECOND)
    expect(step.delayMs).toBe(step.dueMs - T0 - HOUR)
    expect(Number.isInteger(step.dueMs)).toBe(true)
  })

  it('is not waited for twice where its end has passed', () => {
    const step = refused([limited(1, HOUR, MINUTE)])
    expect(step.delayMs).toBeGreaterThanOrEqual(30 * SECOND)
    expect(step.delayMs).toBeLessThanOrEqual(90 * SECOND)
  })

  it.each([
    [1, 15],
    [2, 30],
    [3, 60],
    [4, 60],
    [10, 60],
  ])(
    'is waited for after refusal %i in a row, where nobody said its end, for %i minutes',
    (count, minutes) => {
      const entries = Array.from({ length: count }, (_, index) => [
        claimed(index + 1, index * HOUR, index === 0 ? 'person' : 'monitor'),
        limited(index + 1, index * HOUR + SECOND, null),
      ]).flat()
      const step = again(entries)
      expect(step).toMatchObject({ why: 'limit', guess: true })
      expect(step.reason).toBe('limit reached (no reset time was stated: the next attempt is a guess)')
      expect(step.delayMs).toBeGreaterThanOrEqual((minutes + 0.5) * MINUTE)
      expect(step.delayMs).toBeLessThanOrEqual((minutes + 1.5) * MINUTE)
    },
  )

  it('that was lifted and is there again is asked for a minute later each time', () => {
    const twice = [limited(1, HOUR, HOUR), claimed(2, 2 * HOUR), limited(2, 2 * HOUR, HOUR)]
    expect(refused(twice).delayMs).toBeGreaterThanOrEqual(90 * SECOND)
    expect(refused(twice).delayMs).toBeLessThanOrEqual(150 * SECOND)
  })

  it('more than ten refusals in a row had it go on at once, again and again', () => {
    const refusals = (count: number) =>
      Array.from({ length: count }, (_, index) => [
        claimed(index + 1, index * HOUR, index === 0 ? 'person' : 'monitor'),
        limited(index + 1, index * HOUR + SECOND, null),
      ]).flat()
    expect(again(refusals(11))).toMatchObject({ why: 'at-once', delayMs: 0 })
    expect(again(refusals(12))).toMatchObject({ why: 'backoff', delayMs: 3 * MINUTE })
    expect(again(refusals(14))).toMatchObject({ why: 'backoff', delayMs: 12 * MINUTE })
    expect(next(refusals(12), { maxRetries: 2 }).kind).toBe('again')
    expect(next(refusals(13), { maxRetries: 2 })).toMatchObject({ cause: 'retries' })
  })

  it('is no failure: what comes after it counts as if it had not been', () => {
    const entries = [...failuresInARow(2), claimed(3, HOUR), limited(3, HOUR, null), claimed(4, 2 * HOUR)]
    expect(delay([...entries, ended(4, 2 * HOUR + 1)])).toBe(6 * MINUTE)
    expect(next(entries.slice(0, -1), { maxRetries: 0 }).kind).toBe('again')
  })

  it('counts from the first refusal again after progress', () => {
    const met = [limited(1, 1, null), claimed(2, HOUR), limited(2, 2 * HOUR, null, { progress: true })]
    expect(refused(met).delayMs).toBeLessThanOrEqual(16.5 * MINUTE)
  })

  it('ends a row of refusals where anything else went wrong', () => {
    const other = [limited(1, 1, null), claimed(2, HOUR), ended(2, 2 * HOUR), claimed(3, 3 * HOUR)]
    expect(refused([...other, limited(3, 4 * HOUR, null)]).delayMs).toBeLessThanOrEqual(16.5 * MINUTE)
  })
})

describe('with follow-ups', () => {
  const well = (attempt: number, ms: number) => ended(attempt, ms, { outcome: 'completed', cause: null })
  const delivers = (attempt: number, ms: number, followUp: number): Entry =>
    ({ ...claimed(attempt, ms), followUp }) as Entry
  const step = { kind: 'again', why: 'at-once', delayMs: 0, reason: 'follow-up 1 is next', guess: false }

  it('begins the next turn at once, from its own moment, whatever is promised of failures', () => {
    const wanted = { ...step, dueMs: T0 + HOUR, followUp: 1 }
    const policy = { restart: 'never', maxRetries: 0, maxResumesPerHour: 0, deadlineMs: 1 } as const
    expect(next([first, sent(1, MINUTE), well(1, HOUR)], policy)).toEqual(wanted)
    expect(next([first, well(1, MINUTE), sent(1, HOUR)], policy)).toEqual(wanted)
  })

  it('mends a turn that broke off first', () => {
    expect(again([first, sent(1), ended(1, SECOND)])).not.toHaveProperty('followUp')
    expect(next([first, sent(1), ended(1, SECOND)], { restart: 'never' }).kind).toBe('over')
  })

  it('is over after a kill, also one that came too late for the turn', () => {
    expect(next([first, sent(1), killRequested(1), well(1, 2)]).kind).toBe('over')
    expect(next([first, sent(1), well(1, 2), killRequested(3), killed(4)]).kind).toBe('over')
  })

  it('begins supervision anew with each turn', () => {
    const later = [first, ...failuresInARow(3).slice(1), sent(1), claimed(4, HOUR), well(4, 6 * HOUR)]
    const turn = [...later, delivers(5, 6 * HOUR, 1), ended(5, 7 * HOUR)]
    expect(again(turn, { deadlineMs: 2 * HOUR, maxRetries: 1 })).toMatchObject({ why: 'at-once', delayMs: 0 })
    expect(deadlineMs(history(turn, { deadlineMs: 2 * HOUR }), null)).toBe(T0 + 8 * HOUR)
  })

  it('waits longer and longer where it cannot be launched, and is not begun anew by trying', () => {
    const done = [first, sent(1), well(1, SECOND)]
    const failing = [recoveryFailed(2 * SECOND), delivers(2, 3 * SECOND, 1), calledOff(2, 4 * SECOND)]
    expect(again([...done, recoveryFailed(SECOND)])).toMatchObject({ why: 'at-once', followUp: 1 })
    const twice = [...done, ...failing, recoveryFailed(5 * SECOND)]
    expect(again(twice)).toMatchObject({ why: 'backoff', delayMs: 3 * MINUTE, followUp: 1 })
    expect(next(twice, { maxRetries: 1 })).toMatchObject({ kind: 'gave-up', cause: 'retries' })
    expect(next([...done, recoveryFailed(SECOND)], { restart: 'never' })).toMatchObject({
      kind: 'gave-up',
      reason: 'follow-up 1 could not be started: tmux did not answer',
    })
  })

  it('one that was refused, for its launch was called off, revived a task that was over', () => {
    const ends: Entry[][] = [
      [well(1, 1)],
      [killRequested(1), ended(1, 2, { outcome: 'killed' }), killed(3)],
      [ended(1, 2, { outcome: 'interrupted' })],
      [ended(1, 2, { cause: 'permission' }), gaveUp(3, 'permission')],
      [ended(1, 1), gaveUp(2)],
    ]
    const person = claimed(2, HOUR, 'person')
    const second = [claimed(3, HOUR, 'person'), calledOff(3, HOUR)]
    for (const end of ends) {
      const before = next([first, ...end])
      expect(before.kind).not.toBe('again')
      for (const claim of [{ ...person, followUp: 1 } as Entry, person]) {
        const refused = [first, ...end, sent(1, HOUR), claim, calledOff(2, HOUR)]
        expect(next([...refused, withdrawn(1, HOUR)])).toEqual(before)
        expect(next([...refused, ...second, withdrawn(1, HOUR)])).toEqual(before)
        expect(again([...refused, withdrawn(1, HOUR), claimed(4, 2 * HOUR, 'person')]).why).toBe('at-once')
      }
    }
  })

  it('what was asked for again long after it was sent had its deadline behind it', () => {
    const done = [first, sent(1, SECOND), well(1, MINUTE), gaveUp(HOUR)]
    const asked = [{ ...claimed(2, 9 * HOUR, 'person'), followUp: 1 } as Entry, calledOff(2, 9 * HOUR)]
    const failed = [...done, ...asked, recoveryFailed(9 * HOUR + SECOND)]
    expect(again(failed, { deadlineMs: 5 * HOUR })).toMatchObject({ why: 'at-once', followUp: 1 })
  })

  it('stays given up', () => {
    expect(next([first, sent(1), well(1, 1), gaveUp(2)])).toMatchObject({ kind: 'gave-up' })
    expect(next([first, ended(1, 1), gaveUp(2), sent(1, 3)])).toMatchObject({ kind: 'gave-up' })
  })
})

describe('never launched', () => {
  it('launches what its maker did not live to launch', () => {
    const reason = 'the launch was cut off before the agent began'
    const step = { kind: 'again', why: 'at-once', dueMs: T0, delayMs: 0, reason, guess: false }
    expect(next([])).toEqual(step)
    expect(next([first])).toEqual(step)
    expect(next([first, calledOff(1, 1)])).toEqual(step)
  })

  it('launches what the person who resumed it did not live to launch', () => {
    const entries = [first, ended(1, 1, { outcome: 'completed' }), claimed(2, HOUR, 'person')]
    expect(next(entries).kind).toBe('again')
    expect(next([...entries, calledOff(2, HOUR)]).kind).toBe('again')
    expect(next([...entries, killRequested(2 * HOUR)]).kind).toBe('over')
  })

  it('does not launch what was given up', () => {
    expect(next([first, gaveUp(1, 'superseded')]).kind).toBe('gave-up')
  })
})

it('says the same whoever asks, and changes nothing', () => {
  const entries = [...failuresInARow(3), claimed(4, HOUR), limited(4, HOUR, 2 * HOUR)]
  const asked = history(entries, { jitter: 0.3 })
  const before = structuredClone(asked)
  expect(nextStep(asked)).toEqual(nextStep(structuredClone(asked)))
  expect(asked).toEqual(before)
  expect(iso(0)).toBe('2026-01-01T12:00:00.000Z')
})
