import { stateDirectory } from './task/paths.ts'
import { checkSocketName, socketPath, type TmuxServer, tmuxServer } from './tmux/server.ts'

/** What a command may use of the world around it. Tests pass their own. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** The state directory; it may not exist yet. */
  readonly state: string
  readonly uid: number
  /** The tmux server that new tasks go to. */
  readonly tmux: TmuxServer
  /** The server at another task's socket. */
  readonly tmuxAt: (socket: string) => TmuxServer
  readonly now: () => number
  /** The argv that runs this rca again: Node and the script. */
  readonly self: readonly string[]
  /** Something takes a moment: shown to a person while it does. */
  readonly progress: (text: string | null) => void
  /** Something a person should know that is no error. */
  readonly warn: (text: string) => void
  /** Reads the whole of standard input. */
  readonly readStdin: () => Promise<Uint8Array>
  readonly stdinIsTty: boolean
}

export function tmuxFrom(env: Context['env'], option: string | null, uid: number) {
  const name = option ?? (env.RCA_TMUX_SOCKET || null)
  const at = (socket: string) => tmuxServer(socket, env)
  return { tmux: at(socketPath(name === null ? null : checkSocketName(name), env, uid)), tmuxAt: at }
}

export { stateDirectory }
