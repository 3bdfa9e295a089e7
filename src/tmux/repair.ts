import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { identityOf, isAlive, type ProcessIdentity, procStat } from '../system/identity.ts'
import { signal } from '../system/processes.ts'
import { attemptNumbers, readAttempt } from '../task/attempt.ts'

/**
 * A tmux server's socket lies in /tmp, where cleaners delete it while the server and its agents live on; SIGUSR1 has the
 * server make it again (tmux(1); tried with 3.3a). The server is found through a task's processes: its launch script's
 * parent is the pane's shell, whose parent is the server. True: the socket is there again. Linux only.
 */
export async function repairSocket(socket: string, taskDirs: readonly string[]): Promise<boolean> {
  if (existsSync(socket)) return true
  for (const dir of taskDirs) {
    const server = serverOf(dir)
    if (!server || !signal(server, 'SIGUSR1')) continue
    if (await appears(socket, server)) return true
  }
  return false
}

async function appears(path: string, server: ProcessIdentity): Promise<boolean> {
  const until = Date.now() + 2_000
  while (Date.now() < until && isAlive(server)) {
    if (existsSync(path)) return true
    await sleep(10)
  }
  return existsSync(path)
}

/** The tmux server whose pane ran the newest attempt that has begun, while its shell is there. */
function serverOf(dir: string): ProcessIdentity | null {
  for (const number of attemptNumbers(dir).toReversed()) {
    const shell = readAttempt(dir, number).shellPid
    if (shell === null || !isShellOf(shell, dir)) continue
    const server = procStat(shell)?.ppid
    return server === undefined || !isTmuxServer(server) ? null : identityOf(server)
  }
  return null
}

/** Its pid may be another's by now; its environment tells. */
function isShellOf(pid: number, dir: string): boolean {
  return read(`/proc/${pid}/environ`).split('\0').includes(`TASK_TMPDIR=${dir}`)
}

/** The name that tmux gives its server process. */
function isTmuxServer(pid: number): boolean {
  return read(`/proc/${pid}/comm`).startsWith('tmux: server')
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
