/**
 * Which of the known names somebody may have meant by this one; null: none is near. Case, `-` and `_` do not count, and
 * of a dotted name only the last part does. Pure.
 */
export function nearest(name: string, known: readonly string[]): string | null {
  const wanted = plain(name)
  const limit = Math.max(1, Math.floor(wanted.length / 3))
  let best: { readonly name: string; readonly distance: number } | null = null
  for (const one of known) {
    const distance = distanceOf(wanted, plain(one))
    if (distance <= limit && (best === null || distance < best.distance)) best = { name: one, distance }
  }
  return best?.name ?? null
}

const plain = (name: string) =>
  name
    .slice(name.lastIndexOf('.') + 1)
    .replaceAll(/[-_]/g, '')
    .toLowerCase()

/** A name that is a part of the other is near; else it is the number of letters to put in, take out, change or swap. */
function distanceOf(a: string, b: string): number {
  if (a === b) return 0
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  if (short.length > 3 && long.includes(short)) return 1
  // Far apart already, and not worth counting.
  if (long.length - short.length > 8) return long.length
  let before: readonly number[] = []
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let index = 0; index < a.length; index++) {
    const next = nextRow(before, row, a.slice(Math.max(0, index - 1), index + 1), b)
    before = row
    row = next
  }
  return row[b.length] ?? 0
}

/**
 * One row of the table of Wagner and Fischer, with swaps of two neighbours (optimal string alignment). `letters`: the one
 * before, and this row's.
 */
function nextRow(
  before: readonly number[],
  row: readonly number[],
  letters: string,
  b: string,
): readonly number[] {
  const letter = letters.at(-1)
  const next = [(row[0] ?? 0) + 1]
  for (let index = 0; index < b.length; index++) {
    const changed = (row[index] ?? 0) + (b[index] === letter ? 0 : 1)
    const isSwap = letters.length === 2 && index > 0 && b[index - 1] === letter && b[index] === letters[0]
    const swapped = isSwap ? (before[index - 1] ?? 0) + 1 : changed
    next.push(Math.min(changed, swapped, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1))
  }
  return next
}
