import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { oneLine } from '../render/text.ts'
import { argument, say } from '../setting-types.ts'
import { run } from '../system/run.ts'
import { serverEnvironment } from '../terminal/environment.ts'
import { type ClientRow, listClients, parseClients, showMessage } from '../tmux/command.ts'
import { isNoServer } from '../tmux/server.ts'
import * as z from '../zod.ts'
import { channelKind, type Outcome } from './channel.ts'

const socketPath = argument.check(
  z.refine((path) => path.startsWith('/'), { error: ({ input }) => say(input, 'is not an absolute path') }),
)

const BEL = '\u0007'
const WIDTH = 180
const CALL_MS = 5_000

/**
 * Whoever is attached to the tmux server hears their terminal's bell and reads a line in tmux's status line. The bell goes to
 * the terminals and not into a pane, so that it is heard in every session and nothing reaches the agent's. Nobody attached:
 * it is tried again until somebody is.
 */
export const bell = channelKind({
  type: 'bell',
  timeoutMs: 10_000,
  /** The tmux server's socket; without it the one that the caller reaches. */
  shape: { socket: z.optional(socketPath) },
  runs: true,
  inline: (text) => (text === null ? {} : null),
  fix: ({ socket }, caller) => ({ socket: socket ?? caller.socket ?? undefined }),
  address: ({ socket }) => `whoever is attached to tmux (${socket ?? 'none'})`,
  secrets: () => [],
  deliver: async ({ notice, settings: { socket = '' }, env }) => {
    const tmux = (args: readonly string[]) =>
      run(['tmux', '-u', '-S', socket, ...args], { env: serverEnvironment(env), timeoutMs: CALL_MS })
    const listed = await tmux(listClients())
    if (listed.exit === null) return { ok: false, error: 'tmux does not answer' }
    const error = listed.stderr.trim()
    if (error !== '' && !isNoServer(error)) return { ok: false, error: `tmux: ${error}` }
    const clients = parseClients(listed.stdout)
    if (clients.length === 0) return { ok: false, error: 'nobody is attached to the tmux server' }
    const text = oneLine([notice.title, notice.text].filter(Boolean).join(': '), WIDTH)
    await Promise.all(clients.map(({ name }) => tmux(showMessage(name, text))))
    return rung(clients)
  },
})

/** One byte, which a terminal takes in the middle of anything but a title. One that is full, or gone, is not waited for. */
function rung(clients: readonly ClientRow[]): Outcome {
  const heard = clients.filter(({ tty }) => {
    try {
      const fd = openSync(tty, constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK)
      try {
        return writeSync(fd, BEL) === 1
      } finally {
        closeSync(fd)
      }
    } catch {
      return false
    }
  })
  return heard.length > 0
    ? { ok: true }
    : { ok: false, error: 'no terminal of a tmux client can be written to' }
}
