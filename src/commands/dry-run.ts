import type { Context } from '../context.ts'
import { launchRequest, prepare } from '../launch/launch.ts'
import { sessionName } from '../task/names.ts'
import { tasksDirectory } from '../task/paths.ts'
import type { Policy } from '../task/policy.ts'
import type { TerminalKind } from '../terminal/kinds.ts'
import { asSpec, planStart, type StartOptions } from './start-plan.ts'

export interface DryRun {
  readonly terminal: TerminalKind
  /** What runs the launch script. */
  readonly command: readonly string[]
  /** The same, where it is a call of tmux. */
  readonly tmux: readonly string[] | null
  readonly launchScript: string
  readonly agentScript: string
  readonly policy: Policy
}

/** What a start would do, having done nothing: the call of tmux and the scripts, with a made-up task directory and id. */
export async function dryRun(options: StartOptions, context: Context): Promise<DryRun> {
  const { driver, wanted, command: agent } = await planStart(options, context)
  const id = '00000000-0000-4000-8000-000000000000'
  const session = sessionName(wanted.agent, wanted.task)
  const dir = `${tasksDirectory(context.state)}/${session}.XXXXXX`
  const spec = {
    ...asSpec(wanted, id),
    schema: 1,
    agent: wanted.agent,
    task: wanted.task,
    env: Object.keys(wanted.env),
    policy: { ...wanted.policy },
    presetSessionId: null,
    terminal: wanted.terminal,
    umask: process.umask(),
    createdAt: '',
    host: '',
    rca: '',
  } as const
  const invocation = driver.start(launchRequest(spec, dir, wanted.env, wanted.prompt), id)
  const launch = {
    dir,
    spec,
    attempt: 1,
    how: 'start',
    sessionId: null,
    invocation,
    prompt: null,
    by: 'person' as const,
    command: agent,
  } as const
  const { content, session: input } = prepare(launch, context.self, wanted.terminal.kind)
  const command = context.terminalAt(wanted.terminal).preview(input)
  const { kind } = wanted.terminal
  return {
    terminal: kind,
    command,
    tmux: kind === 'tmux' ? command : null,
    launchScript: content.launch,
    agentScript: content.agent,
    policy: wanted.policy,
  }
}
