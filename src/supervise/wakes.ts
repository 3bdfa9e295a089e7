import { existsSync, watch } from 'node:fs'
import { performance } from 'node:perf_hooks'
import type { Context } from '../context.ts'
import { listen, type Notices } from '../tmux/notices.ts'
import { repairSocket } from '../tmux/repair.ts'

/** What may wake the monitor besides its timers. None of it carries truth: it is worth a look. */

/** How often the folder of the pokes is looked at where it cannot be watched, ms. */
const POLL_MS = 200
/** After a notice processes may take a moment to go, ms. */
const AFTER_NOTICE_MS = [0, 20, 100, 500]
/** The wall clock and the time that passed differ by more than this: the machine slept, or its clock was set, ms. */
const JUMP_MS = 30_000

/**
 * Has `answer` called when there may be pokes. Where inotify has no instance left for us (Linux gives a user 128), the folder is
 * looked at often instead. Returns what ends it.
 */
export function watchPokes(folder: string, answer: () => void, log: (line: string) => void): () => void {
  let poller: NodeJS.Timeout | null = null
  const poll = () => {
    poller ??= setInterval(answer, POLL_MS)
  }
  const stopPolling = () => {
    if (poller) clearInterval(poller)
  }
  try {
    const watcher = watch(folder, answer).on('error', poll)
    return () => {
      watcher.close()
      stopPolling()
    }
  } catch (error) {
    log(`polls for wake-ups: ${error instanceof Error ? error.message : error}`)
    poll()
    return stopPolling
  }
}

/** What the tmux servers need of whoever watches over their tasks. */
export interface ServersOwner {
  /** Something happened at a server. */
  readonly heard: (socket: string) => void
  readonly dirsAt: (socket: string) => string[]
  readonly inBackground: (work: Promise<unknown>, what: string) => void
}

/** The tmux servers of the tasks that are watched over: their notices, and the sockets that somebody deleted. */
export class Servers {
  private readonly notices = new Map<string, Notices>()

  constructor(
    private readonly env: Context['env'],
    private readonly owner: ServersOwner,
  ) {}

  /** Listens to one. */
  hear(socket: string): void {
    const notices = this.notices.get(socket) ?? listen(socket, this.env, () => this.heard(socket))
    this.notices.set(socket, notices)
    notices.ensure()
    // Before the tick: with the last task that is not over nobody looks after it any more.
    if (!existsSync(socket)) this.mend(socket)
  }

  mendAll(): void {
    for (const socket of this.notices.keys()) this.mend(socket)
  }

  close(): void {
    for (const one of this.notices.values()) one.close()
  }

  private heard(socket: string): void {
    for (const ms of AFTER_NOTICE_MS) setTimeout(() => this.owner.heard(socket), ms)
  }

  /** A cleaner took the socket away and the server lives on. */
  private mend(socket: string): void {
    const { dirsAt, inBackground } = this.owner
    const mended = repairSocket(socket, dirsAt(socket))
    inBackground(
      mended.then(() => this.notices.get(socket)?.ensure()),
      socket,
    )
  }
}

/** The wall clock beside the time that passed. */
export class Clock {
  private offsetMs = Date.now() - performance.now()

  /** By how much the wall clock has jumped since it was asked last, ms; 0: it has not. */
  jumpedMs(): number {
    const offsetMs = Date.now() - performance.now()
    const byMs = Math.round(offsetMs - this.offsetMs)
    if (Math.abs(byMs) < JUMP_MS) return 0
    this.offsetMs = offsetMs
    return byMs
  }
}
