// @ts-check
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * A directory of its own with a tmux server of its own, a fake agent, and a state directory with 200 finished tasks.
 *
 * @typedef {Record<string, string>} Env
 *
 * @typedef {object} Bed
 * @property {Env} full    The environment in which rca sees the 200 tasks.
 * @property {Env} empty   The one in which it sees none; starts happen here.
 * @property {(...args: string[]) => string[]} rca   The argv.
 * @property {(argv: string[], env?: Env) => number} time   ms from the spawn to the end.
 * @property {() => number} bareStart   ms from the spawn of node to the agent's first act.
 * @property {() => number} rcaStart    The same for rca.
 * @property {(run: () => number) => number} cold   Runs it where no tmux server is.
 * @property {() => void} close
 */

const RCA = fileURLToPath(new URL('../../bin/rca.js', import.meta.url))
const TASKS = 200
const SESSION = 'codex-bench'

/** @returns {Bed} */
export function makeBed() {
  const dir = mkdtempSync(join(tmpdir(), 'rca-bench-'))
  for (const name of ['bin', 'home', 'work', 'tmp']) mkdirSync(join(dir, name))
  writeAgent(dir)
  writeSettings(dir)
  const base = environment(dir)
  const full = { ...base, RCA_HOME: join(dir, 'full') }
  const empty = { ...base, RCA_HOME: join(dir, 'empty') }
  const bed = {
    full,
    empty,
    rca,
    time: (/** @type {string[]} */ argv, /** @type {Env} */ env = empty) => timed(dir, argv, env),
    bareStart: () => bareStart(dir, empty),
    rcaStart: () => rcaStart(dir, empty),
    cold: (/** @type {() => number} */ run) => cold(dir, run),
    close: () => {
      spawnSync('tmux', ['-S', join(dir, 'tmux'), 'kill-server'])
      rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
  fill(dir, full)
  keepServer(dir)
  return bed
}

/** @param {string[]} args */
const rca = (...args) => [process.execPath, RCA, ...args]

/**
 * Its first act is to say when it began, ns since the epoch; then it does its work in no time, as codex tells it.
 * @param {string} dir
 */
function writeAgent(dir) {
  const path = join(dir, 'bin/codex')
  const events = [
    { type: 'thread.started', thread_id: '019a0000-0000-7000-8000-000000000000' },
    { type: 'turn.started' },
    { type: 'item.completed', item: { id: 'item_0', type: 'agent_message', text: 'Done.' } },
    { type: 'turn.completed', usage: { input_tokens: 1, cached_input_tokens: 0, output_tokens: 1 } },
  ]
  const lines = events.map((event) => `echo '${JSON.stringify(event)}'\n`)
  writeFileSync(path, `#!/bin/sh\ndate +%s%N > '${stampOf(dir)}'\n${lines.join('')}cat > /dev/null\n`)
  chmodSync(path, 0o755)
}

/**
 * What is measured is each verb alone, without a monitor beside it.
 * @param {string} dir
 */
function writeSettings(dir) {
  const folder = join(dir, 'home/.config/rca')
  mkdirSync(folder, { recursive: true })
  const settings = JSON.stringify({ monitor: false, policy: { restart: 'never' } })
  writeFileSync(join(folder, 'config.json'), settings, { mode: 0o644 })
}

/** @param {string} dir */
const stampOf = (dir) => join(dir, 'stamp')

/**
 * @param {string} dir
 * @returns {Env}
 */
function environment(dir) {
  return {
    PATH: [join(dir, 'bin'), dirname(process.execPath), process.env.PATH ?? '/usr/bin:/bin'].join(delimiter),
    HOME: join(dir, 'home'),
    TMPDIR: join(dir, 'tmp'),
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    RCA_TMUX_SOCKET: join(dir, 'tmux'),
  }
}

/**
 * 200 tasks that ended well: one is run for real, the others are its copies under other names and ids.
 * @param {string} dir
 * @param {Env} env
 */
function fill(dir, env) {
  must(dir, rca('start', 'codex', 't0', '-p', 'x'), env)
  must(dir, rca('wait', 'codex-t0'), env)
  const tasks = join(env.RCA_HOME ?? '', 'tasks')
  const [first = ''] = readdirSync(tasks)
  for (let n = 1; n < TASKS; n++) {
    const copy = join(tasks, `codex-t${n}.${String(n).padStart(6, '0')}`)
    cpSync(join(tasks, first), copy, { recursive: true })
    const id = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
    edit(join(copy, 'spec.json'), (text) =>
      text.replace('"t0"', `"t${n}"`).replace(/("id": )"[^"]+"/, `$1"${id}"`),
    )
    for (const name of ['spec.json', 'journal.jsonl']) {
      edit(join(copy, name), (text) => text.replaceAll('codex-t0"', `codex-t${n}"`))
    }
  }
  // The first list looks at every record and keeps what it found, as for a user who has had rca for a while.
  const listed = JSON.parse(must(dir, rca('list', '--json', '--state', 'done'), env))
  if (new Set(listed.map((/** @type {{ name: string }} */ task) => task.name)).size !== TASKS) {
    throw new Error(`${TASKS} tasks were made, and rca lists ${listed.length} as done`)
  }
  closeSession(dir, 'codex-t0')
}

/**
 * @param {string} path
 * @param {(text: string) => string} change
 */
function edit(path, change) {
  writeFileSync(path, change(readFileSync(path, 'utf8')), { mode: 0o600 })
}

/**
 * @param {string} dir
 * @param {string[]} argv
 * @param {Env} env
 */
function must(dir, [file = '', ...args], env) {
  const { status, stdout, stderr } = spawnSync(file, args, { env, cwd: join(dir, 'work'), encoding: 'utf8' })
  if (status !== 0) throw new Error(`${args.join(' ')}: exit code ${status}\n${stderr}`)
  return stdout
}

/**
 * @param {string} dir
 * @param {string[]} argv
 * @param {Env} env
 */
function timed(dir, argv, env) {
  const begun = performance.now()
  must(dir, argv, env)
  return performance.now() - begun
}

/** What anybody would have to do by hand, in as few calls as it takes: Node's own start, then one tmux call.
 * @param {string} dir
 * @param {Env} env
 */
function bareStart(dir, env) {
  rmSync(stampOf(dir), { force: true })
  const begun = tick()
  must(dir, [process.execPath, '-e', '0'], env)
  const session = ['new-session', '-d', '-s', SESSION, '-x', '200', '-y', '50', '/bin/sh', '-i']
  const keys = ['send-keys', '-t', `=${SESSION}:`, `${join(dir, 'bin/codex')} < /dev/null`, 'Enter']
  must(dir, ['tmux', '-S', join(dir, 'tmux'), ...session, ';', ...keys], env)
  const ms = takeStamp(dir) - begun
  closeSession(dir, SESSION)
  return ms
}

/**
 * @param {string} dir
 * @param {Env} env
 */
function rcaStart(dir, env) {
  rmSync(stampOf(dir), { force: true })
  const begun = tick()
  must(dir, rca('start', 'codex', 'bench', '-p', 'x', '--json'), env)
  const agentMs = takeStamp(dir) - begun
  must(dir, rca('wait', SESSION), env)
  closeSession(dir, SESSION)
  rmSync(join(env.RCA_HOME ?? '', 'tasks'), { recursive: true })
  return agentMs
}

/** The beginning of a millisecond since the epoch: the clock that the agent's stamp is of is read to the ms only. */
function tick() {
  const before = Date.now()
  let now = before
  while (now === before) now = Date.now()
  return now
}

/**
 * When the agent began, ms since the epoch; waits for it.
 * @param {string} dir
 */
function takeStamp(dir) {
  const path = stampOf(dir)
  for (const end = Date.now() + 10_000; Date.now() < end; pause(2)) {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    if (!text.endsWith('\n')) continue
    rmSync(path)
    return Number(text) / 1e6
  }
  throw new Error('the agent has not begun within 10 s')
}

/** @param {number} ms */
function pause(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/**
 * @param {string} dir
 * @param {string} name
 */
function closeSession(dir, name) {
  spawnSync('tmux', ['-S', join(dir, 'tmux'), 'kill-session', '-t', `=${name}`])
}

/**
 * A session that stays, so that the server does.
 * @param {string} dir
 */
function keepServer(dir) {
  spawnSync('tmux', ['-S', join(dir, 'tmux'), 'new-session', '-d', '-s', 'keep', '/bin/sh'])
}

/**
 * @param {string} dir
 * @param {() => number} run
 */
function cold(dir, run) {
  const socket = join(dir, 'tmux')
  spawnSync('tmux', ['-S', socket, 'kill-server'])
  renameSync(socket, `${socket}.old`)
  try {
    return run()
  } finally {
    rmSync(`${socket}.old`, { force: true })
    keepServer(dir)
  }
}
