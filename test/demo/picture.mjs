// @ts-check
/**
 * Draws what a terminal showed as an animated SVG without scripts or fonts of its own, as GitHub shows them.
 *
 * @typedef {object} Screen
 * @property {number} atS     When, in seconds.
 * @property {number} lines   How many lines had been printed by then.
 *
 * @typedef {{ text: string, column: number, style: string }} Run   A piece of a line in one style.
 */

const CHAR = 8.4
const LINE = 19
const PAD = 18
const BAR = 38
/** How long the last screen stays, seconds. */
const REST_S = 7

/** @type {Record<string, string>} SGR code to class. */
const STYLES = { 1: 'b', 2: 'd', 31: 'r', 32: 'g', 33: 'y', 34: 'u', 35: 'm', 36: 'c' }
/** SGR codes that end others. @type {Record<string, RegExp>} */
const ENDS = { 0: /./g, 22: /[bd]/g, 39: /[rgyumc]/g }

/**
 * @param {string} text        All that was printed, with colours, as `tmux capture-pane -e` gives it.
 * @param {Screen[]} screens
 * @param {{ columns: number, rows: number, title: string }} terminal
 */
export function draw(text, screens, { columns, rows, title }) {
  const lines = parse(text)
  const [width, height] = [columns * CHAR + 2 * PAD, rows * LINE + BAR + PAD]
  const seconds = (screens.at(-1)?.atS ?? 0) + REST_S
  const scrolled = (/** @type {number} */ count) => Math.max(0, count - rows) * LINE
  const scroll = keyframes(screens, seconds, (count) => -scrolled(count))
  const cover = keyframes(screens, seconds, (count) => count * LINE)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${xml(title)}: a task is started, its agent killed and resumed, and the same conversation finishes</title>
<style>
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#c9d1d9;white-space:pre}
.b{font-weight:600;fill:#f0f6fc}.d{fill:#8b949e}.r{fill:#ff7b72}.g{fill:#56d364}.y{fill:#e3b341}.u{fill:#79c0ff}.m{fill:#d2a8ff}.c{fill:#56d4dd}
.all{transform:translateY(${-scrolled(lines.length)}px);animation:all ${round(seconds)}s step-end infinite}
.rest{transform:translateY(${lines.length * LINE}px);animation:rest ${round(seconds)}s step-end infinite}
@keyframes all{${scroll}}
@keyframes rest{${cover}}
@media (prefers-reduced-motion:reduce){.all,.rest{animation:none}}
</style>
<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="9" fill="#0d1117" stroke="#30363d"/>
<circle cx="20" cy="19" r="6" fill="#ff5f57"/><circle cx="40" cy="19" r="6" fill="#febc2e"/><circle cx="60" cy="19" r="6" fill="#28c840"/>
<text class="d" x="${width / 2}" y="24" text-anchor="middle">${xml(title)}</text>
<clipPath id="pane"><rect x="0" y="${BAR}" width="${width}" height="${rows * LINE}"/></clipPath>
<g clip-path="url(#pane)"><g class="all">
${lines.map((runs, i) => runs.map((run) => drawRun(run, i)).join('')).join('\n')}
<rect class="rest" x="${PAD / 2}" y="${BAR}" width="${width - PAD}" height="${(lines.length + rows) * LINE}" fill="#0d1117"/>
</g></g>
</svg>
`
}

/**
 * @param {Screen[]} screens
 * @param {number} seconds   Of one round.
 * @param {(lines: number) => number} y   Where the moved thing is, px, when so many lines are there.
 */
function keyframes(screens, seconds, y) {
  return screens
    .map(({ atS, lines }) => `${round((atS / seconds) * 100)}%{transform:translateY(${y(lines)}px)}`)
    .join('')
}

/** @param {number} number */
const round = (number) => Math.round(number * 100) / 100

/**
 * The text's length is stated because a reader's font may be narrower or wider than ours; blanks that do not break are
 * kept as many as they are by every renderer.
 * @param {Run} run
 * @param {number} line
 */
function drawRun({ text, column, style }, line) {
  const at = `x="${round(PAD + column * CHAR)}" y="${BAR + (line + 1) * LINE - 5}"`
  const length = `textLength="${round(text.length * CHAR)}"`
  return `<text${style ? ` class="${style}"` : ''} ${at} ${length}>${xml(text).replaceAll(' ', '\u00a0')}</text>`
}

/** @param {string} text */
function xml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/**
 * Lines with SGR sequences as styled runs; a style lasts over the end of its line.
 * @param {string} text
 * @returns {Run[][]}
 */
function parse(text) {
  let style = ''
  return text.split('\n').map((line) => {
    /** @type {Run[]} */
    const runs = []
    let column = 0
    for (const [, codes, plain = ''] of line.matchAll(ESCAPE_OR_TEXT)) {
      if (codes !== undefined) style = restyled(style, codes)
      else column += addRun(runs, { text: plain, column, style })
    }
    return runs
  })
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: this is what starts a colour
const ESCAPE_OR_TEXT = /\u001b\[([\d;]*)m|([^\u001b]+)/g

/**
 * @param {Run[]} runs
 * @param {Run} run
 */
function addRun(runs, run) {
  const blanks = run.text.length - run.text.trimStart().length
  const text = run.text.trim()
  if (text !== '') runs.push({ text, column: run.column + blanks, style: run.style })
  return run.text.length
}

/**
 * @param {string} style   Classes, with blanks between.
 * @param {string} codes
 */
function restyled(style, codes) {
  let classes = style.split(' ').filter(Boolean)
  for (const code of (codes || '0').split(';')) {
    const ends = ENDS[code] ?? (code.startsWith('3') ? ENDS[39] : undefined)
    if (ends) classes = classes.filter((one) => !one.match(ends))
    const added = STYLES[code]
    if (added) classes.push(added)
  }
  return classes.join(' ')
}
