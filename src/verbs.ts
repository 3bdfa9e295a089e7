import { constants } from 'node:os'
import { ACCESS, AGENTS, type AgentName } from './agents/driver.ts'
import type { Verb } from './cli.ts'
import type { DryRun } from './commands/dry-run.ts'
import type { LogItem } from './commands/logs.ts'
import type { WaitOptions } from './commands/wait.ts'
import { type Context, stateDirectory, tmuxFrom } from './context.ts'
import { parseDuration } from './duration.ts'
import { RcaError } from './errors.ts'
import { createIo, type Io, readStdin } from './io.ts'
import type { TaskJson } from './task/json.ts'
import { checkAgent, checkTaskName } from './task/names.ts'
import { mergePolicy } from './task/policy.ts'
import { STATES } from './task/state.ts'

type Options = Readonly<Record<string, unknown>>

const text = (options: Options, name: string) => (typeof options[name] === 'string' ? options[name] : null)
const flag = (options: Options, name: string) => options[name] === true
const texts = (options: Options, name: string): string[] =>
  Array.isArray(options[name]) ? options[name].map(String) : []

function world(options: Options, io: Io): Context {
  const uid = process.getuid?.() ?? 0
  if (process.platform === 'win32') {
    throw new RcaError('unavailable', 'rca needs tmux, which Windows does not have', 'Run it inside WSL.')
  }
  return {
    env: process.env,
    cwd: process.cwd(),
    state: stateDirectory(process.env),
    uid,
    ...tmuxFrom(process.env, text(options, 'tmuxSocket'), uid),
    now: Date.now,
    self: [process.execPath, process.argv[1] ?? ''],
    progress: io.progress,
    warn: (message) => io.err(`rca: ${message}\n`),
    readStdin,
    stdinIsTty: process.stdin.isTTY === true,
  }
}

const open = async (options: Options) => {
  const io = await createIo(process.env, flag(options, 'json'))
  return { io, context: world(options, io) }
}

const start: Verb = async ([agent = '', task = ''], options, rest) => {
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
    ifExists: (['fail', 'reuse', 'replace'] as const).find((one) => one === options.ifExists) ?? 'fail',
  }
  if (flag(options, 'dryRun')) {
    const { dryRun } = await import('./commands/dry-run.ts')
    return showDryRun(await dryRun(wanted, context), io)
  }
  const commands = await import('./commands/start.ts')
  const result = await commands.start(wanted, context)
  if (flag(options, 'wait')) return followToEnd(result.task.name, wanted.monitor, io, context)
  if (io.json) return io.outJson(result.task)
  const { renderStarted } = await import('./render/task.ts')
  io.out(renderStarted(result.task, result.created ? 'started' : 'was there already', io.paint))
}

/** What flags and config.json say of a new task's supervision and of its agent's arguments; wrong flags are told first. */
async function settingsFor(agent: AgentName, options: Options, context: Context) {
  const { policyFromFlags } = await import('./settings.ts')
  const flags = policyFromFlags(options)
  const { loadConfig } = await import('./config.ts')
  const config = loadConfig(context.env)
  return {
    policy: mergePolicy(flags, config.agents[agent]?.policy ?? {}, config.policy),
    configArgs: config.agents[agent]?.args ?? [],
    monitor: options.monitor !== false && config.monitor,
  }
}

/** Whether config.json wants tasks to be supervised. Only verbs that may start the monitor ask: reading verbs must not. */
async function wantsMonitor(context: Context): Promise<boolean> {
  const { loadConfig } = await import('./config.ts')
  return loadConfig(context.env).monitor
}

async function showDryRun(plan: DryRun, io: Io): Promise<void> {
  if (io.json) return io.outJson(plan)
  const { quoteAll } = await import('./system/shell.ts')
  io.out(`${quoteAll(plan.tmux)}\n\n--- launch\n${plan.launchScript}\n--- agent\n${plan.agentScript}`)
}

/** `start --wait`: the task's progress on stderr, its record on stdout, wait's exit code. */
async function followToEnd(name: string, monitor: boolean, io: Io, context: Context): Promise<void> {
  const { logs } = await import('./commands/logs.ts')
  const { renderLogItem } = await import('./render/log.ts')
  const stop = interruptible(() => io.err(`\nrca: ${name} goes on; see: rca status ${name}\n`))
  const all = { follow: true, tail: null, sinceMs: null, attempt: null }
  for await (const item of logs(name, all, context, stop)) io.err(renderLogItem(item, io.paint))
  if (!stop.aborted) await waitFor([name], { any: false, timeoutMs: null, monitor }, false, io, context, stop)
}

/** A signal that fires when a person interrupts; the exit code is then 128 + the signal's number. */
function interruptible(onStop: () => void): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      process.exitCode = 128 + constants.signals[name]
      onStop()
      stop.abort()
    })
  }
  return stop.signal
}

const list: Verb = async (_, options) => {
  const { io, context } = await open(options)
  const commands = await import('./commands/list.ts')
  const states = texts(options, 'state')
  const agents = texts(options, 'agent')
  for (const one of states) oneOf('--state', one, [...STATES, 'foreign'])
  for (const one of agents) oneOf('--agent', one, AGENTS)
  const tasks = await commands.list({ all: flag(options, 'all'), states, agents }, context)
  if (flag(options, 'quiet')) return io.out(tasks.map((task) => `${task.name}\n`).join(''))
  if (io.json) return io.outJson(tasks)
  const { renderList } = await import('./render/list.ts')
  io.out(renderList(tasks, context.now(), io.paint, io.width, await isSupervised(tasks, context)))
}

/** Whether tasks that wait are waited on by anybody. */
async function isSupervised(tasks: readonly TaskJson[], context: Context): Promise<boolean> {
  if (!tasks.some((task) => task.state === 'waiting')) return true
  const { runningMonitor } = await import('./supervise/presence.ts')
  return runningMonitor(context.state) !== null
}

function oneOf(option: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return
  throw new RcaError('usage', `${option}: ${JSON.stringify(value)} is none`, `One of: ${allowed.join(', ')}.`)
}

const status: Verb = async ([name = ''], options) => {
  const { io, context } = await open(options)
  const commands = await import('./commands/status.ts')
  const found = await commands.status(name, context)
  if (found.state === 'unknown') process.exitCode = 4
  if (io.json) return io.outJson(found)
  const { renderStatus } = await import('./render/task.ts')
  io.out(renderStatus(found, context.now(), io.paint))
}

const logs: Verb = async ([name = ''], options) => {
  const { io, context } = await open(options)
  const shown = stretch(options, context)
  if (flag(options, 'pane')) return showPane(name, shown.tail, io, context)
  const stop = interruptible(() => {})
  const wanted = {
    ...shown,
    attempt: options.attempt === undefined ? null : wholeNumber('--attempt', text(options, 'attempt') ?? ''),
  }
  const commands = await import('./commands/logs.ts')
  if (flag(options, 'raw')) {
    for await (const chunk of commands.rawLogs(name, wanted, context, stop)) io.out(chunk)
    return
  }
  const { renderLogItem } = await import('./render/log.ts')
  const show =
    io.json || flag(options, 'events')
      ? showAsJson(io)
      : (item: LogItem) => io.out(renderLogItem(item, io.paint))
  for await (const item of commands.logs(name, wanted, context, stop)) show(item)
}

/** How much of a log or a journal is shown. */
function stretch(options: Options, context: Context) {
  return {
    follow: flag(options, 'follow'),
    tail: options.tail === undefined ? null : wholeNumber('--tail', text(options, 'tail') ?? ''),
    sinceMs: options.since === undefined ? null : moment(text(options, 'since') ?? '', context.now()),
  }
}

const events: Verb = async (names, options) => {
  const { io, context } = await open(options)
  const wanted = stretch(options, context)
  const stop = interruptible(() => {})
  const commands = await import('./commands/events.ts')
  for await (const event of commands.events(names, wanted, context, stop)) io.outJson(event)
}

const showAsJson = (io: Io) => (item: LogItem) => {
  if (item.kind === 'event') io.outJson({ attempt: item.attempt, ...item.event })
}

async function showPane(name: string, lines: number | null, io: Io, context: Context): Promise<void> {
  const { paneText } = await import('./commands/attach.ts')
  const { harmless } = await import('./render/text.ts')
  io.out(`${harmless(paneText(name, lines, context)).trimEnd()}\n`)
}

function wholeNumber(option: string, value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value)
  throw new RcaError('usage', `${option}: ${JSON.stringify(value)} is not a whole number`)
}

/** `10m` is ten minutes ago; anything else must be a time. */
function moment(value: string, now: number): number {
  if (/^[\d.]+(ms|s|m|h|d)/.test(value)) return now - parseDuration(value, '--since')
  const time = Date.parse(value)
  if (!Number.isNaN(time)) return time
  throw new RcaError(
    'usage',
    `--since: ${JSON.stringify(value)} is neither a duration nor a time`,
    'For example: 10m.',
  )
}

const wait: Verb = async (names, options) => {
  const { io, context } = await open(options)
  const timeout = text(options, 'timeout')
  const timeoutMs = timeout === null ? null : parseDuration(timeout, '--timeout')
  const stop = interruptible(() => {})
  await waitFor(
    names,
    { any: flag(options, 'any'), timeoutMs, monitor: await wantsMonitor(context) },
    flag(options, 'exitStatus'),
    io,
    context,
    stop,
  )
}

async function waitFor(
  names: readonly string[],
  options: WaitOptions,
  exitStatus: boolean,
  io: Io,
  context: Context,
  stop: AbortSignal,
): Promise<void> {
  const commands = await import('./commands/wait.ts')
  const result = await commands.wait(names, options, context, stop)
  if (stop.aborted) return
  const [only] = result.tasks
  process.exitCode =
    exitStatus && only && !result.timedOut
      ? commands.agentExitCode(only, constants.signals)
      : commands.waitExitCode(result)
  const late = `not over after ${(options.timeoutMs ?? 0) / 1_000} s`
  if (io.json && result.timedOut) throw new RcaError('timeout', late, `See: rca status ${names[0]}`)
  if (io.json) return io.outJson(result.tasks)
  const { renderBrief } = await import('./render/task.ts')
  for (const task of result.tasks) io.out(renderBrief(task, io.paint))
  if (result.timedOut) io.err(`rca: ${late}\n`)
}

const attach: Verb = async ([name = ''], options) => {
  const { context } = await open(options)
  const { attachCommand } = await import('./commands/attach.ts')
  const [file = 'tmux', ...args] = attachCommand(name, context)
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new RcaError('usage', 'attach needs a terminal', `Without one: rca logs -f ${name}`)
  }
  const { execa } = await import('execa')
  const result = await execa(file, args, { stdio: 'inherit', reject: false })
  process.exitCode = result.exitCode ?? 1
}

const resume: Verb = async ([name = ''], options) => {
  const { io, context } = await open(options)
  const prompt = text(options, 'prompt')
  if (prompt !== null && prompt.trim() === '') throw new RcaError('usage', 'The prompt is empty')
  const commands = await import('./commands/resume.ts')
  const env = texts(options, 'env')
  const monitor = await wantsMonitor(context)
  const by = 'person' as const
  const wanted = { prompt, env, caller: process.env, by, graceMs: 3_000, monitor }
  const result = await commands.resume(name, wanted, context)
  if (result.note) io.err(`rca: ${result.note}\n`)
  if (io.json) return io.outJson(result.task)
  const { renderBrief, renderStarted } = await import('./render/task.ts')
  io.out(
    result.resumed ? renderStarted(result.task, 'resumed', io.paint) : renderBrief(result.task, io.paint),
  )
}

const kill: Verb = async (names, options) => {
  const { io, context } = await open(options)
  const commands = await import('./commands/kill.ts')
  const graceMs = parseDuration(text(options, 'grace') ?? '5s', '--grace')
  const results = await Promise.allSettled(names.map((name) => commands.kill(name, { graceMs }, context)))
  const killed = results.filter((one) => one.status === 'fulfilled').map((one) => one.value)
  const [first, ...others] = results.filter((one) => one.status === 'rejected').map((one) => one.reason)
  if (io.json && !first) return io.outJson(killed)
  if (!io.json) {
    const { renderBrief } = await import('./render/task.ts')
    for (const task of killed) io.out(renderBrief(task, io.paint))
    for (const error of others) context.warn(error instanceof Error ? error.message : String(error))
  }
  if (first) throw first
}

const CHANGES = ['install', 'uninstall']

const service: Verb = async ([what = ''], options) => {
  const { io, context: here } = await open(options)
  oneOf('service', what, flag(options, 'dryRun') ? CHANGES : [...CHANGES, 'status'])
  const socket = text(options, 'tmuxSocket')
  const context = socket === null ? here : { ...here, env: { ...here.env, RCA_TMUX_SOCKET: socket } }
  const commands = await import('./commands/service.ts')
  const { renderService, renderServicePlan } = await import('./render/service.ts')
  if (what === 'status') {
    const found = await commands.serviceStatus(context)
    if (!found.installed || !found.active) process.exitCode = 1
    return io.json ? io.outJson(found) : io.out(renderService(found, null, io.paint))
  }
  const change = what === 'install' ? 'install' : 'uninstall'
  if (flag(options, 'dryRun')) {
    const plan = await commands.planService(change, context)
    return io.json ? io.outJson(plan) : io.out(renderServicePlan(plan))
  }
  const result = await commands.changeService(change, context)
  return io.json ? io.outJson(result) : io.out(renderService(result, result.done, io.paint))
}

const settle: Verb = async ([dir = ''], options) => {
  const { context } = await open(options)
  const { settleAttempt } = await import('./commands/settle.ts')
  const { oneLine } = await import('./render/text.ts')
  const task = await settleAttempt(dir, context)
  if (!task) return
  process.stdout.write(
    `rca: ${task.name} ${task.state}${task.reason ? `: ${oneLine(task.reason, 180)}` : ''}\n`,
  )
  process.exitCode = task.state === 'done' ? 0 : 1
}

const monitor: Verb = async ([what = 'run'], options) => {
  const { io, context } = await open(options)
  const commands = await import('./commands/monitor.ts')
  const { logLine: log } = await import('./io.ts')
  oneOf('monitor', what, ['run', 'status', 'stop'])
  if (what === 'run') {
    if (flag(options, 'once')) return commands.monitorOnce(context, log)
    const wanted = { byVerb: flag(options, 'startedByVerb'), replace: flag(options, 'replace'), log }
    return commands.runMonitor(wanted, context, gracefully())
  }
  const found = what === 'stop' ? await commands.stopMonitor(context) : commands.monitorStatus(context)
  if (!found && what === 'status') process.exitCode = 1
  if (io.json) return io.outJson({ running: what === 'status' && found !== null, monitor: found })
  const { renderMonitor } = await import('./render/monitor.ts')
  io.out(renderMonitor(found, what === 'stop', context.now(), io.paint))
}

/** A signal that fires at SIGTERM, SIGINT and SIGHUP, which are how a monitor ends well. */
function gracefully(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort())
  return stop.signal
}

export const VERBS: Record<string, Verb> = {
  monitor,
  start,
  list,
  status,
  logs,
  events,
  wait,
  attach,
  resume,
  kill,
  service,
  settle,
}
