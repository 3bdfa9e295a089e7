import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { nameFor } from '../exec/prompt.ts'
import type { AgentCommand } from '../exec/recognise.ts'
import { type StartResult, start } from './start.ts'
import { planStart, type StartOptions } from './start-plan.ts'

/** What an exec is to do beside what the command says. */
export interface ExecOptions
  extends Pick<StartOptions, 'policy' | 'monitor' | 'terminal' | 'notify' | 'ifExists'> {
  /** Null: one is made from the prompt. */
  readonly name: string | null
  /** As for start: before the command's own. */
  readonly env: readonly string[]
}

/** How many tasks of one made name may run at the same time. */
const MOST = 99

/**
 * Starts a recognised command as a task. Null: it would not be a task that rca takes (its prompt is empty, its agent is not
 * there), so that it is to run as it is; nothing has been done then.
 */
export async function startCommand(
  found: AgentCommand,
  prompt: Uint8Array,
  options: ExecOptions,
  context: Context,
): Promise<StartResult | null> {
  const here = { ...context, readStdin: async () => prompt }
  const wanted = asStart(found, prompt, options)
  try {
    await planStart(wanted, here)
  } catch (error) {
    if (error instanceof RcaError && (error.code === 'usage' || error.hopeless === 'not-installed'))
      return null
    throw error
  }
  const another = options.name === null && options.ifExists === 'fail'
  return another ? startUnderFreeName(wanted, here) : start(wanted, here)
}

/** The options of a start that does what the command says, and nothing that is not in it. */
function asStart(found: AgentCommand, prompt: Uint8Array, options: ExecOptions): StartOptions {
  const { agent, command, agentArgs, cwd, env, withoutEnv, deadlineMs } = found
  const { policy, monitor, terminal, notify, ifExists, name } = options
  return {
    agent,
    task: name ?? nameFor(prompt, cwd),
    cwd,
    prompt: null,
    promptFile: '-',
    access: 'as-given',
    ...(command && { command }),
    configArgs: [],
    agentArgs,
    env: [...options.env, ...env],
    withoutEnv,
    ownEnv: env.map((one) => one.slice(0, one.indexOf('='))),
    policy: deadlineMs === null ? policy : { ...policy, deadlineMs },
    monitor,
    terminal,
    notify,
    ifExists,
  }
}

/** The same command a second time is a second task: `-2`, `-3`, … where the name is in use. A conflict has started nothing. */
async function startUnderFreeName(wanted: StartOptions, context: Context): Promise<StartResult> {
  for (let number = 2; ; number++) {
    const task = number === 2 ? wanted.task : `${wanted.task}-${number - 1}`
    try {
      return await start({ ...wanted, task }, context)
    } catch (error) {
      if (!(error instanceof RcaError) || error.code !== 'conflict' || number > MOST) throw error
    }
  }
}
