import { closeSync, openSync, readFileSync, readlinkSync, readSync } from 'node:fs'
import { hostname } from 'node:os'
import { errno, unless } from '../errors.ts'
import { childProcess } from './lazy.ts'

/**
 * A process that cannot be mistaken for another: a pid is reused, the same pid with the same start time in the same boot
 * is not. `start` is field 22 of /proc/PID/stat (clock ticks since boot) or, without /proc, what `ps -o lstart` prints.
 */
export interface ProcessIdentity {
  readonly pid: number
  readonly start: string
  readonly boot: string
}

/** What /proc/PID/stat tells (proc(5)); fields counted from 1. */
export interface ProcStat {
  readonly pid: number
  readonly state: string
  readonly ppid: number
  readonly pgrp: number
  readonly tpgid: number
  readonly start: string
  /** Its virtual memory, bytes; 0: a thread of the kernel, or a zombie. */
  readonly memory: number
}

/** Parses one /proc/PID/stat line; the name in field 2 may hold blanks and brackets. Null: not such a line. */
export function parseStat(line: string): ProcStat | null {
  const open = line.indexOf('(')
  const close = line.lastIndexOf(')')
  if (open < 0 || close < open) return null
  const pid = Number.parseInt(line.slice(0, open), 10)
  const rest = line
    .slice(close + 1)
    .trim()
    .split(/\s+/)
  const [state, ppid, pgrp, , , tpgid] = rest
  const start = rest[19]
  if (!Number.isInteger(pid) || !state || !ppid || !pgrp || !tpgid || !start) return null
  const memory = Number(rest[20] ?? 0)
  return { pid, state, ppid: Number(ppid), pgrp: Number(pgrp), tpgid: Number(tpgid), start, memory }
}

/** The running kernel's boot: the same string for every process of one boot, another after a reboot. */
export function bootId(): string {
  boot ??= readBootId()
  return boot
}
let boot: string | undefined

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch (error) {
    unlessItIsOurs(error)
    return printed(['sysctl', '-n', 'kern.bootsessionuuid'])
  }
}

/** Throws what says nothing of a process and all of us: that we have no more files or memory. Nobody is dead because of that. */
export function unlessItIsOurs(error: unknown): void {
  if (['EMFILE', 'ENFILE', 'ENOMEM'].includes(errno(error) ?? '')) throw error
}

/** Reads /proc/PID/stat; null where there is no such process (or no /proc). */
export function procStat(pid: number): ProcStat | null {
  let fd: number | null = null
  try {
    fd = openSync(`/proc/${pid}/stat`, 'r')
    // Once: it is there whole, and this is asked of every agent again and again.
    return parseStat(STAT.toString('latin1', 0, readSync(fd, STAT, 0, STAT.length, 0)))
  } catch (error) {
    unlessItIsOurs(error)
    return null
  } finally {
    if (fd !== null) closeSync(fd)
  }
}

/** Longer than any such line. */
const STAT = Buffer.alloc(4_096)

/** The identity of a process that runs now, or null. */
export function identityOf(pid: number): ProcessIdentity | null {
  const stat = procStat(pid)
  if (stat) return { pid, start: stat.start, boot: bootId() }
  if (process.platform === 'linux') return null
  const start = printed(['ps', '-o', 'lstart=', '-p', String(pid)])
  return start === '' ? null : { pid, start, boot: bootId() }
}

/** The parent's pid of a process that runs, or null. */
export function parentOf(pid: number): number | null {
  const stat = procStat(pid)
  if (stat) return stat.ppid
  if (process.platform === 'linux') return null
  return Number(printed(['ps', '-o', 'ppid=', '-p', String(pid)])) || null
}

/** Whether this very process still runs. A zombie has ended. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.boot !== bootId()) return false
  if (process.platform === 'linux') {
    const stat = procStat(identity.pid)
    return stat !== null && stat.start === identity.start && stat.state !== 'Z' && stat.state !== 'X'
  }
  return printed(['ps', '-o', 'lstart=', '-p', String(identity.pid)]) === identity.start
}

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return identityOf(process.pid) ?? { pid: process.pid, start: 'unknown', boot: bootId() }
}

/**
 * Whether a record was made on this machine: by its name or, since names change, by the boot it was made in. A container has
 * a name and pids of its own in the same boot: it is another machine, whose living processes look dead from here.
 */
export function isHere(record: Origin): boolean {
  if (record.host === host()) return true
  return record.boot === bootId() && (record.pids ?? pidNamespace()) === pidNamespace()
}

/** Where a record was made. */
export interface Origin {
  readonly host: string
  readonly boot: string
  /** The namespace of its pids; older releases did not write it. */
  readonly pids?: string | null | undefined
}

/** What pids seen from here mean (pid_namespaces(7)); null where there is no such thing. */
export function pidNamespace(): string | null {
  return unless(['ENOENT', 'EACCES'], null, () => readlinkSync('/proc/self/ns/pid'))
}

/** The machine's name, as written into every record. */
export function host(): string {
  return hostname()
}

/**
 * Parses what the launch script's `self` prints (see launch/script.ts): `proc <boot> <stat line>` or
 * `ps <boot> <pid> <lstart>`. Null: not readable.
 */
export function parseSelf(text: string): ProcessIdentity | null {
  const line = text.trim()
  const proc = /^proc (\S+) (.+)$/.exec(line)
  if (proc?.[1] && proc[2]) {
    const stat = parseStat(proc[2])
    return stat && { pid: stat.pid, start: stat.start, boot: proc[1] }
  }
  const ps = /^ps (\S+)\s+(\d+)\s+(.+)$/.exec(line)
  if (ps?.[1] && ps[2] && ps[3]) return { pid: Number(ps[2]), start: ps[3].trim(), boot: ps[1] }
  return null
}

/** The parent's pid in such a line of /proc; null: not such a line. */
export function parentIn(text: string): number | null {
  const line = /^proc \S+ (.+)$/.exec(text.trim())?.[1]
  return (line && parseStat(line)?.ppid) || null
}

function printed(argv: readonly [string, ...string[]]): string {
  const [file, ...args] = argv
  const { stdout } = childProcess().spawnSync(file, args, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  })
  return (stdout ?? '').trim()
}
