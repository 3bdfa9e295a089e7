// @ts-check
/**
 * Contenders take turns: what else the machine does meets all of them alike.
 *
 * @typedef {() => number | Record<string, number> | Promise<number | Record<string, number>>} Take   One figure, or several.
 */

/**
 * One round to warm up, whose figures are thrown away, then `runs` rounds.
 * @param {number} runs
 * @param {Readonly<Record<string, Take>>} contenders   By the name of the figure, or the beginning of the names of its figures.
 * @param {(text: string) => void} [progress]
 * @returns {Promise<Record<string, number[]>>}
 */
export async function rounds(runs, contenders, progress = () => {}) {
  /** @type {Record<string, number[]>} */
  const figures = {}
  for (let round = 0; round <= runs; round++) {
    progress(`round ${round} of ${runs}`)
    for (const [name, take] of Object.entries(contenders)) {
      const taken = await take()
      if (round === 0) continue
      const named = typeof taken === 'number' ? { '': taken } : taken
      for (const [figure, value] of Object.entries(named)) keep(figures, `${name}${figure}`, value)
    }
  }
  return figures
}

/**
 * @param {Record<string, number[]>} figures
 * @param {string} name
 * @param {number} value
 */
export function keep(figures, name, value) {
  const list = figures[name]
  if (list) list.push(value)
  else figures[name] = [value]
}
