import { realpathSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import {
  type Ask,
  asker,
  type Manager,
  managerEnvironment,
  managerFacts,
  managerOf,
} from '../service/managers.ts'
import { notes } from '../service/notes.ts'
import { perform } from '../service/perform.ts'
import {
  type Done,
  installDone,
  type Kind,
  monitorService,
  possibleKinds,
  type Seen,
  type Step,
  usableKinds,
} from '../service/service.ts'
import { runningMonitor } from '../supervise/presence.ts'
import { run } from '../system/run.ts'

export type Change = 'install' | 'uninstall'

/** The service as it is. `null` in a field: not known, or no such thing with this manager. */
export interface ServiceJson {
  /** Null: nothing here can run it. */
  readonly kind: Kind | null
  readonly installed: boolean
  /** It comes back after a reboot or at the next login. */
  readonly enabled: boolean | null
  readonly active: boolean | null
  readonly pid: number | null
  /** systemd: whether the user's manager runs without a login. */
  readonly lingering: boolean | null
  /** The unit or the plist; null with cron. */
  readonly path: string | null
  /** The state directory that a service installed from here watches. */
  readonly state: string
  /** What a person should know or do. */
  readonly notes: readonly string[]
}

export interface ServiceChange extends ServiceJson {
  readonly done: Done
}

/** What an `install` or `uninstall` would do. */
export interface ServicePlan {
  readonly kind: Kind | null
  readonly path: string | null
  readonly done: Done
  readonly steps: readonly Step[]
}

interface Found {
  readonly ask: Ask
  /** Who can run it here, the best first. */
  readonly usable: readonly Kind[]
  /** Who runs it or, where nobody does, who would. */
  readonly manager: Manager | null
  readonly seen: Seen | null
}

/** What is installed and whether it runs. */
export async function serviceStatus(context: Context): Promise<ServiceJson> {
  const found = await look(context)
  return asJson(found, context)
}

/** What `change` would do, with nothing done. Throws as `changeService` does. */
export async function planService(change: Change, context: Context): Promise<ServicePlan> {
  return plan(change, await look(context), context)
}

/**
 * Installs and starts the service, or stops and removes it, as far as that is not so already. Throws `unavailable` where
 * nothing can run it, `conflict` where something of its name is not rca's, `failed` where the manager refuses.
 */
export async function changeService(change: Change, context: Context): Promise<ServiceChange> {
  const before = await look(context)
  const { done, steps } = plan(change, before, context)
  await perform(steps, before.ask)
  const seen = before.manager && (await lookWhenSettled(before.manager, context))
  return { ...asJson({ ...before, seen }, context), done }
}

/** How long the service's monitor may take to begin, ms; it may have to end another one first. */
const SETTLED_MS = 10_000

/** Looks when the monitor that the manager has started is the one that runs, or has failed. */
async function lookWhenSettled(manager: Manager, context: Context): Promise<Seen> {
  const until = Date.now() + SETTLED_MS
  for (;;) {
    const seen = await manager.look()
    const begins = seen.active && seen.pid !== runningMonitor(context.state)?.pid
    if (!begins || Date.now() > until) return seen
    await sleep(50)
  }
}

async function look(context: Context): Promise<Found> {
  const ask = asker(run, managerEnvironment(context))
  const facts = await managerFacts(context, ask)
  const usable = usableKinds(facts)
  const all = possibleKinds(facts).map((kind) => managerOf(kind, context, ask))
  for (const manager of all) {
    const seen = await manager.look()
    if (seen.installed) return { ask, usable, manager, seen }
  }
  const manager = all.find((one) => one.kind === usable[0]) ?? null
  return { ask, usable, manager, seen: (await manager?.look()) ?? null }
}

function plan(change: Change, { manager, seen }: Found, context: Context): ServicePlan {
  if (!manager || !seen) {
    if (change === 'install') throw nobody()
    return { kind: null, path: null, done: 'absent', steps: [] }
  }
  const { kind, path } = manager
  if (path !== null && seen.text !== null && !seen.installed) throw foreign(path)
  if (change === 'uninstall') {
    const steps = manager.uninstall(seen)
    return { kind, path, done: steps.length === 0 ? 'absent' : 'removed', steps }
  }
  const service = monitorService(context.self, context.env, context.state, manual(context.self))
  const steps = manager.install(service, seen)
  return { kind, path, done: installDone(seen, steps), steps }
}

/** The README beside the installed program, as a URL: what lies behind a link on PATH. */
function manual(self: readonly string[]): string {
  return pathToFileURL(join(dirname(realpathSync(self.at(-1) ?? '')), '..', 'README.md')).href
}

function nobody(): RcaError {
  return new RcaError(
    'unavailable',
    'Nothing here can run the monitor as a service: no systemd user manager answers and there is no crontab',
    'Install cron, or log in as this user itself (not with su), or have your init system run: rca monitor',
  )
}

function foreign(path: string): RcaError {
  return new RcaError('conflict', `${path} was not written by rca`, 'Move it away, then try again.')
}

function asJson({ manager, seen, usable }: Found, context: Context): ServiceJson {
  return {
    kind: manager?.kind ?? null,
    installed: seen?.installed ?? false,
    enabled: seen?.enabled ?? null,
    active: seen?.active ?? null,
    pid: seen?.pid ?? null,
    lingering: seen?.lingering ?? null,
    path: manager?.path ?? null,
    state: context.state,
    notes: notes({
      kind: manager?.kind ?? null,
      path: manager?.path ?? null,
      seen,
      usable,
      monitor: runningMonitor(context.state),
      rca: context.self.at(-1) ?? '',
      user: userInfo().username,
    }),
  }
}
