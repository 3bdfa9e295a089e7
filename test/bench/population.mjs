// @ts-check
/** Finished tasks on disk: one is run for real, the others are its copies under other names, ids and times. */
import { linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { taskDirs } from './peers/rca.mjs'

const DAY = 86_400_000
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g
/** What says whose it is and when it was; all else is shared with the first by hard links. */
const OWN = ['spec.json', 'journal.jsonl', 'session-id']

/**
 * @param {import('./yard.mjs').Yard} yard   The one whose `state` is filled.
 * @param {number} count
 * @param {number} days    They ended over so many days, the last of them now.
 * @param {string} [state]   Another state directory.
 */
export function populate(yard, count, days, state = yard.state) {
  const env = { RCA_HOME: state }
  yard.agent("begin; tool_started ls; tool_finished ls 'a'; say ALL-DONE; complete")
  yard.must(yard.rca('start', 'codex', 'first', '-p', 'x', '--json'), { env })
  yard.must(yard.rca('wait', 'codex-first'), { env })
  const [first = ''] = taskDirs(state, 'codex-first')
  const sample = sampleOf(first)
  for (let n = 1; n < count; n++) copy(first, sample, join(state, 'tasks'), n, (n / count) * days * DAY)
  // rca keeps what it has found out about finished tasks, as for a user who has had it for a while; this may take several runs.
  for (let round = 0; round < 2; round++) yard.must(yard.rca('list', '--json', '--all'), { env })
  const listed = JSON.parse(yard.must(yard.rca('list', '--json', '--all'), { env }))
  const names = new Set(listed.map((/** @type {{ name: string }} */ task) => task.name))
  if (names.size !== count) throw new Error(`${count} tasks were made, and rca lists ${names.size}`)
}

/** @param {string} dir */
function sampleOf(dir) {
  const folders = ['attempts', 'attempts/1']
  const texts = OWN.map((name) => ({ name, text: readFileSync(join(dir, name), 'utf8') }))
  const shared = ['', ...folders].flatMap((folder) =>
    readdirSync(join(dir, folder), { withFileTypes: true })
      // A launch script takes away what begins with a dot a moment after its agent's end.
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      .map((entry) => join(folder, entry.name)),
  )
  const thread = readFileSync(join(dir, 'session-id'), 'utf8').trim()
  // Kept for speed and made for one directory only.
  const links = shared.filter((name) => !OWN.includes(name) && !name.startsWith('digest'))
  return { folders, texts, links, thread }
}

/**
 * @param {string} first
 * @param {ReturnType<typeof sampleOf>} sample
 * @param {string} tasks
 * @param {number} n
 * @param {number} age   ms by which it is older than the first
 */
function copy(first, { folders, texts, links, thread }, tasks, n, age) {
  const digits = String(n).padStart(12, '0')
  const dir = join(tasks, `codex-t${n}.${digits.slice(-6)}`)
  for (const folder of ['', ...folders]) mkdirSync(join(dir, folder), { mode: 0o700 })
  for (const name of links) linkSync(join(first, name), join(dir, name))
  const changed = (/** @type {string} */ text) =>
    text
      .replace(TIME, (time) => new Date(Date.parse(time) - age).toISOString())
      .replace('"task": "first"', `"task": "t${n}"`)
      .replace(/("id": )"[^"]+"/, `$1"00000000-0000-4000-8000-${digits}"`)
      .replaceAll('"codex-first"', `"codex-t${n}"`)
      .replaceAll(thread, `01a00000-0000-7000-8000-${digits}`)
  for (const { name, text } of texts) writeFileSync(join(dir, name), changed(text), { mode: 0o600 })
}
