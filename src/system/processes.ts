import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { errno } from '../errors.ts'
import { identityOf, isAlive, type ProcessIdentity, procStat, unlessItIsOurs } from './identity.ts'
import { childProcess } from './lazy.ts'

/** A live process that carries a cookie. `command` is for people: its argv in one line. */
export interface Found extends ProcessIdentity {
  /** The name of the cookie's variable, and what it holds. */
  readonly marked: string
  readonly value: string
  readonly command: string
}

/** At most so often all processes are looked at: what ends meanwhile may have begun another that the list does not have. */
const LOOKS = 3

/**
 * Live processes whose environment holds the variable `name` with a value that `wanted` takes. The environment is handed
 * down to every descendant, also to those in sessions of their own, which no process group reaches. Whoever is told that
 * there is none goes on, so one that is in the middle of an exec, or of handing over to a child, is not missed.
 */
export function findByCookie(names: readonly string[], wanted: (value: string) => boolean): Found[] {
  if (process.platform !== 'linux') return marked(psEnvironments(), names, wanted)
  const seen = { ended: false, pids: new Set<string>() }
  for (let look = 1; ; look++) {
    seen.ended = false
    const found = marked(procEnvironments(names, seen), names, wanted)
    if (found.length > 0 || !seen.ended || look === LOOKS) return found
  }
}

function marked(
  all: Iterable<[number, string[]]>,
  names: readonly string[],
  wanted: (value: string) => boolean,
): Found[] {
  const found: Found[] = []
  for (const [pid, environment] of all) {
    const mark = pid === process.pid ? null : markIn(environment, names, wanted)
    const identity = mark === null ? null : identityOf(pid)
    if (mark && identity && isAlive(identity)) found.push({ ...identity, ...mark, command: commandOf(pid) })
  }
  return found
}

function markIn(
  environment: readonly string[],
  names: readonly string[],
  wanted: (value: string) => boolean,
) {
  for (const marked of names) {
    const pair = environment.find(
      (one) => one.startsWith(`${marked}=`) && wanted(one.slice(marked.length + 1)),
    )
    if (pair !== undefined) return { marked, value: pair.slice(marked.length + 1) }
  }
  return null
}

/**
 * Those whose environment holds one of the names at all: most hold none, and are not worth taking apart. `seen.ended`: one has
 * ended since they were listed. `seen.pids`: they have been looked at; what one that has ended handed over to is new.
 */
function* procEnvironments(
  names: readonly string[],
  seen: { ended: boolean; readonly pids: Set<string> },
): Generator<[number, string[]]> {
  const wanted = names.map((name) => Buffer.from(`${name}=`))
  for (const entry of readdirSync('/proc')) {
    if (!/^\d/.test(entry) || seen.pids.has(entry)) continue
    seen.pids.add(entry)
    const first = environmentOf(entry)
    const environment = first !== 'ended' && first?.length === 0 ? onceThere(Number(entry)) : first
    if (environment === 'ended') seen.ended = true
    else if (environment && wanted.some((name) => environment.includes(name))) {
      yield [Number(entry), environment.toString('latin1').split('\0')]
    }
  }
}

/** An exec may read from the disk before the new environment is there: so often, a millisecond apart, it is asked for. */
const EXEC_TRIES = 20
/** Processes that had no environment all that time, and zombies that were seen before. */
const known = new Set<string>()

/**
 * The environment of a process that shows none: while it executes another program a process has none for a moment. Kernel
 * threads never have one, and zombies no more (proc(5)).
 */
function onceThere(pid: number): Buffer | 'ended' | null {
  const stat = procStat(pid)
  if (!stat) return 'ended'
  const key = `${pid}:${stat.start}`
  const isEnded = stat.state === 'Z' || stat.state === 'X'
  if (!isEnded && stat.memory === 0) return null
  const tries = known.has(key) ? 1 : EXEC_TRIES
  for (let i = 0; i < tries && !isEnded; i++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    const environment = environmentOf(String(pid))
    if (environment === null || environment === 'ended' || environment.length > 0) return environment
  }
  if (known.has(key)) return null
  known.add(key)
  return isEnded ? 'ended' : null
}

/** Long enough for any environment but the strangest, which is then read anew. */
const ENVIRONMENT = Buffer.alloc(1 << 18)

/** A view of one process's environment, good until the next call. Null: it is another user's. */
function environmentOf(pid: string): Buffer | 'ended' | null {
  const path = `/proc/${pid}/environ`
  try {
    const fd = openSync(path, 'r')
    try {
      const length = readSync(fd, ENVIRONMENT, 0, ENVIRONMENT.length, 0)
      return length < ENVIRONMENT.length ? ENVIRONMENT.subarray(0, length) : readFileSync(path)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    unlessItIsOurs(error)
    return ['ENOENT', 'ESRCH'].includes(errno(error) ?? '') ? 'ended' : null
  }
}

/** Without /proc: `ps -E` (macOS) and `ps e` (BSD) append the environment of one's own processes to the command. */
function* psEnvironments(): Generator<[number, string[]]> {
  const { stdout } = childProcess().spawnSync('ps', ['-axEww', '-o', 'pid=,command='], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  for (const line of (stdout ?? '').split('\n')) {
    const [, pid, rest] = /^\s*(\d+)\s(.*)$/.exec(line) ?? []
    if (pid && rest) yield [Number(pid), rest.split(' ')]
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

/** Sends a signal to this very process; false where it is gone already. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false
  try {
    process.kill(identity.pid, name)
    return true
  } catch {
    return false
  }
}

export interface EndOptions {
  /** How long to wait between TERM and KILL, ms. */
  readonly graceMs: number
  /** How long to go on with KILL before giving up, ms. */
  readonly killMs?: number
}

/**
 * Ends whatever `find` finds, again and again until it finds nothing: TERM, a grace, then KILL. What is born meanwhile is
 * found on the next look. Resolves with what would not die (empty: all gone).
 */
export async function endAll(find: () => Found[], options: EndOptions): Promise<Found[]> {
  const termUntil = Date.now() + options.graceMs
  const killUntil = termUntil + (options.killMs ?? 5_000)
  const asked = new Set<string>()
  for (;;) {
    const alive = find()
    if (alive.length === 0) return []
    const now = Date.now()
    if (now > killUntil) return alive
    const force = now >= termUntil
    for (const one of alive) push(one, force, asked)
    await gone(alive, Math.min(force ? 200 : termUntil - now, 1_000))
  }
}

/** Forces a process to end, or asks it once. */
function push(one: ProcessIdentity, force: boolean, asked: Set<string>): void {
  const key = `${one.pid}:${one.start}`
  if (force) signal(one, 'SIGKILL')
  else if (!asked.has(key)) signal(one, 'SIGTERM')
  asked.add(key)
}

/** Waits until all of these are gone, at most `ms`; false: they are not. Other people's children cannot be waited for, so this looks. */
export async function gone(list: readonly ProcessIdentity[], ms: number): Promise<boolean> {
  const until = Date.now() + ms
  while (list.some(isAlive)) {
    if (Date.now() >= until) return false
    await sleep(5)
  }
  return true
}
