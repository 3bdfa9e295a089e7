import { RcaError } from './errors.ts'

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

export const DURATION_EXAMPLES = 'For example: 90s, 15m, 1h30m.'

/** The same as `durationMs`. Throws a usage error that names `what`. */
export function parseDuration(text: string, what: string): number {
  const ms = durationMs(text)
  if (ms !== null) return ms
  throw new RcaError('usage', `${what}: ${JSON.stringify(text)} is not a duration`, DURATION_EXAMPLES)
}

/** Milliseconds of `90s`, `5m`, `1h30m`, `250ms` or a plain number of seconds; null: it is no duration. Pure. */
export function durationMs(text: string): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1_000)
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text) return null
  return parts.reduce((sum, part) => sum + Math.round(Number(part[1]) * (UNITS[part[2] ?? ''] ?? 0)), 0)
}

/** `3s`, `12m`, `5h 20m`, `3d`: for people. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return minutes % 60 === 0 ? `${hours}h` : `${hours}h ${minutes % 60}m`
  return `${Math.floor(hours / 24)}d`
}

/** `2m 10s`, and from an hour on as `formatDuration`: for what is to come, which is waited for to the second. */
export function formatWait(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 60 || seconds >= 3_600 || seconds % 60 === 0) return formatDuration(seconds * 1_000)
  return `${Math.floor(seconds / 60)}m ${seconds % 60}s`
}
