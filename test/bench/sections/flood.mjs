// @ts-check
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { takeStamp } from '../agent.mjs'
import { until } from '../clock.mjs'
import { writeEvents } from '../events.mjs'
import { withPeers } from '../peers/index.mjs'
import { rounds } from '../rounds.mjs'
import { makeYard } from '../yard.mjs'
import { missingRows, RESTLESS } from './section.mjs'

const PEERS = /** @type {const} */ (['rca', 'recipe', 'pm2', 'tsp', 'screen'])
const LABELS = { rca: 'rca', recipe: 'the recipe', pm2: 'pm2', tsp: 'tsp', screen: '`screen -L`' }
const FILE = 'into a file'
const TAKES = ': the program takes'
const LOST = ': bytes lost or changed'
const NAME = 'flood'
/** @type {Record<string, Partial<import('./section.mjs').Row>>} */
const LOST_EXTRAS = {
  [`${LABELS.rca}${LOST}`]: { limit: 0 },
  [`${LABELS.screen}${LOST}`]: { note: 'a terminal ends lines with a carriage return more' },
}

/**
 * A program prints so many bytes as fast as it can and says when it began and ended.
 * @type {import('./section.mjs').Section}
 */
export const flood = {
  name: 'flood',
  title: 'A flood of output',
  run: async (context) => {
    const yard = makeYard(RESTLESS)
    try {
      const source = join(yard.dir, 'flood.jsonl')
      const bytes = writeEvents(source, (context.short ? 50 : 200) * 1e6)
      // Its events are codex's own, the first and the last as well. Not cat, which has the kernel copy from file to file.
      yard.agent(`dd 'if=${source}' bs=64k status=none; date +%s%N > ended; exec sleep 100000`)
      const expected = { bytes, hash: hashOf(source, bytes), source }
      return await withPeers(yard, PEERS, context.missing, (runners) =>
        measure(context, yard, runners, expected),
      )
    } finally {
      yard.close()
    }
  },
}

/**
 * @param {import('./section.mjs').Context} context
 * @param {import('../yard.mjs').Yard} yard
 * @param {import('../peers/index.mjs').Runners} runners
 * @param {{ bytes: number, hash: string }} expected
 */
async function measure(context, yard, runners, expected) {
  const contenders = Object.entries(runners).map(([key, runner]) => [
    LABELS[/** @type {keyof typeof LABELS} */ (key)],
    () => through(yard, runner, expected),
  ])
  const all = { [FILE]: () => intoFile(yard), ...Object.fromEntries(contenders) }
  const figures = await rounds(
    context.short ? 2 : Math.max(3, Math.round(context.runs / 3)),
    all,
    context.progress,
  )
  const rows = Object.entries(figures).map(([name, values]) => {
    if (name.endsWith(LOST)) return { name, unit: 'bytes', values, ...LOST_EXTRAS[name] }
    const base = FILE + TAKES
    return {
      name,
      unit: 'ms',
      values,
      ...(name === base ? {} : { beside: base }),
      ...(name === `rca${TAKES}` ? { mark: 1.3 } : {}),
    }
  })
  const note = `${(expected.bytes / 1e6).toFixed(0)} MB of events`
  return [...rows.map((row, n) => (n === 0 ? { ...row, note } : row)), ...missingRows(context, PEERS)]
}

/** @param {import('../yard.mjs').Yard} yard */
function intoFile(yard) {
  const folder = yard.work('file')
  const argv = [
    'sh',
    '-c',
    `${yard.program} > output & pid=$!; while [ ! -e ended ]; do sleep 0.02; done; kill $pid`,
  ]
  yard.must(argv, { cwd: folder })
  return { [TAKES]: tookIn(folder) }
}

/** @param {string} folder */
function tookIn(folder) {
  const ended = takeStamp(folder, 'ended')
  return ended - takeStamp(folder)
}

/**
 * @param {import('../yard.mjs').Yard} yard
 * @param {import('../peers/peer.mjs').Runner} runner
 * @param {{ bytes: number, hash: string }} expected
 */
function through(yard, runner, expected) {
  const folder = yard.work(NAME)
  yard.must(runner.start(NAME), { cwd: folder, env: runner.env ?? {} })
  const ms = tookIn(folder)
  const file = runner.output?.(NAME) ?? ''
  const lost = lostIn(file, expected)
  runner.forget(NAME)
  yard.clear(NAME)
  return { [TAKES]: ms, [LOST]: lost }
}

/**
 * Waits until as much as was printed is there, or nothing has been added for two seconds. Where the bytes are all there but
 * not the same, all of them count as changed.
 * @param {string} file
 * @param {{ bytes: number, hash: string }} expected
 */
function lostIn(file, { bytes, hash }) {
  let size = -1
  let since = Date.now()
  until(
    () => {
      const now = sizeOf(file)
      if (now !== size) since = Date.now()
      size = now
      return size >= bytes || Date.now() - since > 2_000
    },
    'the output',
    120_000,
  )
  if (size !== bytes) return Math.abs(bytes - size)
  return hashOf(file, bytes) === hash ? 0 : bytes
}

/** @param {string} file */
const sizeOf = (file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0

/**
 * @param {string} path
 * @param {number} bytes
 */
function hashOf(path, bytes) {
  const hash = createHash('sha256')
  const buffer = Buffer.alloc(1 << 20)
  const file = openSync(path, 'r')
  try {
    for (let left = bytes; left > 0; ) {
      const read = readSync(file, buffer, 0, Math.min(left, buffer.length), null)
      if (read === 0) break
      hash.update(buffer.subarray(0, read))
      left -= read
    }
  } finally {
    closeSync(file)
  }
  return hash.digest('hex')
}
