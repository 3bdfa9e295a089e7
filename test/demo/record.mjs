// @ts-check
/**
 * Runs the demo in a tmux pane of its own and draws what the pane showed: `npm run picture`, which writes docs/demo.svg.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { installAgents } from '../agents/install.mjs'
import { draw } from './picture.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const REPO = join(HERE, '../..')
const PICTURE = join(REPO, 'docs/demo.svg')
const COLUMNS = 100
const ROWS = 30

/** No pause lasts longer in the picture, seconds; nor shorter than it takes to look over the lines that came. */
const LONGEST_S = 2.5
const SECONDS_A_LINE = 0.13

await main()

async function main() {
  const agentDir = await installAgents({ from: HERE })
  const { screens, text } = await record(agentDir)
  for (const [what, word] of Object.entries({ home: homedir(), host: hostname(), folder: REPO })) {
    if (word.length > 3 && text.includes(word))
      throw new Error(`this machine's ${what} would be in the picture`)
  }
  mkdirSync(dirname(PICTURE), { recursive: true })
  const svg = draw(text, paced(screens), { columns: COLUMNS, rows: ROWS, title: 'npm run demo' })
  writeFileSync(PICTURE, svg)
  console.log(`${PICTURE}: ${Math.round(svg.length / 1024)} KiB`)
}

/**
 * @typedef {import('./picture.mjs').Screen} Screen
 *
 * @param {string} agentDir
 * @returns {Promise<{ screens: Screen[], text: string }>}   When how many lines were there, and all lines at the end.
 */
async function record(agentDir) {
  const dir = mkdtempSync(join(tmpdir(), 'rca-picture-'))
  const socket = join(dir, 'tmux')
  const over = join(dir, 'over')
  const tmux = (/** @type {string[]} */ ...args) =>
    execFileSync('tmux', ['-u', '-S', socket, '-f', '/dev/null', ...args], { encoding: 'utf8' })
  const capture = () => tmux('capture-pane', '-e', '-p', '-S', '-').trimEnd()
  try {
    const line = `'${process.execPath}' '${join(HERE, 'demo.mjs')}'; echo $? > '${over}'; exec sleep 600`
    const size = ['-x', String(COLUMNS), '-y', String(ROWS)]
    const env = ['-e', `RCA_DEMO_AGENT_DIR=${agentDir}`, '-e', 'TMPDIR=/tmp', '-e', 'LANG=C.UTF-8']
    tmux('new-session', '-d', ...size, ...env, '/bin/sh', '-c', line)
    /** @type {Screen[]} */
    const screens = []
    for (const begun = Date.now(); !existsSync(over); await sleep(50)) {
      const lines = capture().split('\n').length
      if (lines !== screens.at(-1)?.lines) screens.push({ atS: (Date.now() - begun) / 1000, lines })
    }
    const text = capture()
    if (readFileSync(over, 'utf8').trim() !== '0') throw new Error(`the demo failed:\n${text}`)
    const lines = text.split('\n').length
    return { screens: [...screens, { atS: (screens.at(-1)?.atS ?? 0) + 0.1, lines }], text }
  } finally {
    tmux('kill-server')
    rmSync(dir, { recursive: true, force: true })
  }
}

/**
 * The same screens at a pace at which they can be read.
 * @param {Screen[]} screens
 * @returns {Screen[]}
 */
function paced(screens) {
  let atS = 0
  return screens.map((screen, i) => {
    const [before, next] = [screens[i - 1]?.lines ?? 0, screens[i + 1]?.atS ?? 0]
    const shown = { atS, lines: screen.lines }
    const reading = (screen.lines - before) * SECONDS_A_LINE
    atS += Math.max(Math.min(next - screen.atS, LONGEST_S), Math.min(reading, 2 * LONGEST_S))
    return shown
  })
}
