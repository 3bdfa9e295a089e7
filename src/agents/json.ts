/** Reading other programs' JSON without trusting its shape: nothing here throws. */
export type JsonObject = Readonly<Record<string, unknown>>

/** One line of JSON Lines as an object; null for anything else, a torn line included. */
export function parseObject(line: string): JsonObject | null {
  if (!line.trimStart().startsWith('{')) return null
  try {
    return obj(JSON.parse(line))
  } catch {
    return null
  }
}

export function obj(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function str(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

export function num(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

/** A time in ms since the epoch, or in words, as RFC 3339 in UTC; null where it is no time. */
export function utc(value: unknown): string | null {
  if (typeof value !== 'number' && typeof value !== 'string') return null
  const date = new Date(value)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}
