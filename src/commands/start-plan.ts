import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { AgentName, Driver, TaskAccess } from '../agents/driver.ts'
import { driverFor } from '../agents/index.ts'
import { configPath } from '../config.ts'
import type { Context } from '../context.ts'
import { RcaError, unless } from '../errors.ts'
import { findCommand, launchRequest } from '../launch/launch.ts'
import { captureEnvironment } from '../task/environment.ts'
import { sessionName } from '../task/names.ts'
import type { Policy } from '../task/policy.ts'
import type { NotifySpec, TerminalRecord } from '../task/schema.ts'
import type { NewTask } from '../task/store.ts'
import { chooseTerminals } from '../terminal/choice.ts'
import type { TerminalKind } from '../terminal/kinds.ts'
import { readPrompt } from './prompt.ts'

export interface StartOptions {
  readonly agent: AgentName
  readonly task: string
  readonly cwd: string | null
  readonly prompt: string | null
  readonly promptFile: string | null
  readonly access: TaskAccess
  /** What is run in place of the agent's binary (see Spec). */
  readonly command?: readonly string[]
  /** Of config.json; they come before the caller's own. */
  readonly configArgs: readonly string[]
  /** The caller's own. */
  readonly agentArgs: readonly string[]
  readonly env: readonly string[]
  /** Names that the agent is not to get, although it would read them. */
  readonly withoutEnv?: readonly string[]
  /** Names of `env` that the command itself sets: nobody else's value may take their place. */
  readonly ownEnv?: readonly string[]
  /** As the task will have it: flags over config.json over the defaults. */
  readonly policy: Policy
  /** Whether somebody is to supervise it; false: with --no-monitor, or as config.json has it. */
  readonly monitor: boolean
  /** Who is to hear of what; undefined: nobody. */
  readonly notify?: NotifySpec | undefined
  readonly ifExists: 'fail' | 'reuse' | 'replace'
  /** In what it is to run, and in nothing else; null: in the best that is there. */
  readonly terminal: TerminalKind | null
}

export interface StartPlan {
  readonly driver: Driver
  readonly wanted: NewTask
  readonly command: readonly string[]
  /** Where it may run, the best first. */
  readonly terminals: readonly TerminalRecord[]
}

/** Checks everything that can be checked before anything is made. */
export async function planStart(options: StartOptions, context: Context): Promise<StartPlan> {
  const cwd = projectDirectory(options.cwd, context.cwd)
  const prompt = await readPrompt(options, context, '-p')
  const driver = await driverFor(options.agent)
  const env = captureEnvironment(driver, context.env, options.env, options.withoutEnv)
  const { agent, task, access, command, withoutEnv, ownEnv, policy, monitor, notify } = options
  const agentArgs = [...options.configArgs, ...options.agentArgs]
  const terminals = chooseTerminals(options.terminal, context)
  const [terminal = context.newTerminal('plain')] = terminals
  const wanted = {
    agent,
    task,
    cwd,
    access,
    command,
    agentArgs,
    env,
    withoutEnv,
    ownEnv,
    prompt,
    policy,
    monitor,
    terminal,
    notify,
  }
  checkRefusal(driver, wanted, options.agentArgs, context)
  return { driver, wanted, terminals, command: findCommand(driver, command, env.PATH ?? '', cwd) }
}

/** Throws where the driver will not start this: `config` where the caller's own arguments alone would have done. */
function checkRefusal(driver: Driver, wanted: NewTask, ownArgs: readonly string[], context: Context): void {
  const refusal = (agentArgs: readonly string[]) => {
    const request = launchRequest(asSpec({ ...wanted, agentArgs }, ''), '', wanted.env, wanted.prompt)
    return driver.refuse(request, wanted.prompt)
  }
  const refused = refusal(wanted.agentArgs)
  if (!refused) return
  if (refusal(ownArgs)) throw new RcaError('usage', refused.message, refused.hint)
  const message = `config.json: agents.${wanted.agent}.args: ${refused.message}`
  throw new RcaError('config', message, `${refused.hint} (${configPath(context.env)})`)
}

function projectDirectory(option: string | null, cwd: string): string {
  const path = resolve(cwd, option ?? '.')
  const stat = unless(['ENOENT', 'ENOTDIR'], undefined, () => statSync(path))
  if (!stat) throw new RcaError('usage', `There is no folder ${path}`, 'Give an existing one with -C.')
  if (!stat.isDirectory())
    throw new RcaError('usage', `${path} is not a folder`, 'Give the project folder with -C.')
  if (path.includes('\n')) throw new RcaError('usage', 'The path of the project folder holds a line break')
  return path
}

/** The part of a spec that a driver's request is made of, before there is a spec. */
export function asSpec(wanted: NewTask, id: string) {
  const { agent, task, cwd, access, command, agentArgs } = wanted
  const common = { session: sessionName(agent, task), cwd, access, agentArgs: [...agentArgs], id }
  return command ? { ...common, command: [...command] } : common
}
