// @ts-check
/**
 * Pure: figures -> a Markdown table.
 *
 * @typedef {object} Row
 * @property {string} name
 * @property {string} unit
 * @property {readonly number[]} values   One for each round.
 * @property {string} [beside]    The name of the row that it is compared with.
 * @property {number} [mark]      The ratio must not be above it.
 * @property {number} [limit]     The figure itself must not be above it.
 * @property {boolean} [mean]     What comes in bursts: the mean counts, not the median.
 * @property {string} [missing]   Why there are no values.
 * @property {string} [note]
 */

const HEAD = ['what', 'median', 'min to max', 'beside', 'ratio', 'at most', '', 'note']

/**
 * @param {readonly Row[]} rows
 * @returns {string}   Medians with minimum and maximum, and the ratio of each median to its neighbour's.
 */
export function table(rows) {
  const lines = rows.map((row) => line(row, ratioOf(row, rows)))
  return [HEAD, HEAD.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/**
 * @param {Row} row
 * @param {number|null} ratio
 */
function line(row, ratio) {
  if (row.missing !== undefined) return [row.name, 'missing', '', '', '', '', '', row.missing]
  const { min, max } = summary(row.values)
  const middle = middleOf(row)
  return [
    row.name,
    `${figure(middle)} ${row.unit}${row.mean ? ' (mean)' : ''}`,
    row.values.length > 1 ? `${figure(min)} to ${figure(max)}` : '',
    besideWhat(row),
    ratio === null ? '' : ratioText(ratio),
    ...judged(row, ratio, middle),
    row.note ?? '',
  ]
}

/**
 * @param {Row} row
 * @param {number|null} ratio
 * @param {number} middle
 */
function judged({ mark, limit, unit }, ratio, middle) {
  if (mark !== undefined && ratio !== null) return [`${mark} x`, verdict(ratio <= mark)]
  if (limit !== undefined) return [`${limit} ${unit}`, verdict(middle <= limit)]
  return ['', '']
}

/**
 * The neighbour's name without what both names end in.
 * @param {Row} row
 */
function besideWhat({ name, beside = '' }) {
  const ends = [...beside.matchAll(/[,:] /g)].map(({ index }) => index)
  return beside.slice(
    0,
    ends.find((at) => name.endsWith(beside.slice(at))),
  )
}

/** @param {boolean} reached */
const verdict = (reached) => (reached ? 'ok' : 'missed')

/**
 * @param {Row} row
 * @param {readonly Row[]} rows
 */
function ratioOf(row, rows) {
  const base = rows.find(({ name, missing }) => name === row.beside && missing === undefined)
  const divisor = base ? middleOf(base) : 0
  return divisor > 0 && row.missing === undefined ? middleOf(row) / divisor : null
}

/** @param {Row} row */
const middleOf = ({ values, mean }) => (mean ? summary(values).mean : summary(values).median)

/** How many marks were reached, and how many were not.
 * @param {readonly Row[]} rows
 */
export function verdicts(rows) {
  const all = rows
    .filter(({ missing }) => missing === undefined)
    .map((row) => judged(row, ratioOf(row, rows), middleOf(row))[1])
  return {
    ok: all.filter((one) => one === 'ok').length,
    missed: all.filter((one) => one === 'missed').length,
  }
}

/** @param {number} ratio */
const ratioText = (ratio) => (ratio === 0 || ratio >= 0.01 ? ratio.toFixed(2) : ratio.toPrecision(1))

/** Three figures that count. @param {number} value */
export function figure(value) {
  if (!Number.isFinite(value)) return '?'
  if (value === 0) return '0'
  const size = Math.abs(value)
  return size >= 100
    ? Math.round(value).toLocaleString('en')
    : value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3)
}

/** @param {readonly number[]} all */
export function summary(all) {
  const sorted = all.toSorted((a, b) => a - b)
  const at = (/** @type {number} */ index) => sorted[index] ?? Number.NaN
  const middle = (sorted.length - 1) / 2
  const median = (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2
  const mean = sorted.reduce((total, value) => total + value, 0) / sorted.length
  return { median, mean, min: at(0), max: at(sorted.length - 1) }
}
