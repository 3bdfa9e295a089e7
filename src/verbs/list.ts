import { AGENTS } from '../agents/driver.ts'
import type { Verb } from '../cli.ts'
import type { ReadingContext } from '../context.ts'
import type { TaskJson } from '../task/json.ts'
import { STATES } from '../task/states.ts'
import { flag, oneOf, openToRead, texts } from './common.ts'

export const list: Verb = async (_, options) => {
  const { io, context } = await openToRead(options)
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
  if (flag(options, 'quiet'))
    return io.out((await commands.listNames(wanted, context)).map((name) => `${name}\n`).join(''))
  if (io.json) return io.out(await commands.listJson(wanted, context))
  const tasks = await commands.list(wanted, context)
  const { renderList } = await import('../render/list.ts')
  io.out(renderList(tasks, context.now(), io.paint, io.width, await isSupervised(tasks, context)))
}

/** Whether tasks that wait are waited on by anybody. */
async function isSupervised(tasks: readonly TaskJson[], context: ReadingContext): Promise<boolean> {
  if (!tasks.some((task) => task.state === 'waiting')) return true
  const { runningMonitor } = await import('../supervise/presence.ts')
  return runningMonitor(context.state) !== null
}
