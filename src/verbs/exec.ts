import type { Verb } from '../cli.ts'
import { RcaError } from '../errors.ts'
import { factsOf } from '../exec/facts.ts'
import { endLike, runInForeground } from '../exec/foreground.ts'
import { type AgentCommand, recognise } from '../exec/recognise.ts'
import { parseEnvOption } from '../task/environment.ts'
import { checkTaskName } from '../task/names.ts'
import { cwd, flag, type Options, open, text, texts } from './common.ts'
import { followToEnd, ifExists, settingsFor } from './start.ts'

/** Runs a command as a task where it is certainly one of a coding agent that can be, and else as it is. */
export const exec: Verb = async (_, options, argv) => {
  if (argv.length === 0) {
    throw new RcaError('usage', 'exec takes a command', 'For example: rca exec -- codex exec "fix the tests"')
  }
  const name = text(options, 'name')
  if (name !== null) checkTaskName(name)
  for (const option of texts(options, 'env')) parseEnvOption(option, process.env)
  const found = recognise(argv, factsOf({ cwd: cwd(), env: process.env }))
  if (flag(options, 'explain')) return explain(found, argv, options)
  if (found.kind === 'foreground') return inForeground(argv, null)
  await asTask(found, argv, options)
}

async function asTask(found: AgentCommand, argv: readonly string[], options: Options): Promise<void> {
  // The record is for programs, whoever reads it.
  const { io, context } = await open({ ...options, json: true })
  const settings = await settingsFor(found.agent, options, context)
  const { readPrompt } = await import('../exec/prompt.ts')
  const read = await readPrompt(found, context.warn, process.stdin).catch(() => null)
  if (!read) return inForeground(argv, null)
  const deadlineMs = options.deadline === undefined ? found.deadlineMs : null
  const { startCommand } = await import('../commands/exec.ts')
  const wanted = {
    name: text(options, 'name'),
    env: texts(options, 'env'),
    ...settings,
    ifExists: ifExists(options),
  }
  const result = await startCommand({ ...found, deadlineMs }, read.prompt, wanted, context)
  if (!result) return inForeground(argv, read.own)
  if (flag(options, 'wait')) return followToEnd(result.task.name, settings.monitor, io, context)
  io.outJson(result.task)
}

/** Nothing but the command itself prints anything, unless it cannot be run at all. */
async function inForeground(argv: readonly string[], input: Uint8Array | null): Promise<void> {
  const ended = await runInForeground(argv, input)
  if ('message' in ended) process.stderr.write(`rca: ${ended.message}\n`)
  process.exitCode = endLike(ended)
}

async function explain(
  found: ReturnType<typeof recognise>,
  argv: readonly string[],
  options: Options,
): Promise<void> {
  const { io } = await open(options)
  const commands = await import('../commands/exec-explain.ts')
  const explained = await commands.explain(found, argv, text(options, 'name'))
  if (io.json) return io.outJson(explained)
  const { renderExplanation } = await import('../render/exec.ts')
  io.out(renderExplanation(explained, io.paint))
}
