// @ts-check
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { textOf } from '../processes.mjs'

/** What is measured.
 * @type {import('./peer.mjs').Peer}
 */
export const rca = {
  name: 'rca',
  missing: () => null,
  open: (yard) => {
    const session = (/** @type {string} */ name) => `codex-${name}`
    const start = (/** @type {string} */ name) =>
      yard.rca('start', 'codex', name, '-p', 'x', '-C', yard.work(name), '--json')
    return {
      start,
      keep: (name) => void yard.must(start(name)),
      stop: (name) => yard.rca('kill', session(name)),
      forget: (...names) => {
        yard.must(yard.rca('kill', ...names.map(session)))
        const dirs = names.flatMap((name) => taskDirs(yard.state, session(name)))
        for (const dir of dirs) rmSync(dir, { recursive: true, force: true })
      },
      list: yard.rca('list', '--json'),
      wait: (name) => yard.rca('wait', session(name)),
      output: (name) => join(taskDirs(yard.state, session(name))[0] ?? '', 'events.jsonl'),
      daemon: () => Number(textOf(join(yard.state, 'monitor')).split(' ')[1]),
      close: () => {},
    }
  },
}

/**
 * @param {string} state
 * @param {string} session
 */
export function taskDirs(state, session) {
  const tasks = join(state, 'tasks')
  const ours = (/** @type {string} */ dir) => dir.slice(0, dir.lastIndexOf('.')) === session
  return readdirSync(tasks)
    .filter(ours)
    .map((dir) => join(tasks, dir))
}
