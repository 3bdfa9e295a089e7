import { harmlessJson } from '../render/text.ts'
import { type FinishedIndex, newestFirst } from '../task/finished.ts'
import type { TaskJson } from '../task/json.ts'

/** What is to be listed: rows in the blocks of the index, in its order, and in the same order all others. */
export interface Listed {
  readonly rows: readonly number[]
  readonly others: readonly Other[]
}

/** A task or, of one that was added to the index, where its JSON is in that. */
export type Other = { readonly name: string; readonly startedAt: string } & (
  | { readonly task: TaskJson }
  | { readonly jsonStart: number; readonly jsonEnd: number }
)

/** A stretch of the array: a text, or a part of the index, in which there are commas between neighbours. */
type Stretch = { readonly text: string } | { readonly jsonStart: number; readonly jsonEnd: number }

/** These as one JSON array in UTF-8, with a line break behind it: of what the index holds not a byte is looked at. */
export function arrayOf(listed: Listed, index: FinishedIndex | null): Buffer {
  const stretches = stretchesOf(listed, index).map((one) =>
    'text' in one ? { text: Buffer.from(one.text) } : one,
  )
  const sizes = stretches.map((one) => ('text' in one ? one.text.length : one.jsonEnd - one.jsonStart))
  const commas = Math.max(0, stretches.length - 1)
  const array = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + size, 0) + commas + 3)
  let at = array.write('[')
  for (const [place, one] of stretches.entries()) {
    if (place > 0) at += array.write(',', at)
    if ('text' in one) one.text.copy(array, at)
    else index?.readInto(array, at, one.jsonStart, one.jsonEnd)
    at += sizes[place] ?? 0
  }
  array.write(']\n', at)
  return array
}

/** Neighbours in the index are one stretch, unless another task comes between them. */
function stretchesOf({ rows, others }: Listed, index: FinishedIndex | null): Stretch[] {
  const stretches: Stretch[] = []
  const place = (at: number) =>
    index?.place(rows[at] ?? 0) ?? { name: '', startedAt: '', jsonStart: 0, jsonEnd: 0 }
  let done = 0
  const addRows = (to: number) => {
    while (done < to) {
      let last = done
      while (last + 1 < to && rows[last + 1] === (rows[last] ?? 0) + 1) last++
      stretches.push({ jsonStart: place(done).jsonStart, jsonEnd: place(last).jsonEnd })
      done = last + 1
    }
  }
  for (const other of others) {
    addRows(firstBehind(done, rows.length, (at) => newestFirst(other, place(at)) < 0))
    stretches.push('task' in other ? { text: harmlessJson(other.task) } : other)
  }
  addRows(rows.length)
  return stretches
}

/** The first of these places that is behind; all after it are, too. */
function firstBehind(from: number, to: number, isBehind: (at: number) => boolean): number {
  let [low, high] = [from, to]
  while (low < high) {
    const middle = (low + high) >> 1
    if (isBehind(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/** The session names, in the same order. A task directory's name ends with what mkdtemp has added. */
export function namesOf({ rows, others }: Listed, index: FinishedIndex | null): string[] {
  const places = index ? rows.map((row) => index.place(row)) : []
  return [...places, ...others].sort(newestFirst).map(({ name }) => name.replace(/\.[^.]*$/, ''))
}
