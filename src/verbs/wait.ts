import { constants } from 'node:os'
import type { Verb } from '../cli.ts'
import type { WaitOptions } from '../commands/wait.ts'
import type { Context } from '../context.ts'
import { parseDuration } from '../duration.ts'
import { RcaError } from '../errors.ts'
import type { Io } from '../io.ts'
import { STATES, type State } from '../task/state.ts'
import { flag, interruptible, open, text, texts, wantsMonitor } from './common.ts'

export const wait: Verb = async (names, options) => {
  const { io, context } = await open(options)
  const timeout = text(options, 'timeout')
  const timeoutMs = timeout === null ? null : parseDuration(timeout, '--timeout')
  const states = texts(options, 'for')
    .flatMap((one) => one.split(','))
    .map(asState)
  const stop = interruptible(() => {})
  await waitFor(
    names,
    { any: flag(options, 'any'), states, timeoutMs, monitor: await wantsMonitor(context) },
    flag(options, 'exitStatus'),
    io,
    context,
    stop,
  )
}

function asState(name: string): State {
  const state = STATES.find((one) => one === name.trim())
  if (state) return state
  throw new RcaError('usage', `--for: ${JSON.stringify(name)} is no state`, `One of: ${STATES.join(', ')}.`)
}

export async function waitFor(
  names: readonly string[],
  options: WaitOptions,
  exitStatus: boolean,
  io: Io,
  context: Context,
  stop: AbortSignal,
): Promise<void> {
  const commands = await import('../commands/wait.ts')
  const result = await commands.wait(names, options, context, stop)
  if (stop.aborted) return
  const [only] = result.tasks
  process.exitCode =
    exitStatus && only && !result.timedOut
      ? commands.agentExitCode(only, constants.signals)
      : commands.waitExitCode(result, options.states.length > 0)
  const awaited = options.states.length === 0 ? 'over' : options.states.join(' or ')
  const late = `not ${awaited} after ${(options.timeoutMs ?? 0) / 1_000} s`
  if (io.json && result.timedOut) throw new RcaError('timeout', late, `See: rca status ${names[0]}`)
  if (io.json) return io.outJson(result.tasks)
  const { renderBrief } = await import('../render/task.ts')
  for (const task of result.tasks) io.out(renderBrief(task, io.paint))
  if (result.timedOut) io.err(`rca: ${late}\n`)
}
