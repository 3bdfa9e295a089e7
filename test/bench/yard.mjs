// @ts-check
/**
 * A place of its own for one measurement: HOME, state directory, tmux socket, project folders, and programs that stand in for
 * an agent. Nothing of the caller's environment gets in but PATH: a variable like NODE_EXTRA_CA_CERTS triples Node's start.
 */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { now, pause } from './clock.mjs'
import { end, processesWith } from './processes.mjs'
import { giveCache } from './warm.mjs'

/** @type {Set<string>} */
const open = new Set()

/** @typedef {Record<string, string>} Env */
/** @typedef {ReturnType<typeof makeYard>} Yard */
/** @typedef {{ cwd?: string, env?: Env }} How */

const RCA = fileURLToPath(new URL('../../bin/rca.js', import.meta.url))
const CODEX = fileURLToPath(new URL('../fixtures/agents/codex.sh', import.meta.url))

/** What the fake agent does unless told otherwise: it says that it has begun and stays, silent. */
const SILENT = 'begin; say hello; exec sleep 100000'

/** Its first acts: it notes down its pid, and ns since the epoch, in the folder in which it runs. */
const AGENT = `#!/bin/sh
echo $$ > pid
date +%s%N > stamp
. '${CODEX}'
`

/**
 * @param {Record<string, unknown>} [settings]   config.json
 * - agent: what the fake codex does then, in shell; it may use what fixtures/agents/codex.sh defines.
 */
export function makeYard(settings = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'rca-bench-'))
  open.add(dir)
  for (const name of ['bin', 'home/.config/rca', 'tmp', 'work'])
    mkdirSync(join(dir, name), { recursive: true })
  writeFileSync(join(dir, 'home/.config/rca/config.json'), JSON.stringify(settings), { mode: 0o644 })
  giveCache(join(dir, 'home'))
  const env = environment(dir)
  const yard = {
    dir,
    env,
    state: join(dir, 'state'),
    /** What every contender runs. */
    program: join(dir, 'bin/codex'),
    work: (/** @type {string} */ name) => {
      mkdirSync(join(dir, 'work', name), { recursive: true })
      return join(dir, 'work', name)
    },
    clear: (/** @type {string} */ name) => rmSync(join(dir, 'work', name), { recursive: true, force: true }),
    agent: (/** @type {string} */ body) => writeScript(dir, 'codex', `${AGENT}${body}\n`),
    script: (/** @type {string} */ name, /** @type {string} */ text) => writeScript(dir, name, text),
    rca: (/** @type {string[]} */ ...args) => [process.execPath, RCA, ...args],
    must: (/** @type {string[]} */ argv, /** @type {How} */ how = {}) => must(argv, fill(how)),
    timed: (/** @type {string[]} */ argv, /** @type {How} */ how = {}) => {
      const begun = performance.now()
      must(argv, fill(how))
      return performance.now() - begun
    },
    /** Like `must`, beside others. Gives the moment of its end. */
    launch: (/** @type {string[]} */ argv, /** @type {How} */ how = {}) => launch(argv, fill(how)),
    processes: () => processesWith(`=${dir}/`),
    close: () => close(dir),
  }
  /** @param {How} how */
  const fill = (how) => ({ cwd: how.cwd ?? join(dir, 'work'), env: { ...env, ...how.env } })
  yard.agent(SILENT)
  return yard
}

/** @param {string} dir */
function environment(dir) {
  return {
    PATH: [join(dir, 'bin'), dirname(process.execPath), process.env.PATH ?? '/usr/bin:/bin'].join(delimiter),
    HOME: join(dir, 'home'),
    TMPDIR: join(dir, 'tmp'),
    RCA_HOME: join(dir, 'state'),
    RCA_TMUX_SOCKET: join(dir, 'tmux'),
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    SHELL: existsSync('/bin/bash') ? '/bin/bash' : '/bin/sh',
  }
}

/**
 * @param {string} dir
 * @param {string} name
 * @param {string} text
 */
function writeScript(dir, name, text) {
  const path = join(dir, 'bin', name)
  writeFileSync(path, text)
  chmodSync(path, 0o755)
}

/**
 * @param {string[]} argv
 * @param {{ cwd: string, env: Env }} how
 */
function must([file = '', ...args], how) {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    ...how,
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  })
  if (status !== 0)
    throw new Error(`${file} ${args.join(' ')}: ${error ?? `exit code ${status}`}\n${stdout}${stderr}`)
  return stdout
}

/**
 * @param {string[]} argv
 * @param {{ cwd: string, env: Env }} how
 * @returns {Promise<number>}
 */
function launch([file = '', ...args], how) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...how, stdio: 'ignore' })
    child.on('error', reject)
    child.on('exit', (code) => {
      const at = now()
      if (code === 0) resolve(at)
      else reject(new Error(`${file} ${args.join(' ')}: exit code ${code}`))
    })
  })
}

/** Closes all that have not been closed. */
export function closeYards() {
  for (const dir of open) close(dir)
}

/** Ends all that was started here, by pid. @param {string} dir */
function close(dir) {
  for (let round = 0; round < 100; round++) {
    const left = processesWith(`=${dir}/`)
    if (left.length === 0) break
    for (const pid of left) end(pid)
    pause(20)
  }
  rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  open.delete(dir)
}
