// @ts-check
/** A machine of its own for one measurement: HOME, state directory, tmux server, a fake agent that is nearly nothing. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const RCA = fileURLToPath(new URL('../../../bin/rca.js', import.meta.url))
const CODEX = fileURLToPath(new URL('../../fixtures/agents/codex.sh', import.meta.url))

/** @typedef {{ taskDir: string, name: string, pid: number }} Task */

export class Yard {
  constructor() {
    this.dir = mkdtempSync(join(tmpdir(), 'rca-recovery-'))
    for (const name of ['home/.config/rca', 'bin', 'project'])
      mkdirSync(join(this.dir, name), { recursive: true })
    const policy = { maxResumesPerHour: 10_000, stallAfter: 'none' }
    writeFileSync(join(this.dir, 'home/.config/rca/config.json'), JSON.stringify({ policy }))
    this.env = {
      PATH: `${join(this.dir, 'bin')}:${process.env.PATH}`,
      HOME: join(this.dir, 'home'),
      RCA_HOME: join(this.dir, 'state'),
      RCA_TMUX_SOCKET: join(this.dir, 'tmux'),
      PM2_HOME: join(this.dir, 'pm2'),
      TERM: 'xterm',
    }
    this.agent('begin; say hello; exec sleep 100000')
  }

  /**
   * What the fake codex does once it has noted down when it began, ns since the epoch.
   * @param {string} body
   */
  agent(body) {
    const path = join(this.dir, 'bin/codex')
    writeFileSync(path, `#!/bin/sh\n. '${CODEX}'\n${body}\n`)
    chmodSync(path, 0o755)
  }

  /**
   * @param {string[]} args
   * @returns {any}
   */
  rca(...args) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [RCA, ...args], {
      env: this.env,
      cwd: join(this.dir, 'project'),
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`rca ${args.join(' ')}: ${status}\n${stderr}`)
    return args.includes('--json') ? JSON.parse(stdout) : stdout
  }

  /** The monitor's pid. */
  get monitor() {
    return Number(readFileSync(join(this.dir, 'state/monitor'), 'utf8').split(' ')[1])
  }

  /** Every process of this yard. */
  processes() {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => textOf(`/proc/${pid}/environ`).includes(`HOME=${join(this.dir, 'home')}\0`))
  }

  close() {
    for (let round = 0; round < 100 && this.processes().length > 0; round++) {
      for (const pid of this.processes()) end(pid)
      pause(20)
    }
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}

/** @param {number} pid */
export function end(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has gone.
  }
}

/** @param {string} path */
export function textOf(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** @param {number} ms */
export function pause(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/**
 * Looks every 0.2 ms until `check` gives something, for 20 s at most.
 * @template T
 * @param {() => T | null | undefined | false | 0} check
 * @param {string} what
 * @returns {T}
 */
export function until(check, what) {
  const deadline = Date.now() + 20_000
  for (;;) {
    const found = check()
    if (found) return found
    if (Date.now() > deadline) throw new Error(`waited 20 s in vain for ${what}`)
    pause(0.2)
  }
}

/**
 * The pid of the agent of one attempt, 0 while there is none.
 * @param {Task} task
 * @param {number} attempt
 */
export function agentOf(task, attempt) {
  return Number(textOf(join(task.taskDir, 'attempts', String(attempt), 'process')).split(' ')[2]) || 0
}

/**
 * Bytes that a process has for itself, its part of what it shares included (proc(5), Pss).
 * @param {number} pid
 */
export function pss(pid) {
  return Number(/^Pss:\s+(\d+) kB/m.exec(textOf(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024
}

/**
 * Seconds of CPU that a process has used, its threads together (proc(5), fields 14 and 15, in ticks of 10 ms).
 * @param {number} pid
 */
export function cpuSeconds(pid) {
  const fields = textOf(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}
