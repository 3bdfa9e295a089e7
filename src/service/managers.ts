import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Run } from '../agents/driver.ts'
import type { Context } from '../context.ts'
import { unless } from '../errors.ts'
import { runningMonitor } from '../supervise/presence.ts'
import { which } from '../system/which.ts'
import { hasLine, installLine, parseTable, uninstallLine } from './cron.ts'
import { installAgent, parsePrint, plistPath, printAgent, uninstallAgent } from './launchd.ts'
import { type Kind, MARK, type ManagerFacts, NOTHING, type Seen, type Service, type Step } from './service.ts'
import { installUnit, parseShow, type Scope, showUnit, uninstallUnit, unitPath } from './systemd.ts'

/** One way to have the monitor run: where it is written, what is there now, what has to be done. */
export interface Manager {
  readonly kind: Kind
  /** The unit or the plist; null: a line in the crontab. */
  readonly path: string | null
  readonly look: () => Promise<Seen>
  readonly install: (service: Service, seen: Seen) => Step[]
  readonly uninstall: (seen: Seen) => Step[]
}

/** Runs a program that answers a question or does a step. */
export type Ask = (
  argv: readonly string[],
  input?: string,
) => Promise<{ readonly ok: boolean; readonly stdout: string; readonly stderr: string }>

/** Runs programs in this environment, in the C locale: their words are read. */
export function asker(run: Run, env: Readonly<Record<string, string>>): Ask {
  return async (argv, input) => {
    const options = { env: { ...env, LC_ALL: 'C' }, timeoutMs: 60_000 }
    const { exit, stdout, stderr } = await run(argv, input === undefined ? options : { ...options, input })
    return { ok: exit !== null && 'code' in exit && exit.code === 0, stdout, stderr }
  }
}

/**
 * The environment of those programs: su, sudo and cron leave XDG_RUNTIME_DIR out, without which `systemctl --user` finds no
 * manager (pam_systemd(8): it is /run/user/UID).
 */
export function managerEnvironment(context: Context): Record<string, string> {
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(context.env)) if (value !== undefined) env[name] = value
  const runtime = `/run/user/${context.uid}`
  if (!env.XDG_RUNTIME_DIR && existsSync(runtime)) env.XDG_RUNTIME_DIR = runtime
  return env
}

/** Looks at this machine. */
export async function managerFacts(context: Context, ask: Ask): Promise<ManagerFacts> {
  const answers = async (...scope: string[]) =>
    /^Version=./m.test((await ask(['systemctl', ...scope, 'show', '--property=Version'])).stdout)
  const linux = process.platform === 'linux'
  return {
    platform: process.platform,
    root: context.uid === 0,
    userManager: linux && (await answers('--user')),
    // sd_booted(3)
    systemManager: linux && existsSync('/run/systemd/system') && (await answers()),
    crontab: which('crontab', context.env.PATH ?? '', context.cwd) !== null,
  }
}

export function managerOf(kind: Kind, context: Context, ask: Ask): Manager {
  if (kind === 'launchd') return launchd(context, ask)
  if (kind === 'cron') return cron(context, ask)
  return systemd(kind === 'systemd-user' ? 'user' : 'system', context, ask)
}

const fileSeen = (path: string) => {
  const text = unless(['ENOENT', 'ENOTDIR'], null, () => readFileSync(path, 'utf8'))
  return { text, installed: text?.includes(MARK) ?? false }
}

function systemd(scope: Scope, context: Context, ask: Ask): Manager {
  const path = unitPath(scope, context.env)
  return {
    kind: scope === 'user' ? 'systemd-user' : 'systemd-system',
    path,
    look: async () => ({
      ...NOTHING,
      ...fileSeen(path),
      ...parseShow((await ask(showUnit(scope))).stdout),
      lingering: scope === 'user' ? await lingering(ask) : null,
    }),
    install: (service, seen) => installUnit(service, scope, path, seen),
    uninstall: (seen) => uninstallUnit(scope, path, seen),
  }
}

/** logind's answer; where it gives none, the file by which it remembers (systemd 252). */
async function lingering(ask: Ask): Promise<boolean> {
  const { username } = userInfo()
  const { ok, stdout } = await ask(['loginctl', 'show-user', username, '--property=Linger', '--value'])
  return ok ? stdout.trim() === 'yes' : existsSync(join('/var/lib/systemd/linger', username))
}

function launchd(context: Context, ask: Ask): Manager {
  const home = context.env.HOME ?? '/'
  const path = plistPath(home)
  const log = join(home, 'Library/Logs/rca-monitor.log')
  return {
    kind: 'launchd',
    path,
    look: async () => {
      const { ok, stdout } = await ask(printAgent(context.uid))
      return { ...NOTHING, ...fileSeen(path), ...parsePrint(ok, stdout) }
    },
    install: (service, seen) => installAgent(service, context.uid, path, log, seen),
    uninstall: (seen) => uninstallAgent(context.uid, path, seen),
  }
}

function cron(context: Context, ask: Ask): Manager {
  return {
    kind: 'cron',
    path: null,
    look: async () => {
      if (which('crontab', context.env.PATH ?? '', context.cwd) === null) return NOTHING
      const text = parseTable(await ask(['crontab', '-l']))
      const installed = text !== null && hasLine(text)
      const pid = runningMonitor(context.state)?.pid ?? null
      return { ...NOTHING, text, installed, enabled: installed, active: pid !== null, pid }
    },
    install: installLine,
    uninstall: uninstallLine,
  }
}
