// @ts-check
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { attempt, forEach, lacking } from './peer.mjs'

const SCRIPT = fileURLToPath(new URL('recipe.sh', import.meta.url))

/** The shell recipe: tmux, tee, and a loop that waits for the thread id.
 * @type {import('./peer.mjs').Peer}
 */
export const recipe = {
  name: 'the recipe',
  missing: () => lacking('tmux', 'bash'),
  open: (yard) => {
    const socket = join(yard.dir, 'recipe')
    const stop = (/** @type {string} */ name) => ['tmux', '-S', socket, 'kill-session', '-t', `codex-${name}`]
    yard.must(['tmux', '-S', socket, 'new-session', '-d', '-s', 'keep', '/bin/sh'])
    return {
      start: (name) => ['bash', SCRIPT, socket, name, yard.work(name), yard.program],
      stop,
      forget: (...names) => forEach(names, (name) => attempt(yard, stop(name))),
      output: (name) => join(folderOf(yard.work(name)), 'events.jsonl'),
      close: () => void attempt(yard, ['tmux', '-S', socket, 'kill-server']),
    }
  },
}

/** What its mktemp made. @param {string} work */
export function folderOf(work) {
  return join(work, readdirSync(work).find((name) => name.startsWith('tmp.')) ?? '')
}
