// @ts-check
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, lacking } from './peer.mjs'

/** Every program is known from its configuration, and restarted as soon as it can.
 * @type {import('./peer.mjs').Peer}
 */
export const supervisord = {
  name: 'supervisord',
  missing: () => lacking('supervisord', 'supervisorctl'),
  open: (yard) => {
    const file = join(yard.dir, 'supervisord.conf')
    const ctl = ['supervisorctl', '-c', file]
    /** @type {Set<string>} */
    const known = new Set()
    const write = () => writeFileSync(file, configuration(yard, [...known]))
    const prepare = (/** @type {readonly string[]} */ names) => {
      for (const name of names) known.add(name)
      write()
      yard.must([...ctl, 'update'])
    }
    write()
    yard.must(['supervisord', '-c', file])
    return {
      prepare,
      start: (name) => [...ctl, 'start', name],
      keep: (name) => {
        prepare([name])
        yard.must([...ctl, 'start', name])
      },
      stop: (name) => [...ctl, 'stop', name],
      forget: (...names) => void attempt(yard, [...ctl, 'stop', ...names]),
      list: [...ctl, 'status'],
      daemon: () => Number(yard.must([...ctl, 'pid'])),
      close: () => void attempt(yard, [...ctl, 'shutdown']),
    }
  },
}

/**
 * @param {import('../yard.mjs').Yard} yard
 * @param {readonly string[]} names
 */
function configuration(yard, names) {
  const at = (/** @type {string} */ name) => join(yard.dir, name)
  return `[supervisord]
logfile=${at('supervisord.log')}
pidfile=${at('supervisord.pid')}
childlogdir=${at('tmp')}
[unix_http_server]
file=${at('supervisor.sock')}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://${at('supervisor.sock')}
${names.map((name) => program(yard, name)).join('')}`
}

/**
 * @param {import('../yard.mjs').Yard} yard
 * @param {string} name
 */
function program(yard, name) {
  return `[program:${name}]
command=${yard.program}
directory=${yard.work(name)}
autostart=false
autorestart=true
startsecs=0
startretries=100000
stopasgroup=true
killasgroup=true
`
}
