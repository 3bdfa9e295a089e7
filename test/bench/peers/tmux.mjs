// @ts-check
import { join } from 'node:path'
import { attempt, forEach, lacking } from './peer.mjs'

/** What anybody would have to do by hand, in one call: a session with a plain shell, and a line typed into it.
 * @type {import('./peer.mjs').Peer}
 */
export const tmux = {
  name: 'tmux',
  missing: () => lacking('tmux'),
  open: (yard) => {
    const call = ['tmux', '-S', join(yard.dir, 'bare')]
    const typed = (/** @type {string} */ name, /** @type {string} */ line) => [
      ...[
        ...call,
        'new-session',
        '-d',
        '-s',
        name,
        '-x',
        '200',
        '-y',
        '50',
        '-c',
        yard.work(name),
        '/bin/sh',
        '-i',
      ],
      ...[';', 'send-keys', '-t', `=${name}:`, line, 'Enter'],
    ]
    const stop = (/** @type {string} */ name) => [...call, 'kill-session', '-t', `=${name}`]
    const done = (/** @type {string} */ name) => [...call, 'wait-for', `done-${name}`]
    const output = (/** @type {string} */ name) => join(yard.work(name), 'output')
    // A session that stays, so that the server does.
    yard.must([...call, 'new-session', '-d', '-s', 'keep', '/bin/sh'])
    return {
      start: (name) =>
        typed(name, `${yard.program} < /dev/null; ${done(name).toSpliced(-1, 0, '-S').join(' ')}`),
      keep: (name) => void yard.must(typed(name, `while :; do ${yard.program} < /dev/null; done`)),
      stop,
      forget: (...names) => forEach(names, (name) => attempt(yard, stop(name))),
      list: [...call, 'ls'],
      wait: done,
      output,
      daemon: () => Number(yard.must([...call, 'display-message', '-p', '#{pid}'])),
      close: () => void attempt(yard, [...call, 'kill-server']),
    }
  },
}
