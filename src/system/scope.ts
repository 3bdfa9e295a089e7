import { existsSync, readFileSync } from 'node:fs'
import { run } from './run.ts'

/** What decides whether a server that is started from here would outlive its starter. */
export interface ScopeFacts {
  /** The text of /proc/self/cgroup; empty where there is none. */
  readonly cgroup: string
  readonly root: boolean
  /** The control group of the user's own systemd manager, null where none answers. */
  readonly userManager: string | null
  /** Whether that manager lives on without a login (`loginctl enable-linger`). */
  readonly lingers: boolean
  /** logind's KillUserProcesses: what a login started dies with it. */
  readonly killUserProcesses: boolean
}

export interface ScopePlan {
  /** Put before the command that starts the server; empty: start it plainly. */
  readonly prefix: readonly string[]
  /** What a person should know, or null. */
  readonly warning: string | null
}

const PLAIN: ScopePlan = { prefix: [], warning: null }
const IN_SCOPE = [
  'systemd-run',
  '--scope',
  '--collect',
  '--quiet',
  '--description=rca: outlives whoever started it',
  '--',
]
const USER_SCOPE = ['systemd-run', '--user', ...IN_SCOPE.slice(1)]

/** The paths in /proc/self/cgroup that systemd works with: the unified hierarchy, or its own in a legacy one. */
function paths(cgroup: string): string[] {
  return cgroup
    .split('\n')
    .filter((line) => /^(0::|\d+:name=systemd:)/.test(line))
    .map((line) => line.slice(line.indexOf('/')))
}

/**
 * The unit that our life hangs on: the service we are in, or the login session's scope; null: neither. (The user manager
 * itself, a scope made by systemd-run or a terminal emulator, a container: nothing there ends us by restarting.)
 */
export function unitOf(cgroup: string): string | null {
  const parts = paths(cgroup).flatMap((path) => path.split('/'))
  const service = parts.find((part) => part.endsWith('.service') && !/^user@\d+\.service$/.test(part))
  return service ?? parts.find((part) => /^session-.+\.scope$/.test(part)) ?? null
}

/**
 * Decides where a tmux server that has to be started must live so that it outlives its starter.
 * - Inside a service: `systemctl restart` ends the service's whole control group (KillMode=control-group), the server in it
 *   too. A scope under the same manager is left alone.
 * - Inside a login's scope: only where logind ends what a login started; a scope of the user's manager is no better unless
 *   that manager lingers, for it ends with the last login.
 * Pure.
 */
export function planScope(facts: ScopeFacts): ScopePlan {
  const unit = unitOf(facts.cgroup)
  if (unit === null) return PLAIN
  const login = unit.endsWith('.scope')
  if (login && !facts.killUserProcesses) return PLAIN
  const manager = facts.userManager
  const inManager = manager !== null && paths(facts.cgroup).some((path) => path.startsWith(`${manager}/`))
  if (manager !== null && (inManager || facts.lingers)) return { prefix: USER_SCOPE, warning: null }
  if (facts.root) return { prefix: IN_SCOPE, warning: null }
  if (manager !== null)
    return { prefix: USER_SCOPE, warning: `${mayEnd(unit)}: run \`loginctl enable-linger\`` }
  return {
    prefix: [],
    warning: `${mayEnd(unit)}: no systemd user manager answers; run \`loginctl enable-linger\``,
  }
}

const mayEnd = (unit: string) => `the agent may end when ${unit} does`

/** Looks at this machine. Asks systemd and logind only where the control group says that it matters. */
export async function scopeFacts(env: Readonly<Record<string, string | undefined>>): Promise<ScopeFacts> {
  const cgroup = readCgroup()
  const root = process.getuid?.() === 0
  const nothing = { cgroup, root, userManager: null, lingers: false, killUserProcesses: false }
  if (unitOf(cgroup) === null) return nothing
  const clean = Object.fromEntries(
    Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
  const ask = async (argv: string[]) =>
    (await run(argv, { env: clean, timeoutMs: 5_000 }).catch(() => null))?.stdout ?? ''
  return {
    cgroup,
    root,
    userManager: controlGroup(await ask(['systemctl', '--user', 'show', '--property=Version,ControlGroup'])),
    lingers: existsSync(`/var/lib/systemd/linger/${env.USER ?? env.LOGNAME ?? ''}`),
    killUserProcesses: /^b true/.test(
      await ask([
        ...['busctl', 'get-property', 'org.freedesktop.login1', '/org/freedesktop/login1'],
        ...['org.freedesktop.login1.Manager', 'KillUserProcesses'],
      ]),
    ),
  }
}

/** Reads `systemctl show`'s answer; a manager at the root of its hierarchy has an empty path. */
function controlGroup(answer: string): string | null {
  if (!/^Version=/m.test(answer)) return null
  return (/^ControlGroup=(.*)$/m.exec(answer)?.[1] ?? '').replace(/\/$/, '')
}

function readCgroup(): string {
  try {
    return readFileSync('/proc/self/cgroup', 'utf8')
  } catch {
    return ''
  }
}
