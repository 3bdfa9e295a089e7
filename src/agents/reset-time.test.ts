import { afterEach, describe, expect, it } from 'vitest'
import { resetTime } from './reset-time.ts'
import { momentOf, offsetOf } from './wall-clock.ts'

/** A Saturday, 01:15:28 in UTC. */
const ENDED = '2026-11-21T01:15:28.000Z'
const at = (text: string, ended: string | null = ENDED, zone = 'UTC') =>
  resetTime(text, ended === null ? undefined : Date.parse(ended), zone)
const later = (seconds: number) => new Date(Date.parse(ENDED) + seconds * 1000).toISOString()
const utc = (text: string) => `2026-${text}:00.000Z`

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

describe('a moment that is stated in full', () => {
  it.each([
    ['usage limit reached (five_hour), resets at 2026-11-21T02:15:28.000Z', later(HOUR)],
    ['Resets at 2026-11-21T05:00:00+03:00', utc('11-21T02:00')],
    ['Resets at 2026-11-21T02:00:00.123456-0500.', utc('11-21T07:00')],
    ['Limit resets at: 2026-11-21 02:00:00 UTC', utc('11-21T02:00')],
    ['Your limit will reset at 2026-11-25 02:06:00', utc('11-25T02:06')],
    ['Limit type: tokens. Resets 2026-11-21 10:00 (Asia/Tokyo)', null],
    ['Limit type: tokens. Resets 2026-11-21 12:00 (Asia/Tokyo)', utc('11-21T03:00')],
    ['asked at 2026-11-21T01:15:27Z, again at 2026-11-21T03:00:00Z', utc('11-21T03:00')],
    ['retry-after: Sat, 21 Nov 2026 02:15:28 GMT', later(HOUR)],
    ['"resets_at":1795227328', later(HOUR)],
    ['{\\"resets_at\\":1795227328,\\"x\\":1}', later(HOUR)],
    ['"resetsAt": 1795227328,', later(HOUR)],
    ['"X-RateLimit-Reset":"1795227328000"', later(HOUR)],
    ['anthropic-ratelimit-unified-reset: 1795227328', later(HOUR)],
    ['resets at 1795227328', later(HOUR)],
    ['Claude AI usage limit reached|1795227328', later(HOUR)],
  ])('%s', (text, expected) => expect(at(text)).toBe(expected))

  it('prefers the field of the limit to the windows in the headers (pi issue #4172)', () => {
    const said =
      'Codex error: {"type":"error","error":{"type":"usage_limit_reached","message":"The usage limit has been reached",' +
      '"plan_type":"plus","resets_at":1777936568,"eligible_promo":null,"resets_in_seconds":13872},"status_code":429,' +
      '"headers":{"X-Codex-Primary-Reset-After-Seconds":"13873","X-Codex-Primary-Reset-At":"1777936569",' +
      '"X-Codex-Secondary-Reset-At":"1778239400"}}'
    expect(at(said, '2026-05-04T19:24:56Z')).toBe('2026-05-04T23:16:08.000Z')
    const relative = said.replace(/"resets_at":\d+,|"X-Codex-\w+-Reset-At":"\d+",?/g, '')
    expect(at(relative, '2026-05-04T19:24:56Z')).toBe('2026-05-04T23:16:08.000Z')
  })

  it('needs no other time to be read', () => {
    expect(at('resets at 2026-11-21T02:15:28Z', null)).toBe(later(HOUR))
    expect(at('"resets_at":1795227328', null)).toBe(later(HOUR))
    expect(at('try again at Nov 21st, 2026 3:45 PM', null)).toBe(utc('11-21T15:45'))
    expect(at('"resets_at":9999999999', null)).toBeNull()
  })
})

describe('a time from then on', () => {
  it.each([
    ['or try again in 5 days 22 hours 11 minutes.', 5 * DAY + 22 * HOUR + 11 * MINUTE],
    ['or try again in 5 days 22 hours 11\nminutes.', 5 * DAY + 22 * HOUR + 11 * MINUTE],
    ['try again in 2 days, 3 hours and 5 minutes', 2 * DAY + 3 * HOUR + 5 * MINUTE],
    ['You have hit your ChatGPT usage limit (plus plan). Try again in ~30 min.', 30 * MINUTE],
    ['You have hit your ChatGPT usage limit (plus plan). Try again in ~5330 min.', 5330 * MINUTE],
    ['Weekly usage limit reached. It will reset in 1 day 4 hours. To continue', DAY + 4 * HOUR],
    ['It will reset in less than a minute. To continue', MINUTE],
    ['try again in an hour', HOUR],
    ['Resets in 1h30m', 90 * MINUTE],
    ['resets in 2h 30m', 150 * MINUTE],
    ['resets in 1h2m3.5s', HOUR + 2 * MINUTE + 3.5],
    ['Please try again in 6m0s. Visit', 6 * MINUTE],
    ['Please try again in 1.898s.', 1.898],
    ['Please try again in 250ms.', 0.25],
    ['Your quota will reset after 8h44m7s.', 8 * HOUR + 44 * MINUTE + 7],
    ['Please retry in 41.820516331s.', 41.821],
    ['"retryDelay": "34s"', 34],
    ['Please upgrade your plan or wait 3 hours 43 minutes for your limit to reset.', 3 * HOUR + 43 * MINUTE],
    ['Please wait 23 seconds before trying again.', 23],
    ['Free usage exceeded [retrying in 73801s - attempt #1]', 73_801],
    ['retry after 120 seconds', 120],
    ['available again in about 2 weeks', 14 * DAY],
    ['retry after 120', 120],
    ['Retry-After: 120', 120],
    ['"retry-after":"120"', 120],
    ['retry-after-ms: 1500', 1.5],
    ['retryAfterMs=1500', 1.5],
    ['"resets_in_seconds":13872}', 13_872],
    ['{"retry_after_seconds": 59}', 59],
    ['retry after 5 minutes', 5 * MINUTE],
  ])('%s', (text, seconds) => {
    expect(at(text)).toBe(later(seconds))
    expect(at(text, null)).toBeNull()
  })
})

describe('a time of day', () => {
  it.each([
    ['try again at 2:12 AM.', utc('11-21T02:12')],
    ['try again at 3:45 PM.', utc('11-21T15:45')],
    ['try again at 3:45\u202fPM.', utc('11-21T15:45')],
    ['try again at 3:45 p.m.', utc('11-21T15:45')],
    ["You've hit your session limit · resets 3pm", utc('11-21T15:00')],
    ['5-hour limit reached ∙ resets 3pm', utc('11-21T15:00')],
    ['resets 12am', utc('11-22T00:00')],
    ['resets 12pm', utc('11-21T12:00')],
    ['resets at 15:00 UTC', utc('11-21T15:00')],
    ['resets at 15:00:00', utc('11-21T15:00')],
    ['resets 12:10am', utc('11-22T00:10')],
    ['resets 10pm (Europe/Berlin)', utc('11-21T21:00')],
    ['resets 2:15am (UTC)', utc('11-21T02:15')],
    ['resets 4:30am (Asia/Calcutta)', utc('11-21T23:00')],
    ['Claude usage limit reached. Your limit will reset at 3pm (America/New_York).', utc('11-21T20:00')],
    ['Your limit will reset at 1pm (Etc/GMT+5)', utc('11-21T18:00')],
    ["You're out of extra usage · resets 9am (America/Cordoba)", utc('11-21T12:00')],
    ['resets 3pm (UTC+8)', utc('11-21T07:00')],
    ['resets 3pm GMT-05:30', utc('11-21T20:30')],
    ['Please wait until 3:45 PM', utc('11-21T15:45')],
  ])('%s', (text, expected) => {
    expect(at(text)).toBe(expected)
    expect(at(text, null)).toBeNull()
  })

  it('is local where no zone is named', () => {
    expect(at('resets 3pm', ENDED, 'America/Los_Angeles')).toBe(utc('11-21T23:00'))
    expect(at('resets 9pm', ENDED, 'America/Los_Angeles')).toBe(utc('11-21T05:00'))
    expect(at('resets 11am', ENDED, 'Asia/Tokyo')).toBe(utc('11-21T02:00'))
    expect(at('Your limit will reset at 2026-11-21 11:06:00', ENDED, 'Asia/Shanghai')).toBe(
      utc('11-21T03:06'),
    )
  })

  it('is read across a change of the clocks', () => {
    expect(at('resets 4am (Europe/Berlin)', '2026-10-24T20:00:00Z')).toBe(utc('10-25T03:00'))
    expect(at('resets 4am (Europe/Berlin)', '2026-03-28T20:00:00Z')).toBe(utc('03-29T02:00'))
    expect(at('resets 2:30am (Europe/Berlin)', '2026-03-28T20:00:00Z')).toBe(utc('03-29T01:30'))
  })

  it('that has passed just now is not the same time tomorrow', () => {
    expect(at('try again at 3:45 PM', '2026-11-21T15:45:10Z')).toBeNull()
    expect(at('resets 12:50am', '2026-11-21T01:00:00Z')).toBeNull()
    expect(at('resets 11:50pm', '2026-11-21T00:10:00Z')).toBeNull()
    expect(at('resets 12:10am', '2026-11-21T01:15:00Z')).toBe(utc('11-22T00:10'))
  })
})

describe('a day', () => {
  it.each([
    ['try again at Nov 21st, 2026 3:45 PM.', utc('11-21T15:45')],
    ['try again at Dec 2nd, 2026 12:05 AM.', utc('12-02T00:05')],
    ['resets Nov 24, 9am (UTC)', utc('11-24T09:00')],
    ['resets Nov 24 at 4:30am (Asia/Calcutta)', utc('11-23T23:00')],
    ["You've hit your weekly limit · resets Nov 27, 4pm (Europe/Rome)", utc('11-27T15:00')],
    ['Please wait for your limit to reset on November 22, 2026 at 2:00 AM or switch', utc('11-22T02:00')],
    ['resets Mon 12:00am', utc('11-23T00:00')],
    ['resets Monday at 9am (Europe/Berlin)', utc('11-23T08:00')],
    ['resets Sat 9am', utc('11-21T09:00')],
    ['resets Fri 9am', utc('11-27T09:00')],
    ['resets Sat 1am', null],
  ])('%s', (text, expected) => expect(at(text)).toBe(expected))

  it('without a year is the next such day', () => {
    expect(at('resets Oct 6, 1pm', '2026-10-01T00:00:00Z')).toBe(utc('10-06T13:00'))
    expect(at('resets Jan 2, 1pm', '2026-12-30T00:00:00Z')).toBe('2027-01-02T13:00:00.000Z')
    expect(at('resets Oct 6, 1pm', '2026-10-06T13:20:00Z')).toBeNull()
    expect(at('resets Oct 6, 1pm')).toBeNull()
    expect(at('resets Nov 24, 9am', null)).toBeNull()
  })
})

describe('nonsense', () => {
  it.each([
    '',
    'You exceeded your current quota, please check your plan and billing details.',
    "This request would exceed your account's rate limit. Please try again later.",
    "You've hit your usage limit. Upgrade to Pro, or wait for limits to reset (every 5h and every week.).",
    'exceeded retry limit, last status: 429 Too Many Requests, request id: 1795227328',
    'resets at 2026-11-21T01:15:28Z',
    'resets at 2025-11-21T02:15:28Z',
    'resets at 2026-13-21T02:15:28Z',
    'resets at 2027-02-30 02:15:28',
    'resets at 2027-01-21T02:15:28Z',
    '"resets_at":1795220000',
    '"resets_at":1999999999',
    '"resets_at":17952273281',
    'try again in 41 days',
    'try again in 0s',
    'try again in 999999999999999999999999 days',
    'try again as soon as you can',
    'it was last reset 3 hours ago',
    'resets 25:00',
    'resets 13pm',
    'resets 3:60pm',
    'resets 0am',
    'resets 3pm (Nowhere/City)',
    'resets 3pm (XYZ)',
    'resets Feb 30, 3pm',
    'resets Nov 24',
    'resets at 3',
    'the time is 3pm',
    'wait for 2026',
    'limit: 5 hours, used: 3pm',
  ])('%s', (text) => expect(at(text)).toBeNull())

  it('what brackets hold is not always a zone', () => {
    expect(at('resets 3pm (plus plan)')).toBe(utc('11-21T15:00'))
    expect(at('resets 3pm (weekly)')).toBe(utc('11-21T15:00'))
  })

  it('never throws, whatever the times and the zone are', () => {
    for (const ended of [Number.NaN, Number.POSITIVE_INFINITY, 9e15, -9e15, 0]) {
      for (const text of [
        'resets 3pm',
        'try again in 2 hours',
        'resets Nov 24, 9am',
        '"resets_at":1795227328',
      ])
        expect(() => resetTime(text, ended, 'UTC')).not.toThrow()
    }
    expect(at('resets 3pm', ENDED, 'Nowhere/City')).toBeNull()
  })

  it('is given up soon, however long it is', () => {
    const started = performance.now()
    for (const text of ['reset '.repeat(9e5), `wait ${'9 '.repeat(9e5)}`, `retry ${'in '.repeat(9e5)}x`])
      expect(at(text)).toBeNull()
    expect(at(`try again in ${'1 s '.repeat(9e5)}`)).not.toBeNull()
    expect(performance.now() - started).toBeLessThan(5000)
  })
})

describe('the zone of the machine', () => {
  const before = process.env.TZ
  afterEach(() => {
    if (before === undefined) delete process.env.TZ
    else process.env.TZ = before
  })

  it('counts where none is given', () => {
    process.env.TZ = 'America/New_York'
    expect(resetTime('resets 3pm', Date.parse(ENDED))).toBe(utc('11-21T20:00'))
  })
})

describe('wall clocks', () => {
  it.each([
    ['UTC', 0],
    ['Z', 0],
    ['Europe/Berlin', 1],
    ['Asia/Kathmandu', 5.75],
    ['America/St_Johns', -3.5],
    ['UTC+8', 8],
    ['GMT-05:30', -5.5],
    ['+0200', 2],
  ])('in %s are ahead by %f hours', (zone, hours) =>
    expect(offsetOf(zone, Date.parse(ENDED))).toBe(hours * 3_600_000),
  )
  it('know no zone that is none', () => {
    expect(offsetOf('Nowhere/City', 0)).toBeNull()
    expect(momentOf(0, 'Nowhere/City')).toBeNull()
    expect(offsetOf('UTC', Number.NaN)).toBeNull()
  })
})
