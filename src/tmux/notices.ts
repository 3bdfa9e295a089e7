import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { childProcess } from '../system/lazy.ts'
import { serverEnvironment } from '../terminal/environment.ts'

type Env = Readonly<Record<string, string | undefined>>

/**
 * Tells of sessions that open and close and of the server's end, without polling: a control-mode client (tmux(1), CONTROL
 * MODE) that is attached to no session, so that nobody sees it as attached; it lives for as long as its one command, a
 * `wait-for` that nobody ever answers. It gets `%sessions-changed` and `%exit` (tmux 3.3a). A notice carries no truth.
 */
export interface Notices {
  /** Listens again where the server was not there, or has ended since. */
  ensure(): void
  close(): void
}

export function listen(socket: string, env: Env, notice: () => void): Notices {
  let client: ChildProcess | null = null
  const ensure = () => {
    if (client || !existsSync(socket)) return
    const argv = ['-u', '-S', socket, '-C', 'wait-for', `rca-monitor-${process.pid}`]
    const child = childProcess().spawn('tmux', argv, {
      env: serverEnvironment(env),
      // Its standard input stays open: at its end the client would end as well.
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    client = child
    const gone = () => {
      if (client === child) client = null
      notice()
    }
    child.stdin?.on('error', () => {})
    child.stdout?.on('data', notice)
    child.on('error', gone)
    child.on('exit', gone)
  }
  return {
    ensure,
    close: () => {
      const child = client
      client = null
      child?.removeAllListeners('exit')
      child?.kill('SIGKILL')
    },
  }
}
