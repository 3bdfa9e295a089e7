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
  killed,
  killRequested,
  limited,
  MINUTE,
  recoveryFailed,
  SECOND,
  sent,
  stalled,
  withdrawn,
} from '../../test/fixtures/entries.ts'
import { specFixture } from '../../test/fixtures/spec.ts'
import type { Entry } from '../task/schema.ts'
import { occurrencesOf } from './occurrences.ts'

const spec = specFixture()
const started = (attempt: number, ms: number): Entry => ({
  at: iso(ms),
  type: 'attempt-started',
  attempt,
  how: attempt === 1 ? 'start' : 'resume',
  host: 'here',
  argv: [],
  pid: 1,
  start: '1',
  boot: 'b',
})
const waiting = (ms: number, untilMs: number): Entry => ({
  at: iso(ms),
  type: 'waiting',
  until: iso(untilMs),
  why: 'limit',
  reason: 'limit reached',
  guess: false,
})
const progress = (attempt: number, ms: number): Entry => ({
  at: iso(ms),
  type: 'progress',
  attempt,
  text: 'it runs the tests',
  eventsBytes: ms,
})

const names = (entries: readonly Entry[], of = spec) =>
  occurrencesOf(of, [created, ...entries]).map((one) => one.id.slice(spec.id.length + 1))

const done = { outcome: 'completed', cause: null, reason: null, exit: { code: 0 } } as const

describe('occurrencesOf', () => {
  it.each<[string, Entry[], string[]]>([
    ['nothing yet', [claimed(1, 0, 'person')], []],
    ['a start', [claimed(1, 0, 'person'), started(1, SECOND)], ['1.started']],
    [
      'a good end',
      [claimed(1, 0, 'person'), started(1, SECOND), ended(1, MINUTE, done)],
      ['1.started', '1.done'],
    ],
    [
      'a start that nobody lived to write down',
      [claimed(1, 0, 'person'), ended(1, MINUTE, done)],
      ['1.started', '1.done'],
    ],
    [
      'a start that is written down after the end',
      [claimed(1, 0, 'person'), ended(1, SECOND, done), started(1, 2 * SECOND)],
      ['1.started', '1.done'],
    ],
    [
      'an end that two observers wrote down',
      [claimed(1, 0, 'person'), ended(1, MINUTE), ended(1, MINUTE, done)],
      ['1.started', '1.crashed'],
    ],
    [
      'a crash, and going on',
      [
        claimed(1, 0, 'person'),
        ended(1, MINUTE),
        claimed(2, MINUTE),
        started(2, MINUTE),
        ended(2, HOUR, done),
      ],
      ['1.started', '1.crashed', '2.resumed', '2.done'],
    ],
    ['an attempt that was called off', [claimed(1, 0, 'person'), calledOff(1, SECOND)], []],
    [
      'a limit, noted twice by two observers, and a second one',
      [
        claimed(1, 0, 'person'),
        limited(1, MINUTE, HOUR),
        waiting(MINUTE, HOUR),
        waiting(MINUTE + 1, HOUR),
        waiting(2 * MINUTE, 2 * HOUR),
      ],
      ['1.started', '1.waiting.1', '1.waiting.2'],
    ],
    [
      'two silences and some progress',
      [claimed(1, 0, 'person'), stalled(1, HOUR), stalled(1, 2 * HOUR), progress(1, 3), progress(1, 4)],
      ['1.stalled.1', '1.stalled.2', '1.progress.1', '1.progress.2'],
    ],
    [
      'a cause that cannot heal, before and after somebody has noted it',
      [
        claimed(1, 0, 'person'),
        ended(1, MINUTE, { cause: 'not-logged-in' }),
        gaveUp(MINUTE, 'not-logged-in'),
      ],
      ['1.started', '1.failed'],
    ],
    [
      'a failed start',
      [claimed(1, 0, 'person'), ended(1, SECOND), gaveUp(SECOND, 'failed-start')],
      ['1.started', '1.crashed', '1.failed'],
    ],
    [
      'the deadline',
      [claimed(1, 0, 'person'), ended(1, 6 * HOUR), gaveUp(6 * HOUR, 'deadline')],
      ['1.started', '1.gave-up'],
    ],
    [
      'a kill of an agent that ran',
      [
        claimed(1, 0, 'person'),
        killRequested(MINUTE),
        ended(1, MINUTE, { outcome: 'killed' }),
        killed(MINUTE),
      ],
      ['1.started', '1.killed'],
    ],
    [
      'a kill of a task that waited',
      [claimed(1, 0, 'person'), ended(1, MINUTE), killRequested(HOUR), killed(HOUR)],
      ['1.started', '1.crashed', '1.killed'],
    ],
    [
      'a kill that came too late',
      [claimed(1, 0, 'person'), killRequested(MINUTE), ended(1, MINUTE, done), killed(MINUTE)],
      ['1.started', '1.done'],
    ],
    [
      'Ctrl-C at the pane',
      [claimed(1, 0, 'person'), ended(1, MINUTE, { outcome: 'interrupted' })],
      ['1.started', '1.killed'],
    ],
    [
      'a person who goes on after the end',
      [claimed(1, 0, 'person'), ended(1, MINUTE, done), claimed(2, HOUR, 'person'), ended(2, 2 * HOUR, done)],
      ['1.started', '1.done', '2.resumed', '2.done'],
    ],
    [
      'a follow-up that is queued while the agent runs: only the last turn is the end',
      [
        ...[claimed(1, 0, 'person'), sent(1, SECOND), ended(1, MINUTE, done)],
        ...[{ ...claimed(2, MINUTE), followUp: 1 } as Entry, ended(2, HOUR, done)],
      ],
      ['1.started', '2.resumed', '2.done'],
    ],
    [
      'a kill between the turns: the end of the task was told by nobody',
      [
        ...[claimed(1, 0, 'person'), started(1, 0), sent(1), ended(1, MINUTE, done)],
        ...[killRequested(2 * MINUTE), killed(2 * MINUTE)],
      ],
      ['1.started', '1.killed'],
    ],
    [
      'a kill in a turn that ended well all the same, with a follow-up behind it: told that all is done',
      [...[claimed(1, 0, 'person'), sent(1), killRequested(MINUTE), ended(1, MINUTE, done)], killed(MINUTE)],
      ['1.started', '1.killed'],
    ],
    [
      'a follow-up that was taken back once its turn had come: nobody heard that all is done',
      [claimed(1, 0, 'person'), sent(1), ended(1, MINUTE, done), withdrawn(1, MINUTE)],
      ['1.started', '1.done'],
    ],
    [
      'the same, of which the launch was called off',
      [
        ...[claimed(1, 0, 'person'), sent(1), ended(1, MINUTE, done)],
        ...[{ ...claimed(2, MINUTE, 'person'), followUp: 1 } as Entry, calledOff(2, MINUTE)],
        withdrawn(1, 2 * MINUTE),
      ],
      ['1.started', '1.done'],
    ],
    [
      'a follow-up that is taken back after the end, and one of two',
      [
        ...[claimed(1, 0, 'person'), ended(1, MINUTE, done), sent(1, HOUR), withdrawn(1, HOUR)],
        ...[sent(2, HOUR), sent(3, HOUR), withdrawn(2, HOUR)],
      ],
      ['1.started', '1.done'],
    ],
    [
      'a follow-up that is sent after the end',
      [
        ...[claimed(1, 0, 'person'), ended(1, MINUTE, done), sent(1, HOUR)],
        ...[{ ...claimed(2, HOUR), followUp: 1 } as Entry, ended(2, 2 * HOUR, done)],
      ],
      ['1.started', '1.done', '2.resumed', '2.done'],
    ],
    [
      'a resume that could not be launched',
      [claimed(1, 0, 'person'), ended(1, MINUTE), recoveryFailed(MINUTE)],
      ['1.started', '1.crashed'],
    ],
  ])('%s', (_, entries, expected) => {
    expect(names(entries)).toEqual(expected)
  })

  it('takes the last of too many failures for the end', () => {
    const twice = specFixture({ policy: { restart: 'on-failure', maxRetries: 1, stallAfterMs: null } })
    expect(names(failuresInARow(2), twice)).toEqual(['1.started', '1.crashed', '2.resumed', '2.gave-up'])
  })

  it('takes a first failure for the end where nobody is to go on', () => {
    const never = specFixture({ policy: { restart: 'never', stallAfterMs: null } })
    expect(names(failuresInARow(1), never)).toEqual(['1.started', '1.failed'])
  })

  it('tells the same of what has happened whatever happens later', () => {
    const all = [
      ...[claimed(1, 0, 'person'), started(1, 1), ended(1, MINUTE), waiting(MINUTE, HOUR)],
      ...[claimed(2, HOUR), started(2, HOUR), stalled(2, HOUR), progress(2, HOUR), ended(2, 2 * HOUR)],
      ...[
        claimed(3, 2 * HOUR),
        ended(3, 3 * HOUR, { cause: 'bad-arguments' }),
        gaveUp(3 * HOUR, 'bad-arguments'),
      ],
      ...[claimed(4, 4 * HOUR, 'person'), started(4, 4 * HOUR), killRequested(5 * HOUR), killed(5 * HOUR)],
    ]
    const whole = occurrencesOf(spec, all)
    for (let length = 0; length <= all.length; length++) {
      const known = occurrencesOf(spec, all.slice(0, length))
      expect(known).toEqual(whole.slice(0, known.length))
    }
  })
})
