import { chmodSync, lstatSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { changeService } from '../commands/service.ts'
import type { Context } from '../context.ts'
import { RcaError } from '../errors.ts'
import { ensureMonitor } from '../supervise/spawn.ts'
import { acquireLock } from '../task/lock.ts'
import { observe } from '../task/observe.ts'
import { endUnfinished } from '../task/processes.ts'
import { isLive } from '../task/state.ts'
import { readTask, sweepHalfMade } from '../task/store.ts'
import { repairSocket } from '../tmux/repair.ts'
import type { DoctorFacts } from './facts.ts'
import type { FixName } from './findings.ts'

/** One thing that `--fix` does: under the locks of the sessions that it touches, and of no harm where it was needless. */
interface Fix {
  readonly what: string
  /** Throws where it could not be done. */
  readonly run: (facts: DoctorFacts, context: Context) => Promise<void>
}

const WHO = 'rca doctor --fix'
const LOCK_MS = 10_000
const GRACE_MS = 5_000

export const FIXES: Readonly<Record<FixName, Fix>> = {
  'private-folders': {
    what: 'take the state directory away from the eyes of others',
    run: async ({ state, tasks }) => {
      if (state.kind === 'open') makePrivate(state.path)
      for (const one of tasks) if (one.open) makePrivate(one.dir)
    },
  },
  'private-config': {
    what: 'let nobody else write config.json',
    run: async ({ config }) => {
      if (config.path !== null) chmodSync(config.path, statSync(config.path).mode & 0o777 & ~0o022)
    },
  },
  'clear-locks': {
    what: 'clear the locks of processes that are gone',
    run: async ({ locks }, context) => {
      for (const one of locks) if (one.dead > 0) await clearLock(one.session, context)
    },
  },
  'clear-half-made': {
    what: 'remove directories that never became a task',
    run: async ({ halfMade }, context) => {
      for (const dir of halfMade) {
        await locked(sessionOf(dir), context, async () => sweepHalfMade(dir, context.now()))
      }
    },
  },
  'end-strays': {
    what: 'end the processes of tasks that are over',
    run: async ({ strays }, context) => {
      const dirs = new Set(strays.flatMap((one) => (one.dir === null ? [] : [one.dir])))
      for (const dir of dirs) await locked(sessionOf(dir), context, () => endStrays(dir, context))
    },
  },
  'start-monitor': {
    what: 'have a monitor of this release run',
    run: (_, context) => ensureMonitor(context),
  },
  'start-service': {
    what: 'start the installed service',
    run: async (_, context) => void (await changeService('install', context)),
  },
  'restore-socket': {
    what: 'have the tmux server make its socket again',
    run: async ({ sockets }) => {
      for (const { path, dirs, exists } of sockets) {
        if (!exists && !(await repairSocket(path, dirs))) throw new Error(`${path} did not come back`)
      }
    },
  },
}

const sessionOf = (dir: string) => basename(dir).slice(0, basename(dir).lastIndexOf('.'))

async function locked(session: string, { state }: Context, action: () => Promise<void>): Promise<void> {
  const lock = await acquireLock(state, session, WHO, LOCK_MS)
  try {
    await action()
  } finally {
    lock.release()
  }
}

/** Whoever takes a lock clears what the dead have left there; who has it by now, has done so. */
async function clearLock(session: string, { state }: Context): Promise<void> {
  try {
    const lock = await acquireLock(state, session, WHO, 0)
    lock.release()
  } catch (error) {
    if (!(error instanceof RcaError) || error.code !== 'conflict') throw error
  }
}

/** Never through a link. */
function makePrivate(path: string): void {
  if (lstatSync(path).isDirectory()) chmodSync(path, 0o700)
}

/** Looks again: it may have been resumed meanwhile. */
async function endStrays(dir: string, context: Context): Promise<void> {
  const stored = readTask(dir)
  if (!stored?.spec) return
  const { derived } = await observe(stored, context.now())
  if (isLive(derived.state) || derived.state === 'unknown') return
  const left = await endUnfinished(stored.spec, stored.journal.entries, { graceMs: GRACE_MS })
  if (left.length > 0) throw new Error(`would not die: pid ${left.map((one) => one.pid).join(', ')}`)
}
