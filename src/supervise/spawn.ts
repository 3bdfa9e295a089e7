import { closeSync, constants } from 'node:fs'
import type { Context } from '../context.ts'
import { ensurePrivateDirectory, openOwn } from '../system/durable.ts'
import { childProcess } from '../system/lazy.ts'
import { planScope, scopeFacts } from '../system/scope.ts'
import { followUpsOf } from '../task/follow-ups.ts'
import { monitorLog } from '../task/paths.ts'
import { policyOf } from '../task/policy.ts'
import type { Entry, Spec } from '../task/schema.ts'
import type { Stored } from '../task/store.ts'
import { VERSION } from '../version.ts'
import { poke, runningMonitor } from './presence.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Has the monitor look at a task; starts one where none runs and the task is to be supervised, or somebody is to hear of it. */
export async function ensureMonitorFor(task: Stored, context: Context): Promise<void> {
  const { spec, dir } = task
  poke(dir)
  if (!spec || spec.monitor === false || !hasUseOfMonitor(spec, task.journal.entries)) return
  // The task runs all the same, and its start must not seem to have failed; `rca status` says that no monitor does.
  await ensureMonitor(context).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error)
    context.warn(`no monitor could be started: ${why}`)
  })
}

/** A task that does not go on after a failure may have a follow-up to be begun, or somebody to be told of it. */
function hasUseOfMonitor(spec: Spec, entries: readonly Entry[]): boolean {
  if (policyOf(spec).restart !== 'never' || spec.notify) return true
  return followUpsOf(entries, null).some((one) => one.state === 'queued')
}

/** Begins the follow-up of a task that nobody supervises, by a process that does nothing else. */
export async function deliverApart(dir: string, context: Context): Promise<void> {
  await spawnApart(['deliver', dir], context)
}

/**
 * Starts a monitor where none runs. Two that start at once settle between themselves which of them stays; one of another release
 * gives way.
 */
export async function ensureMonitor(context: Context): Promise<void> {
  const running = runningMonitor(context.state)
  if (running?.version === VERSION) return
  await spawnApart(['monitor', '--started-by-verb', ...(running ? ['--replace'] : [])], context)
}

/** Starts rca detached, in a scope of its own inside a service, so that it outlives whoever starts it. */
async function spawnApart(verb: readonly string[], context: Context): Promise<void> {
  const { prefix } = planScope(await scopeFacts(context.env))
  ensurePrivateDirectory(context.state)
  const [file = '', ...args] = [...prefix, ...context.self, ...verb]
  const log = openOwn(monitorLog(context.state), constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT)
  try {
    const child = childProcess().spawn(file, args, {
      cwd: '/',
      env: monitorEnvironment(context.env, context.state),
      detached: true,
      stdio: ['ignore', log, log],
    })
    // Without it the task runs all the same; `rca status` says that no monitor does.
    child.on('error', () => {})
    child.unref()
  } finally {
    closeSync(log)
  }
}

const KEPT =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_.*|TZ|TMPDIR|TMUX_TMPDIR|SCREENDIR|XDG_.*|DBUS_SESSION_BUS_ADDRESS|NODE_EXTRA_CA_CERTS|NODE_USE_ENV_PROXY|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY|RCA_TEST_.*)$/

/** The monitor serves all tasks: nothing of the one caller's but what finds programs, folders, the bus and the network. Pure. */
function monitorEnvironment(env: Env, state: string): Record<string, string> {
  const kept = Object.entries(env).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && KEPT.test(pair[0]),
  )
  return { ...Object.fromEntries(kept), RCA_HOME: state }
}
