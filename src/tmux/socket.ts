import { join } from 'node:path'
import { RcaError } from '../errors.ts'

type Env = Readonly<Record<string, string | undefined>>

/**
 * The socket of the server that plain `tmux` would reach from here, or that `name` (`-L`) chooses: inside tmux that
 * server's, else `default` in `$TMUX_TMPDIR/tmux-UID` (tmux(1), -L). Pure.
 */
export function socketPath(name: string | null, env: Env, uid: number): string {
  const inside = env.TMUX?.split(',')[0]
  if (name === null && inside) return inside
  if (name?.startsWith('/')) return name
  return join(env.TMUX_TMPDIR || '/tmp', `tmux-${uid}`, name ?? 'default')
}

/** Throws a usage error unless this can name a socket. */
export function checkSocketName(name: string): string {
  if (/^[A-Za-z0-9_.-]+$/.test(name) || name.startsWith('/')) return name
  throw new RcaError(
    'usage',
    `Bad tmux socket ${JSON.stringify(name)}`,
    'Use a plain name, as for tmux -L, or a path.',
  )
}
