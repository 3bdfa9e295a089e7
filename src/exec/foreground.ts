import { type StdioOptions, spawn } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { constants } from 'node:os'
import { isatty } from 'node:tty'
import { errno, unless } from '../errors.ts'
import { procStat } from '../system/identity.ts'
import { asGiven } from './bytes.ts'

/** A program of its own in the foreground: rca is as good as not there. */

/** As shells say it (POSIX XCU 2.8.2). */
const NOT_FOUND = 127
const NOT_EXECUTABLE = 126

/** Sent to this process they are meant for the program. (What stops a process stops both.) */
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const
/** A terminal sends them to every process in the foreground: the program has got them already. */
const FROM_TERMINAL: readonly string[] = ['SIGINT', 'SIGQUIT']

/** How it ended, or why it could not be run: for people, with the exit code that a shell would give. */
export type Ended = { readonly code: number } | { readonly signal: NodeJS.Signals } | NotRun
interface NotRun {
  readonly code: number
  readonly message: string
}

/** Runs a command as it is, with this process's own terminal, input and output; `input`: what was read of it already. */
export function runInForeground(argv: readonly string[], input: Uint8Array | null): Promise<Ended> {
  const [file = '', ...args] = asGiven(argv)
  if (file === '') return Promise.resolve({ code: NOT_FOUND, message: 'the command has no name' })
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: stdio(input !== null) })
    const forget = forwardSignals((signal) => child.kill(signal))
    child.on('error', (error) => {
      forget()
      resolve(notRun(file, errno(error)))
    })
    child.on('exit', (code, signal) => {
      forget()
      resolve(signal ? { signal } : { code: code ?? 1 })
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

function notRun(file: string, code: string | null): NotRun {
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return { code: NOT_FOUND, message: `${file}: command not found` }
  return { code: NOT_EXECUTABLE, message: `${file}: cannot be run (${code})` }
}

/** Ends as the program did: by its signal where it died of one. Gives the exit code for where that is not to be. */
export function endLike(ended: Ended): number {
  if ('code' in ended) return ended.code
  process.kill(process.pid, ended.signal)
  return 128 + constants.signals[ended.signal]
}

function forwardSignals(send: (signal: NodeJS.Signals) => void): () => void {
  const shared = inForegroundOfTerminal()
  const listeners = FORWARDED.map((signal) => {
    const listener = () => {
      if (!shared || !FROM_TERMINAL.includes(signal)) send(signal)
    }
    process.on(signal, listener)
    return () => process.removeListener(signal, listener)
  })
  return () => {
    for (const forget of listeners) forget()
  }
}

function inForegroundOfTerminal(): boolean {
  const stat = procStat(process.pid)
  return stat ? stat.tpgid === stat.pgrp : [0, 1, 2].some((fd) => isatty(fd))
}

/** Also the descriptors from 3 on that came with the command (`diff <(a) <(b)`): Node keeps them from its children. */
function stdio(feed: boolean): StdioOptions {
  const all: ('inherit' | 'pipe' | 'ignore' | number)[] = [feed ? 'pipe' : 'inherit', 'inherit', 'inherit']
  for (const fd of inherited()) {
    while (all.length < fd) all.push('ignore')
    all.push(fd)
  }
  return all
}

/** Node's own are what the kernel made without a file, and pipes and sockets that do not block (Linux; elsewhere not known). */
function inherited(): number[] {
  const fds = unless(['ENOENT'], [], () => readdirSync('/proc/self/fd'))
  return fds
    .map(Number)
    .filter((fd) => fd > 2 && isInherited(fd))
    .sort((a, b) => a - b)
}

const O_NONBLOCK = 0o4000

function isInherited(fd: number): boolean {
  return unless(['ENOENT'], false, () => {
    const target = readlinkSync(`/proc/self/fd/${fd}`)
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0'
    if (target.startsWith('anon_inode:') || target.startsWith('/proc/')) return false
    return !/^(pipe|socket):/.test(target) || (Number.parseInt(flags, 8) & O_NONBLOCK) === 0
  })
}
