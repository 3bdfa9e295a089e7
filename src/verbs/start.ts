import { ACCESS, type AgentName } from '../agents/driver.ts'
import type { Verb } from '../cli.ts'
import type { DryRun } from '../commands/dry-run.ts'
import type { Context } from '../context.ts'
import type { Io } from '../io.ts'
import type { NotifyConfig } from '../notify/config.ts'
import { checkAgent, checkTaskName } from '../task/names.ts'
import { mergePolicy } from '../task/policy.ts'
import { flag, interruptible, type Options, open, text, texts } from './common.ts'
import { waitFor } from './wait.ts'

export const start: Verb = async ([agent = '', task = ''], options, rest) => {
  const { io, context } = await open(options)
  const name = checkAgent(agent)
  const wanted = {
    agent: name,
    task: checkTaskName(task),
    cwd: text(options, 'cwd'),
    prompt: text(options, 'prompt'),
    promptFile: text(options, 'promptFile'),
    access: flag(options, 'yolo')
      ? ('full' as const)
      : (ACCESS.find((one) => one === options.access) ?? 'write'),
    agentArgs: rest,
    env: texts(options, 'env'),
    ...(await settingsFor(name, options, context)),
    ifExists: ifExists(options),
  }
  if (flag(options, 'dryRun')) {
    const { dryRun } = await import('../commands/dry-run.ts')
    return showDryRun(await dryRun(wanted, context), io)
  }
  const commands = await import('../commands/start.ts')
  const result = await commands.start(wanted, context)
  if (flag(options, 'wait')) return followToEnd(result.task.name, wanted.monitor, io, context)
  if (io.json) return io.outJson(result.task)
  const { renderStarted } = await import('../render/task.ts')
  io.out(renderStarted(result.task, result.created ? 'started' : 'was there already', io.paint))
}

export const ifExists = (options: Options) =>
  (['fail', 'reuse', 'replace'] as const).find((one) => one === options.ifExists) ?? 'fail'

/** Flags that are settings: without them nothing is loaded that checks them. */
const POLICY_FLAGS = ['restart', 'backoff', 'maxRetries', 'deadline', 'stallAfter', 'onStall', 'maxLogSize']
const NOTIFY_FLAGS = ['notify', 'notifyOn', 'progressEvery']
const isGiven = (options: Options, names: readonly string[]) =>
  names.some((name) => options[name] !== undefined)

/** What flags and config.json say of a new task's supervision and of its agent's arguments; wrong flags are told first. */
export async function settingsFor(agent: AgentName, options: Options, context: Context) {
  const settings = () => import('../settings.ts')
  const flags = isGiven(options, POLICY_FLAGS) ? (await settings()).policyFromFlags(options) : {}
  const { loadConfig } = await import('../config.ts')
  const config = loadConfig(context.env)
  const isNamed = isGiven(options, ['terminal']) || context.env.RCA_TERMINAL
  const named = isNamed ? (await settings()).terminalFrom(text(options, 'terminal'), context.env) : null
  return {
    policy: mergePolicy(flags, config.agents[agent]?.policy ?? {}, config.policy),
    configArgs: config.agents[agent]?.args ?? [],
    monitor: options.monitor !== false && config.monitor,
    terminal: named ?? config.terminal,
    notify: await notifyFor(options, config.notify, context),
  }
}

async function notifyFor(options: Options, config: NotifyConfig, context: Context) {
  if (config.default.length === 0 && !isGiven(options, NOTIFY_FLAGS)) return undefined
  const { callerOf, notifySpec } = await import('../notify/settings.ts')
  const flags = {
    channels: texts(options, 'notify'),
    on: text(options, 'notifyOn'),
    progressEvery: text(options, 'progressEvery'),
  }
  return notifySpec(flags, config, callerOf(context))
}

async function showDryRun(plan: DryRun, io: Io): Promise<void> {
  if (io.json) return io.outJson(plan)
  const { quoteAll } = await import('../system/shell.ts')
  io.out(`${quoteAll(plan.command)}\n\n--- launch\n${plan.launchScript}\n--- agent\n${plan.agentScript}`)
}

/** `start --wait`: the task's progress on stderr, its record on stdout, wait's exit code. */
export async function followToEnd(name: string, monitor: boolean, io: Io, context: Context): Promise<void> {
  const { logs } = await import('../commands/logs.ts')
  const { renderLogItem } = await import('../render/log.ts')
  const stop = interruptible(() => io.err(`\nrca: ${name} goes on; see: rca status ${name}\n`))
  const all = { follow: true, tail: null, sinceMs: null, attempt: null }
  for await (const items of logs(name, all, context, stop))
    io.err(items.map((item) => renderLogItem(item, io.paint)).join(''))
  if (!stop.aborted)
    await waitFor([name], { any: false, states: [], timeoutMs: null, monitor }, false, io, context, stop)
}
