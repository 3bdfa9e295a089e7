import { localZone, momentOf, offsetOf } from './wall-clock.ts'

// Finds the moment at which a usage limit ends in the words of an agent or of its provider. Where each wording was seen stands
// beside what reads it: "source" is the program's own, "issue" a report by its users.

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** No plan has a longer period than a month. */
const FARTHEST_MS = 40 * DAY
/**
 * A clock time without a date that has passed by less than this is the one that has passed, and not the same time tomorrow:
 * codex cuts off the seconds, and Claude Code goes on naming a reset for some minutes after it (issues #74079, #73873). None of
 * the agents names a time without a date that is 23 hours ahead, but for one hour of a week.
 */
const STALE_MS = HOUR
/** Only the beginning of a text is read, characters: providers answer with whole web pages too. */
const LONGEST = 8192

interface Frame {
  /** Null: nothing that is relative to it can be read. */
  readonly endedMs: number | null
  readonly timeZone: string
}

/** Gives every moment that a text states in one manner, in the text's order, plausible or not. */
type Reader = (text: string, frame: Frame) => number[]

/**
 * When the usage limit that `text` tells of ends, RFC 3339 in UTC; null where it does not say, or says what cannot be: a moment
 * that has passed by `endedMs` or is more than 40 days after it. Pure; never throws.
 *
 * @param endedMs when the words were said, ms since the epoch: without it only moments with a date and a year can be read
 * @param timeZone what local times mean where the text names no zone
 */
export function resetTime(text: string, endedMs: number | undefined, timeZone?: string): string | null {
  const frame = { endedMs: datable(endedMs) ? endedMs : null, timeZone: timeZone ?? localZone() }
  const start = text.slice(0, LONGEST)
  for (const read of READERS) {
    const ms = read(start, frame).find((one) => isPlausible(one, frame.endedMs))
    if (ms !== undefined) return new Date(ms).toISOString()
  }
  return null
}

/** Whether Date can say what this and the time after it is. */
function datable(ms: number | undefined): ms is number {
  return ms !== undefined && Math.abs(ms) < 8e15
}

function isPlausible(ms: number, endedMs: number | null): boolean {
  if (endedMs === null) return ms > Date.UTC(2000) && ms < Date.UTC(2100)
  return ms > endedMs && ms - endedMs <= FARTHEST_MS
}

/**
 * Seconds or milliseconds since the epoch under a name that speaks of a reset: `"resets_at":1777936568` in what the backend of
 * ChatGPT answers (pi 0.73.0, issue #4172), `X-RateLimit-Reset` (OpenRouter), `Claude AI usage limit reached|1749924000` (Claude
 * Code 1.0.24, issue #2087).
 */
const EPOCH =
  /(?:reset[a-z]*[-_ ]?(?:at|on|time|timestamp|date)?[\s"'\\:=|]*|limit reached\|)(\d{13}|\d{10})(?!\d)/gi

function epochs(text: string): number[] {
  return [...text.matchAll(EPOCH)].map(
    ([, digits = '']) => Number(digits) * (digits.length === 10 ? SECOND : 1),
  )
}

/**
 * RFC 3339, and the same with a blank and without a zone: "Your limit will reset at 2026-06-25 02:06:16" (the GLM plans of Z.ai,
 * opencode issue #33029; their clock is taken for the local one).
 */
const WRITTEN = /(?<!\d)(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?/gi

function written(text: string, { timeZone }: Frame): number[] {
  return matches(WRITTEN, text).flatMap(({ groups, rest }) => {
    const [year, month, day, hour, minute, second] = groups.map(Number)
    const wall = wallOf(
      [year, month, day],
      (hour ?? 0) * HOUR + (minute ?? 0) * MINUTE + (second || 0) * SECOND,
    )
    return momentsOf([wall], zoneIn(rest) ?? timeZone)
  })
}

/** The other form of the header Retry-After, as RFC 9110 has it. */
const HTTP_DATE = /\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT/g

function httpDates(text: string): number[] {
  return [...text.matchAll(HTTP_DATE)].map(([date]) => Date.parse(date))
}

/** What announces a time from here on: "every 5h" (codex 0.23.0, issue #2669) announces none. */
const LEAD =
  '(?<![a-z])(?:resets?|resetting|try(?:ing)? again|retry(?:ing)?|available|renews?|resumes?|wait|until)'
const FILL = String.raw`(?:[\s"'\\:=\u00b7~\u2248(_-]|(?:again|in|after|at|on|for|by|until|will|be|is|about|approximately|around|another|delay|back)(?![a-z]))*`

const UNITS = [
  [/^(?:ms|milli)/i, 1],
  [/^s/i, SECOND],
  [/^m/i, MINUTE],
  [/^h/i, HOUR],
  [/^d/i, DAY],
  [/^w/i, 7 * DAY],
] as const
const COUNT = String.raw`\d{1,9}(?:\.\d{1,9})?\s*|an?\s+`
const UNIT = 'milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w'
const AMOUNT = new RegExp(`(${COUNT})(${UNIT})(?![a-z])`, 'gi')

/**
 * "try again in 5 days 22 hours 11 minutes" (codex 0.39.0, issue #3899), "It will reset in 1 day 4 hours", "in less than a
 * minute" (opencode, source: session/retry.ts), "Try again in ~30 min." (pi, source: openai-codex-responses.ts; rounded, so up to
 * 30 s early), "wait 3 hours 43 minutes for your limit to reset" (GitHub Copilot), "Your quota will reset after 8h44m7s", "Please
 * retry in 41.820516331s", `"retryDelay":"34s"` (Google), "try again in 6m0s" (OpenAI).
 */
const LASTING = new RegExp(
  String.raw`${LEAD}${FILL}((?:(?:less than )?(?:${COUNT})(?:${UNIT})(?![a-z])[\s,]*(?:and\s+)?)+)(?!\s*ago)`,
  'gi',
)

function durations(text: string, { endedMs }: Frame): number[] {
  if (endedMs === null) return []
  return [...text.matchAll(LASTING)].map(([, amounts = '']) => endedMs + lengthOf(amounts))
}

function lengthOf(amounts: string): number {
  let sum = 0
  for (const [, count = '', unit = ''] of amounts.matchAll(AMOUNT)) {
    const size = UNITS.find(([name]) => name.test(unit))?.[1] ?? 0
    sum += (/^a/i.test(count) ? 1 : Number(count)) * size
  }
  return Math.round(sum)
}

/**
 * A number alone is in seconds, unless its name says otherwise: `retry-after: 120` (RFC 9110), `retry-after-ms` (opencode, source:
 * session/retry.ts), `"resets_in_seconds":13872` (ChatGPT; pi issue #4172), `retry_after_seconds: 59` (Cerebras; pi issue #7134).
 */
const SECONDS =
  /(?<![a-z])(?:retry|resets?)[-_ ]?(?:in|after|delay)[-_ ]?(ms|milliseconds|seconds|secs|s)?["'\\]*\s*[:=]?\s*["'\\]*(\d{1,12}(?:\.\d{1,9})?)(?![\d:]|\.\d|\s*[a-z])/gi

function seconds(text: string, { endedMs }: Frame): number[] {
  if (endedMs === null) return []
  return [...text.matchAll(SECONDS)].map(([, unit = '', count]) => {
    return endedMs + Math.round(Number(count) * (/^m/i.test(unit) ? 1 : SECOND))
  })
}

const TIME = String.raw`(\d{1,2})(?::(\d\d)(?::(\d\d))?)?(?:\s*([ap])\.?\s?m(?![a-z]))?`
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/**
 * "try again at Nov 21st, 2026 3:45 PM" (codex, source: protocol/src/error.rs), "resets Jul 31, 2am (UTC)" (Claude Code 2.1.220,
 * issue #81647), "resets Sep 15 at 7pm" (2.1.263, issue #92834), "reset on April 20, 2026 at 2:00 AM" (GitHub Copilot). Without a
 * year it is the next such day.
 */
const DATED = new RegExp(
  String.raw`${LEAD}${FILL}(${MONTHS.join('|')})[a-z]*\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?:,?\s+(\d{4}))?(?:[\s,]|at(?![a-z]))*${TIME}`,
  'gi',
)

function dates(text: string, frame: Frame): number[] {
  return matches(DATED, text).flatMap(({ groups, rest }) => {
    const [name = '', day, year, ...time] = groups
    const ofDay = timeOfDay(time)
    const zone = zoneIn(rest) ?? frame.timeZone
    const month = MONTHS.indexOf(name.toLowerCase()) + 1
    if (ofDay === null) return []
    if (year) return momentsOf([wallOf([Number(year), month, Number(day)], ofDay)], zone)
    return upcoming(frame, zone, (today) => {
      const now = new Date(today).getUTCFullYear()
      return [now - 1, now, now + 1].map((one) => wallOf([one, month, Number(day)], ofDay))
    })
  })
}

/** "resets Mon 12:00am": no version is known that says so; kept because reports of it exist. */
const WEEKLY = new RegExp(String.raw`${LEAD}${FILL}(${WEEKDAYS.join('|')})[a-z]*,?\s+(?:at\s+)?${TIME}`, 'gi')

function weekdays(text: string, frame: Frame): number[] {
  return matches(WEEKLY, text).flatMap(({ groups, rest }) => {
    const [name = '', ...time] = groups
    const weekday = WEEKDAYS.indexOf(name.toLowerCase())
    return upcoming(frame, zoneIn(rest) ?? frame.timeZone, (today) =>
      [-7, 0, 7].map((days) => {
        const ahead = (weekday - new Date(today).getUTCDay() + 7) % 7
        return today + (days + ahead) * DAY + (timeOfDay(time) ?? Number.NaN)
      }),
    )
  })
}

/**
 * "try again at 3:45 PM" (codex, source: protocol/src/error.rs; on the same day, in local time, seconds cut off), "resets 3pm",
 * "resets 10:30pm (Europe/Berlin)" (Claude Code 2.1.215, issue #79136), "Your limit will reset at 1pm (Etc/GMT+5)" (1.0.24, issue
 * #2087), "You're out of extra usage · resets 9am (America/Cordoba)" (2.1.90, issue #42654).
 */
const CLOCK = new RegExp(`${LEAD}${FILL}${TIME}`, 'gi')

function clocks(text: string, frame: Frame): number[] {
  return matches(CLOCK, text).flatMap(({ groups, rest }) =>
    upcoming(frame, zoneIn(rest) ?? frame.timeZone, (today) =>
      [-DAY, 0, DAY].map((day) => today + day + (timeOfDay(groups) ?? Number.NaN)),
    ),
  )
}

/** The most exact first. */
const READERS: readonly Reader[] = [epochs, written, httpDates, durations, seconds, dates, weekdays, clocks]

interface Match {
  readonly groups: readonly (string | undefined)[]
  /** What follows in the text. */
  readonly rest: string
}

function matches(pattern: RegExp, text: string): Match[] {
  return [...text.matchAll(pattern)].map((match) => {
    const [whole, ...groups] = match
    return { groups, rest: text.slice(match.index + whole.length) }
  })
}

/** ms since midnight; null for a lone number and for what no clock shows. */
function timeOfDay([hours, minutes, seconds, half]: readonly (string | undefined)[]): number | null {
  if (!half && minutes === undefined) return null
  const hour = Number(hours)
  if (half ? hour < 1 || hour > 12 : hour > 23) return null
  if (Number(minutes ?? 0) > 59 || Number(seconds ?? 0) > 59) return null
  const of24 = half ? (hour % 12) + (half.toLowerCase() === 'p' ? 12 : 0) : hour
  return of24 * HOUR + Number(minutes ?? 0) * MINUTE + Number(seconds ?? 0) * SECOND
}

/** A wall time; NaN for a day that its month does not have. */
function wallOf([year = 0, month = 0, day = 0]: readonly (number | undefined)[], ofDay: number): number {
  const midnight = Date.UTC(year, month - 1, day)
  const real = new Date(midnight).getUTCDate() === day && new Date(midnight).getUTCMonth() === month - 1
  return real && ofDay < DAY ? midnight + ofDay : Number.NaN
}

/** Bare: Z, UTC+8, -05:00. In brackets also a name. What brackets hold otherwise is no zone. */
const ZONE =
  /^\s*(?:(Z|(?:UTC|GMT)(?:[+-]\d{1,2}(?::?\d\d)?)?|[+-]\d\d:?\d\d)(?![A-Za-z\d])|\(([A-Z]+(?:[+-]\d{1,2}(?::?\d\d)?)?|[A-Za-z_]+\/[\w+\-/]+)\))/

/** The zone that is named at the beginning of a text, known or not; null: none. */
function zoneIn(text: string): string | null {
  const zone = ZONE.exec(text)
  return zone?.[1] ?? zone?.[2] ?? null
}

function momentsOf(walls: readonly number[], zone: string): number[] {
  return walls.flatMap((wall) => {
    const moment = Number.isNaN(wall) ? null : momentOf(wall, zone)
    return moment === null ? [] : [moment]
  })
}

/** `wallsFrom` gives the wall times that are meant, earliest first, from the midnight (wall time) before the end. */
function upcoming(
  { endedMs }: Frame,
  zone: string,
  wallsFrom: (today: number) => readonly number[],
): number[] {
  const offset = endedMs === null ? null : offsetOf(zone, endedMs)
  if (endedMs === null || offset === null) return []
  const moments = momentsOf(wallsFrom(Math.floor((endedMs + offset) / DAY) * DAY), zone)
  return moments.some((one) => one <= endedMs && endedMs - one < STALE_MS) ? [] : moments
}
