import { driverFor } from '../agents/index.ts'
import { nameFor } from '../exec/prompt.ts'
import type { AgentCommand, Foreground } from '../exec/recognise.ts'
import { sessionName } from '../task/names.ts'

/** What `rca exec` would do with a command. */
export type Explanation =
  | (Foreground & { readonly argv: readonly string[] })
  | {
      readonly kind: 'task'
      readonly agent: string
      /** Null: made from the prompt, which has not been read. */
      readonly name: string | null
      readonly cwd: string
      /** What the first attempt would run, up to ids that are made at the start; the prompt comes on standard input. */
      readonly argv: readonly string[]
      /** What of it is the command's own, less the agent's name. */
      readonly agentArgs: readonly string[]
      /** The text in the command, and where more is read; null: there is none. */
      readonly prompt: { readonly text: string | null; readonly input: string | null }
      /** Names: the values are nobody's business. */
      readonly env: readonly string[]
      readonly withoutEnv: readonly string[]
      readonly deadlineMs: number | null
      readonly notes: readonly string[]
    }

/** Says what would be done, having done nothing. */
export async function explain(
  found: AgentCommand | Foreground,
  argv: readonly string[],
  name: string | null,
): Promise<Explanation> {
  if (found.kind === 'foreground') return { ...found, argv }
  const { agent, agentArgs, prompt, input, cwd, env, withoutEnv, deadlineMs, notes } = found
  const known = prompt !== null && input.from === 'nowhere'
  const task = name ?? (known ? nameFor(Buffer.from(prompt), cwd) : null)
  return {
    kind: 'task',
    agent,
    name: task && sessionName(agent, task),
    cwd,
    argv: await launched(found),
    agentArgs,
    prompt: {
      text: prompt,
      input: input.from === 'own' ? 'standard input' : input.from === 'file' ? input.path : null,
    },
    env: env.map((one) => one.slice(0, one.indexOf('='))),
    withoutEnv,
    deadlineMs,
    notes,
  }
}

async function launched({ agent, command, agentArgs, cwd, prompt }: AgentCommand): Promise<string[]> {
  const driver = await driverFor(agent)
  const request = {
    session: sessionName(agent, 'task'),
    cwd,
    taskDir: 'TASK',
    access: 'as-given',
    agentArgs,
    env: {},
    taskId: '00000000-0000-4000-8000-000000000000',
    root: false,
    promptStart: (prompt ?? '').slice(0, 256),
  } as const
  return [...(command ?? [agent]), ...driver.start(request, null).argv.slice(1)]
}
