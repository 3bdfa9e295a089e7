/** Random numbers that a seed brings back. */
export interface Random {
  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number
  /** One of these, by weight. */
  weighted<T extends { readonly weight: number }>(list: readonly T[]): T
}

/** mulberry32: small, and good enough to choose faults by. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
    weighted: (list) => {
      let at = next() * list.reduce((sum, one) => sum + one.weight, 0)
      const found = list.find((one) => {
        at -= one.weight
        return at < 0
      })
      return found ?? (list.at(-1) as (typeof list)[number])
    },
  }
}
