import { AGENTS } from '../agents/driver.ts'
import type { Verb } from '../cli.ts'
import type { Context } from '../context.ts'
import type { TaskJson } from '../task/json.ts'
import { STATES } from '../task/state.ts'
import { flag, oneOf, open, texts } from './common.ts'

export const list: Verb = async (_, options) => {
  const { io, context } = await open(options)
  const states = texts(options, 'state')
  const agents = texts(options, 'agent')
  for (const one of states) oneOf('--state', one, [...STATES, 'foreign'])
  for (const one of agents) oneOf('--agent', one, AGENTS)
  const wanted = { all: flag(options, 'all'), states, agents }
  if (flag(options, 'watch')) {
    const { watch } = await import('./list-watch.ts')
    return watch(wanted, io, context)
  }
  const commands = await import('../commands/list.ts')
  const tasks = await commands.list(wanted, context)
  if (flag(options, 'quiet')) return io.out(tasks.map((task) => `${task.name}\n`).join(''))
  if (io.json) return io.outJson(tasks)
  const { renderList } = await import('../render/list.ts')
  io.out(renderList(tasks, context.now(), io.paint, io.width, await isSupervised(tasks, context)))
}

/** Whether tasks that wait are waited on by anybody. */
async function isSupervised(tasks: readonly TaskJson[], context: Context): Promise<boolean> {
  if (!tasks.some((task) => task.state === 'waiting')) return true
  const { runningMonitor } = await import('../supervise/presence.ts')
  return runningMonitor(context.state) !== null
}
