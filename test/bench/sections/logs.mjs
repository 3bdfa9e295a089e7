// @ts-check
import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { rest } from '../clock.mjs'
import { writeEvents } from '../events.mjs'
import { taskDirs } from '../peers/rca.mjs'
import { end } from '../processes.mjs'
import { rounds } from '../rounds.mjs'
import { makeYard } from '../yard.mjs'
import { ALONE } from './section.mjs'

const MB = 1e6

/** @type {import('./section.mjs').Section} */
export const logs = {
  name: 'logs',
  title: 'Logs',
  run: async (context) => {
    const yard = makeYard(ALONE)
    try {
      const sizes = [1, context.short ? 100 : 1000].map((mb) => ({ mb, file: taskWith(yard, mb) }))
      const [small, large] = sizes
      if (!small || !large) return []
      const read = await rounds(context.runs, reads(yard, sizes), context.progress)
      const follow = await follows(context, yard, large.file)
      return [...readRows(read, small.mb, large.mb), ...followRows(follow, large.mb)]
    } finally {
      yard.close()
    }
  },
}

/**
 * A live task whose agent has printed so much. Gives its events.jsonl.
 * @param {import('../yard.mjs').Yard} yard
 * @param {number} mb
 */
function taskWith(yard, mb) {
  yard.must(yard.rca('start', 'codex', `big-${mb}`, '-p', 'x', '--json'))
  const file = join(taskDirs(yard.state, `codex-big-${mb}`)[0] ?? '', 'events.jsonl')
  writeEvents(file, mb * MB)
  return file
}

/** @param {number} mb */
const of = (mb) => (mb < 1000 ? `${mb} MB` : `${mb / 1000} GB`)
/** @type {Record<string, string[]>} */
const VERBS = { '`rca logs -n 50`': ['-n', '50'], '`rca logs --raw -n 50`': ['--raw', '-n', '50'] }
const TAIL = '`tail -n 50`'

/**
 * @param {import('../yard.mjs').Yard} yard
 * @param {readonly { mb: number, file: string }[]} sizes
 */
function reads(yard, sizes) {
  const all = sizes.flatMap(({ mb, file }) => [
    [`${TAIL}, ${of(mb)}`, () => yard.timed(['tail', '-n', '50', file])],
    ...Object.entries(VERBS).map(([name, args]) => [
      `${name}, ${of(mb)}`,
      () => yard.timed(yard.rca('logs', `codex-big-${mb}`, ...args)),
    ]),
  ])
  return Object.fromEntries(all)
}

/**
 * @param {Record<string, number[]>} figures
 * @param {number} small
 * @param {number} large
 */
function readRows(figures, small, large) {
  return [TAIL, ...Object.keys(VERBS)].flatMap((name) => {
    const base = `${name}, ${of(small)}`
    const other = `${name}, ${of(large)}`
    return [
      { name: base, unit: 'ms', values: figures[base] ?? [], ...besideTail(name, small) },
      {
        name: other,
        unit: 'ms',
        values: figures[other] ?? [],
        beside: base,
        ...(name === TAIL ? {} : { mark: 1.5 }),
      },
    ]
  })
}

/**
 * @param {string} name
 * @param {number} mb
 */
const besideTail = (name, mb) => (name === TAIL ? {} : { beside: `${TAIL}, ${of(mb)}` })

const FOLLOW = { rca: '`rca logs -f`', tail: '`tail -f`' }

/**
 * One line is appended, and both who follow see it.
 * @param {import('./section.mjs').Context} context
 * @param {import('../yard.mjs').Yard} yard
 * @param {string} file
 */
async function follows(context, yard, file) {
  const task = taskOf(file)
  const followers = [
    follower(FOLLOW.rca, yard, yard.rca('logs', '-f', '-n', '1', task)),
    follower(FOLLOW.tail, yard, ['tail', '-n', '1', '-f', file]),
  ]
  try {
    await Promise.all(followers.map((one) => one.sees('')))
    await rest(1_000)
    return await rounds(context.runs, { '': () => append(file, followers) }, context.progress)
  } finally {
    for (const one of followers) one.close()
  }
}

/** @param {string} file */
const taskOf = (file) => /([^/]+)\.[^./]+\/events\.jsonl$/.exec(file)?.[1] ?? ''

let appended = 0

/**
 * @param {string} file
 * @param {readonly ReturnType<typeof follower>[]} followers
 */
async function append(file, followers) {
  // Not in step with anybody who looks now and then.
  await rest(100 + Math.random() * 500)
  const text = `NEW-LINE-${++appended}-`
  const seen = followers.map((one) => one.sees(text))
  const begun = performance.now()
  appendFileSync(
    file,
    `{"type":"item.completed","item":{"id":"m","type":"agent_message","text":"${text}"}}\n`,
  )
  const moments = await Promise.all(seen)
  return Object.fromEntries(followers.map(({ name }, n) => [name, (moments[n] ?? Number.NaN) - begun]))
}

/**
 * @param {string} name
 * @param {import('../yard.mjs').Yard} yard
 * @param {string[]} argv
 */
function follower(name, yard, [file = '', ...args]) {
  const child = spawn(file, args, { cwd: yard.dir, env: yard.env, stdio: ['ignore', 'pipe', 'ignore'] })
  child.stdout.setEncoding('utf8')
  /** The moment at which it has printed this text. @param {string} text @returns {Promise<number>} */
  const sees = (text) =>
    new Promise((resolve) => {
      let printed = ''
      const look = (/** @type {string} */ more) => {
        printed += more
        if (!printed.includes(text)) return
        child.stdout.off('data', look)
        resolve(performance.now())
      }
      child.stdout.on('data', look)
    })
  return { name, sees, close: () => end(child.pid ?? 0) }
}

/**
 * @param {Record<string, number[]>} figures
 * @param {number} mb
 */
function followRows(figures, mb) {
  const named = (/** @type {string} */ name) => `${name}, ${of(mb)}: a new line is printed after`
  return [
    { name: named(FOLLOW.tail), unit: 'ms', values: figures[FOLLOW.tail] ?? [] },
    { name: named(FOLLOW.rca), unit: 'ms', values: figures[FOLLOW.rca] ?? [], beside: named(FOLLOW.tail) },
  ]
}
