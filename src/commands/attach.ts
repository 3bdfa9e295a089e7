import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { launchPane, sessionPanes } from '../launch/terminal.ts'
import { findTask, requireSpec } from '../task/store.ts'
import { attachSession, capturePane } from '../tmux/command.ts'
import { tmuxFailed } from '../tmux/server.ts'

/** The argv that shows the task's session to the person at this terminal. Throws where there is none. */
export function attachCommand(name: string, context: Context): string[] {
  const task = findTask(context.state, name)
  const { socket } = requireSpec(task).terminal
  const rows = sessionPanes(context.tmuxAt(socket), task.session)
  if (rows[0]?.mark !== task.dir) {
    throw new RcaError(
      'failed',
      `${task.session} has no tmux session any more`,
      `See: rca logs ${task.session}`,
    )
  }
  const inside = context.env.TMUX?.split(',')[0] === socket
  return ['tmux', '-S', socket, ...attachSession(task.session, inside)]
}

/** What the task's pane shows, with up to `lines` of its history. */
export function paneText(name: string, lines: number | null, context: Context): string {
  const task = findTask(context.state, name)
  const tmux = context.tmuxAt(requireSpec(task).terminal.socket)
  const rows = sessionPanes(tmux, task.session)
  const pane = launchPane(rows) ?? rows[0]
  if (!pane || pane.mark !== task.dir) {
    throw new RcaError(
      'failed',
      `${task.session} has no tmux session any more`,
      'Leave out --pane for its logs.',
    )
  }
  const result = tmux.call(capturePane(pane.paneId, lines))
  if (result.code !== 0) throw tmuxFailed(result)
  return result.stdout
}
