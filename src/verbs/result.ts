import type { Verb } from '../cli.ts'
import { parseDuration } from '../duration.ts'
import { RcaError } from '../errors.ts'
import { flag, interruptible, open, text, wantsMonitor } from './common.ts'

export const result: Verb = async ([name = ''], options) => {
  const { io, context } = await open(options)
  const given = text(options, 'timeout')
  const timeoutMs = given === null ? null : parseDuration(given, '--timeout')
  const { wait, waitExitCode } = await import('../commands/wait.ts')
  if (flag(options, 'wait') || timeoutMs !== null) {
    const stop = interruptible(() => {})
    const wanted = { any: false, states: [], timeoutMs, monitor: await wantsMonitor(context) }
    const { timedOut } = await wait([name], wanted, context, stop)
    if (stop.aborted) return
    const late = `${name} has not ended after ${(timeoutMs ?? 0) / 1_000} s`
    if (timedOut) throw new RcaError('timeout', late, `See: rca status ${name}`)
  }
  const commands = await import('../commands/result.ts')
  const found = await commands.result(name, context)
  process.exitCode = waitExitCode({ tasks: [found], timedOut: false, reached: true })
  if (io.json) return io.outJson(found)
  const { harmless, oneLine } = await import('../render/text.ts')
  if (found.message !== null) io.out(`${harmless(found.message).trimEnd()}\n`)
  if (found.state === 'done') return
  const why = found.reason ? `: ${oneLine(found.reason, 200)}` : ''
  io.err(`rca: ${found.name} ${found.state}${why}\n`)
}
