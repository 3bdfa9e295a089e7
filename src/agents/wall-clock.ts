// What clocks on the wall show, and where. A wall time is held as the ms since the epoch at which a clock in UTC shows it.

const MINUTE = 60_000

/** `UTC+8`, `GMT-05:30`, `+0200`: Intl of Node.js 20 takes none of these. */
const FIXED = /^(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?$/i

/** The time zone of this machine, or of TZ where that is set. */
export function localZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** By how many ms the clocks of a zone are ahead of UTC at a moment; null: no such zone, or no such moment. */
export function offsetOf(zone: string, atMs: number): number | null {
  const fixed = FIXED.exec(zone)
  if (fixed) return (fixed[1] === '-' ? -1 : 1) * (Number(fixed[2]) * 60 + Number(fixed[3] ?? 0)) * MINUTE
  try {
    return shown(zone === 'Z' ? 'UTC' : zone, atMs) - Math.floor(atMs / 1000) * 1000
  } catch {
    return null
  }
}

function shown(zone: string, atMs: number): number {
  const digits = '2-digit'
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: zone, hourCycle: 'h23', year: 'numeric', month: digits, day: digits },
    ...{ hour: digits, minute: digits, second: digits },
  })
  const parts = format.formatToParts(atMs)
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((one) => one.type === type)?.value)
  const date = [part('year'), part('month') - 1, part('day')] as const
  return Date.UTC(...date, part('hour'), part('minute'), part('second'))
}

/**
 * The moment at which clocks in a zone show a wall time; null: no such zone. Of an hour that comes twice it is one of the two;
 * in an hour that is left out (clocks go forward) it is at most an hour off.
 */
export function momentOf(wallMs: number, zone: string): number | null {
  const near = offsetOf(zone, wallMs)
  const exact = near === null ? null : offsetOf(zone, wallMs - near)
  return exact === null ? null : wallMs - exact
}
