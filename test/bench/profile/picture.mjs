// @ts-check
/** Pure: a tree of times, and a row of steps -> SVG. */

const WIDTH = 1200
const MARGIN = 16
const ROW = 21
const LETTER = 6.7
/** What is narrower is left out, px. */
const NARROW = 2
const COLOURS = { node: '#d0d7de', rca: '#54aeff', package: '#ffb77c', other: '#eaeef2' }
const LEGEND = { node: 'Node itself', rca: 'rca', package: 'packages in it', other: 'between' }

/**
 * @typedef {import('./tree.mjs').Tree} Tree
 * @typedef {{ name: string, ms: number }} Step
 *
 * @param {string} title
 * @param {Tree} tree
 * @param {readonly Step[]} steps   Drawn above it, on a scale of their own; may be empty.
 * @param {string} stepsTitle
 */
export function picture(title, tree, steps, stepsTitle) {
  const timeline = steps.length > 0 ? drawSteps(steps, stepsTitle, 44) : { text: '', bottom: 40 }
  const icicle = drawTree(tree, timeline.bottom + 24)
  const height = icicle.bottom + 40
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>${plain(title)}</title>
<style>text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#1f2328}.h{font-size:14px;font-weight:600}rect{stroke:#fff}</style>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text class="h" x="${MARGIN}" y="25">${plain(title)}</text>
${timeline.text}${icicle.text}${legend(height - 18)}</svg>
`
}

/**
 * @param {readonly Step[]} steps
 * @param {string} title
 * @param {number} top
 */
function drawSteps(steps, title, top) {
  const total = steps.reduce((sum, { ms }) => sum + ms, 0)
  const scale = (WIDTH - 2 * MARGIN) / total
  let at = 0
  const bars = steps.map(({ name, ms }, n) => {
    const x = MARGIN + at * scale
    at += ms
    const y = top + 14 + n * ROW
    const label = `${name}: ${shown(ms)}`
    const after = x + ms * scale + 6
    const right = after + label.length * LETTER < WIDTH
    return `${bar(x, y, ms * scale, n === 0 ? COLOURS.node : COLOURS.rca, label)}${
      right
        ? text(after, y, label)
        : `<text x="${x - 6}" y="${y + 14}" text-anchor="end">${plain(label)}</text>\n`
    }`
  })
  return {
    text: `<text x="${MARGIN}" y="${top + 4}">${plain(title)}</text>\n${bars.join('')}`,
    bottom: top + 14 + steps.length * ROW,
  }
}

/**
 * @param {Tree} tree
 * @param {number} top
 */
function drawTree(tree, top) {
  const scale = (WIDTH - 2 * MARGIN) / tree.ms
  let bottom = top
  /** @type {string[]} */
  const out = []
  const draw = (/** @type {Tree} */ node, /** @type {number} */ x, /** @type {number} */ y) => {
    const width = node.ms * scale
    if (width < NARROW) return
    bottom = Math.max(bottom, y + ROW)
    const label = `${node.name} ${shown(node.ms)}`
    out.push(bar(x, y, width, COLOURS[node.kind], label), fitting(x, y, width, node))
    let at = x
    for (const child of node.children.toSorted((a, b) => a.at - b.at)) {
      draw(child, at, y + ROW)
      at += child.ms * scale
    }
  }
  draw(tree, MARGIN, top)
  return { text: out.join(''), bottom }
}

/**
 * Its name and ms, or as much of it as there is room for.
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {Tree} node
 */
function fitting(x, y, width, { name, ms }) {
  const room = Math.floor((width - 6) / LETTER)
  const whole = `${name} ${shown(ms)}`
  if (whole.length <= room) return text(x + 3, y, whole)
  if (room < 5) return ''
  return text(x + 3, y, name.length <= room ? name : `${name.slice(0, room - 1)}…`)
}

/** @param {number} ms */
const shown = (ms) => `${ms.toFixed(1)} ms`

/**
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {string} fill
 * @param {string} label
 */
const bar = (x, y, width, fill, label) =>
  `<rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(1, width).toFixed(1)}" height="${ROW - 1}" fill="${fill}"><title>${plain(label)}</title></rect>\n`

/**
 * @param {number} x
 * @param {number} y
 * @param {string} label
 */
const text = (x, y, label) => `<text x="${x.toFixed(1)}" y="${y + 14}">${plain(label)}</text>\n`

/** @param {number} y */
function legend(y) {
  return Object.entries(LEGEND)
    .map(([kind, label], n) => {
      const x = MARGIN + n * 150
      const fill = COLOURS[/** @type {keyof typeof COLOURS} */ (kind)]
      return `<rect x="${x}" y="${y - 10}" width="12" height="12" fill="${fill}"/><text x="${x + 18}" y="${y}">${label}</text>\n`
    })
    .join('')
}

/** @param {string} label */
const plain = (label) => label.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
