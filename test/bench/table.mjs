// @ts-check

/**
 * @param {readonly import('./cases.mjs').Case[]} cases
 * @param {Record<string, number[]>} times   ms, by the case's name
 * @returns {string}   A Markdown table: medians with minimum and maximum, and ratios of medians to their base.
 */
export function table(cases, times) {
  const rows = cases.map(({ name, base, mark }) => {
    const mine = summary(times[name] ?? [])
    const ratio = base ? mine.median / summary(times[base] ?? []).median : null
    const to = base ? `\`${base}\`` : ''
    return [`\`${name}\``, ms(mine.median), `${ms(mine.min)} to ${ms(mine.max)}`, to, ...judged(ratio, mark)]
  })
  const head = ['what', 'median, ms', 'min to max', 'beside', 'ratio', 'at most', '']
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

/**
 * @param {number|null} ratio
 * @param {number|undefined} mark
 */
function judged(ratio, mark) {
  const shown = ratio === null ? '' : ratio.toFixed(2)
  if (ratio === null || mark === undefined) return [shown, '', '']
  return [shown, mark.toFixed(1), ratio <= mark ? 'ok' : 'missed']
}

/** @param {number} number */
const ms = (number) => number.toFixed(1)

/** @param {number[]} all */
function summary(all) {
  const sorted = all.toSorted((a, b) => a - b)
  const at = (/** @type {number} */ index) => sorted[index] ?? Number.NaN
  const middle = (sorted.length - 1) / 2
  const median = (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2
  return { median, min: at(0), max: at(sorted.length - 1) }
}
