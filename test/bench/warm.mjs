// @ts-check
/**
 * rca keeps compiled code in ~/.cache/rca and writes it anew when it is old enough to tell what is used (src/code-cache.ts).
 * What is measured is rca as somebody has it who has used it for days: each yard begins with a copy of a cache that has ripened.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROUNDS = 5
const DAYS_S = 3 * 86_400

/** @type {string | null} */
let ripe = null

/** Puts what is ripe into a HOME. @param {string} home */
export function giveCache(home) {
  if (ripe !== null) copyCache(ripe, cacheOf(home))
}

/**
 * Runs every verb that is measured, again and again, with the cache made older each time.
 * @param {import('./yard.mjs').Yard} yard
 */
export function ripen(yard) {
  for (let round = 0; round < ROUNDS; round++) {
    for (const argv of verbs(`warm-${round}`)) yard.must(yard.rca(...argv))
    ageCache(join(yard.dir, 'home'))
  }
  if (!existsSync(cacheOf(join(yard.dir, 'home')))) return
  ripe = mkdtempSync(join(tmpdir(), 'rca-bench-cache-'))
  copyCache(cacheOf(join(yard.dir, 'home')), ripe)
}

/** At the very end. */
export function dropCache() {
  if (ripe !== null) rmSync(ripe, { recursive: true, force: true })
  ripe = null
}

/** @param {string} name */
const verbs = (name) => [
  ['start', 'codex', name, '-p', 'x', '--json'],
  ['list'],
  ['list', '--json'],
  ['status', name],
  ['logs', name, '-n', '50'],
  ['logs', name, '--raw', '-n', '50'],
  ['monitor', '--once'],
  ['kill', name],
]

/** @param {string} home */
const cacheOf = (home) => join(home, '.cache/rca')

/** @param {string} folder */
const filesIn = (folder) => (existsSync(folder) ? readdirSync(folder) : [])

/** Makes what is kept there old enough to be made anew. @param {string} home */
export function ageCache(home) {
  const folder = cacheOf(home)
  const then = Date.now() / 1_000 - DAYS_S
  for (const name of filesIn(folder)) utimesSync(join(folder, name), then, then)
}

/**
 * @param {string} from
 * @param {string} to
 */
function copyCache(from, to) {
  mkdirSync(to, { recursive: true, mode: 0o700 })
  for (const name of filesIn(from)) {
    copyFileSync(join(from, name), join(to, name))
    chmodSync(join(to, name), 0o600)
  }
}
