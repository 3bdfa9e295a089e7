const UNITS: Readonly<Record<string, number>> = { KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 }

export const SIZE_EXAMPLES = 'For example: 256MB, 1.5GB.'

/** Bytes of `256MB` or `1.5 GB` (1 MB is 1,048,576 bytes); null: it is no size. Pure. */
export function bytesOf(text: string): number | null {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([KMGT]B)$/i.exec(text) ?? []
  return number === '' ? null : Math.round(Number(number) * (UNITS[unit.toUpperCase()] ?? 0))
}

/** `256 MB`, `1.5 GB`: for people. Pure. */
export function formatSize(bytes: number): string {
  const units = Object.entries(UNITS)
  const [unit, size] = units.findLast(([, one]) => bytes >= one) ?? ['bytes', 1]
  const count = bytes / size
  return `${count >= 10 || Number.isInteger(count) ? Math.round(count) : count.toFixed(1)} ${unit}`
}
