import { accessSync, constants, existsSync, lstatSync, readdirSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { AGENTS, type AgentName } from '../agents/driver.ts'
import { driverFor } from '../agents/index.ts'
import { planService, serviceStatus } from '../commands/service.ts'
import { configPath, loadConfig } from '../config.ts'
import type { Context } from '../context.ts'
import { RcaError, unless } from '../errors.ts'
import { runningMonitor } from '../supervise/presence.ts'
import { run } from '../system/run.ts'
import { planScope, scopeFacts } from '../system/scope.ts'
import { which } from '../system/which.ts'
import { leftLocks } from '../task/lock.ts'
import { monitorFile, tasksDirectory } from '../task/paths.ts'
import { isTooOld } from '../tmux/server.ts'
import { VERSION } from '../version.ts'
import type {
  AgentFact,
  ConfigFact,
  DiskFact,
  DoctorFacts,
  FolderFact,
  ProgramFact,
  ServiceFact,
} from './facts.ts'
import { NO_TASKS, taskFacts } from './look-at-tasks.ts'

/** No program takes longer to say its version, ms. */
const VERSION_MS = 10_000

/** Looks at everything that the doctor's findings rest on. Changes nothing, uses no network, reads no credential. */
export async function look(context: Context): Promise<DoctorFacts> {
  const { state } = context
  const folder = stateFolder(context)
  const readable = folder.kind === 'ok' || folder.kind === 'open' || folder.kind === 'read-only'
  const [tmux, screen, agents, service, scope] = await Promise.all([
    program('tmux', ['-V'], context),
    program('screen', ['-v'], context),
    Promise.all(AGENTS.map((name) => agent(name, context))),
    serviceFact(context),
    scopeFacts(context.env),
  ])
  const unseen: { check: string; error: string }[] = []
  /** A doctor does not give up because something is broken: that is what it is asked about. */
  const seen = async <T>(check: string, fallback: T, action: () => T | Promise<T>): Promise<T> => {
    try {
      return readable ? await action() : fallback
    } catch (error) {
      unseen.push({ check, error: error instanceof Error ? error.message : String(error) })
      return fallback
    }
  }
  const nobody = { running: null, left: false }
  return {
    version: VERSION,
    node: process.versions.node,
    platform: process.platform,
    tmux: { ...tmux, tooOld: tmux.version !== null && isTooOld(tmux.version) },
    screen,
    agents,
    state: folder,
    config: configFact(context),
    disk: diskFact(state),
    service,
    scopeWarning: planScope(scope).warning,
    monitor: await seen('monitor', nobody, () => monitorFact(state)),
    locks: await seen('locks', [], () => leftLocks(state)),
    ...(await seen('tasks', NO_TASKS, () => taskFacts(context))),
    unseen,
  }
}

function monitorFact(state: string): DoctorFacts['monitor'] {
  const running = runningMonitor(state)
  return { running, left: running === null && existsSync(monitorFile(state)) }
}

const asStrings = (env: Context['env']): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined))

/** Some say it on stderr (pi), some end with 1 (`screen -v` of 4.9). */
async function program(name: string, args: readonly string[], { env, cwd }: Context): Promise<ProgramFact> {
  const path = which(name, env.PATH ?? '', cwd)
  if (path === null) return { path, version: null }
  const said = await run([path, ...args], { env: asStrings(env), timeoutMs: VERSION_MS }).catch(() => null)
  const lines = `${said?.stdout ?? ''}\n${said?.stderr ?? ''}`.split('\n')
  return { path, version: lines.find((line) => /\d+\.\d+|master/.test(line))?.trim() ?? null }
}

async function agent(name: AgentName, context: Context): Promise<AgentFact> {
  const driver = await driverFor(name)
  const found = await program(driver.binary, driver.versionArgv.slice(1), context)
  const { version, path } = found
  const login =
    path === null || version === null ? null : await driver.login({ env: context.env, run, version })
  return { ...found, name, login, install: driver.install }
}

function stateFolder({ state: path, uid }: Context): FolderFact {
  const temporary = isTemporary(nearest(path))
  const stat = unless(['ENOTDIR'], null, () => lstatSync(path, { throwIfNoEntry: false }))
  if (stat === null) return { path, kind: 'no-folder', mode: null, temporary }
  if (stat === undefined) return { path, kind: 'missing', mode: null, temporary }
  const mode = (stat.mode & 0o777).toString(8)
  const kind = !stat.isDirectory()
    ? 'no-folder'
    : stat.uid !== uid
      ? 'foreign'
      : (stat.mode & 0o077) !== 0
        ? openKind(path)
        : isWritable(path)
          ? 'ok'
          : 'read-only'
  return { path, kind, mode, temporary }
}

/** rca makes nothing in a folder that is open: with other things in it, and no tasks, it is somebody else's. */
function openKind(path: string): 'open' | 'other' {
  if (existsSync(tasksDirectory(path))) return 'open'
  return unless(['EACCES'], ['?'], () => readdirSync(path)).length === 0 ? 'open' : 'other'
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** The magic number of a file system in memory: statfs(2). */
const TMPFS = 0x01021994

/** Debian's /tmp outlives no reboot (tmpfiles.d(5)), and what lies in memory does nowhere. */
function isTemporary(path: string): boolean {
  if (/^(\/private)?\/tmp(\/|$)/.test(path)) return true
  return process.platform === 'linux' && statfsSync(path).type === TMPFS
}

/** The path itself or, where it is not there, the first above it that is. */
function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path))
}

function diskFact(state: string): DiskFact | null {
  const { bavail, bsize, files, ffree } = statfsSync(nearest(state))
  // btrfs has as many as it likes, and says 0.
  return { freeBytes: bavail * bsize, freeFiles: files === 0 ? null : ffree }
}

function configFact({ env, uid }: Context): ConfigFact {
  const path = configPath(env)
  const stat =
    path === null
      ? undefined
      : unless(['ENOTDIR'], undefined, () => lstatSync(path, { throwIfNoEntry: false }))
  const open = stat?.isFile() === true && stat.uid === uid && (stat.mode & 0o022) !== 0
  const seen = { path, exists: stat !== undefined, open }
  try {
    loadConfig(env)
    return { ...seen, error: null }
  } catch (error) {
    if (!(error instanceof RcaError)) throw error
    return { ...seen, error: { message: error.message, hint: error.hint } }
  }
}

async function serviceFact(context: Context): Promise<ServiceFact> {
  try {
    const seen = await serviceStatus(context)
    const outdated = seen.installed && (await planService('install', context)).done === 'updated'
    return { seen, outdated, error: null }
  } catch (error) {
    return { seen: null, outdated: false, error: error instanceof Error ? error.message : String(error) }
  }
}
