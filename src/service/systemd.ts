import { isAbsolute, join } from 'node:path'
import { MARK, type Seen, type Service, type Step } from './service.ts'

type Env = Readonly<Record<string, string | undefined>>

export type Scope = 'user' | 'system'

export const UNIT = 'rca-monitor.service'

/** Where the unit belongs: systemd.unit(5), "Unit File Load Path". */
export function unitPath(scope: Scope, env: Env): string {
  if (scope === 'system') return join('/etc/systemd/system', UNIT)
  const config = env.XDG_CONFIG_HOME
  return join(config && isAbsolute(config) ? config : join(env.HOME ?? '/', '.config'), 'systemd/user', UNIT)
}

/** The argv of a systemctl call that talks to that manager. */
export function systemctl(scope: Scope, ...args: readonly string[]): string[] {
  return ['systemctl', ...(scope === 'user' ? ['--user'] : []), ...args]
}

/**
 * A word as a unit file's quoting rules take it literally (systemd.syntax(7), "Quoting"; `%` is a specifier in every
 * setting used here, systemd.unit(5)). Seen on systemd 252.
 */
export function unitWord(word: string): string {
  const text = word.replaceAll('%', '%%')
  if (/^[A-Za-z0-9_/:=.,@%+$-]+$/.test(text)) return text
  return `"${text.replaceAll(/[\\"]/g, '\\$&')}"`
}

/**
 * A command line. `$` starts a variable in the arguments, so it is doubled there, but not in the program's own path, which
 * is taken as it stands (systemd.service(5), "Command lines"). A program with a quote or a backslash in its path is refused
 * ("Executable name contains special characters"), so a shell becomes it. All of it seen on systemd 252.
 */
export function unitCommand([program = '', ...args]: readonly string[]): string {
  if (/["'\\]/.test(program)) return unitCommand(['/bin/sh', '-c', 'exec "$0" "$@"', program, ...args])
  return [unitWord(program), ...args.map((word) => unitWord(word.replaceAll('$', '$$$$')))].join(' ')
}

/** The unit of the monitor. Pure. */
export function unitText(service: Service, scope: Scope): string {
  const edit = systemctl(scope, 'edit', UNIT).join(' ')
  const environment = Object.entries(service.env).map(
    ([name, value]) => `Environment=${unitWord(`${name}=${value}`)}`,
  )
  return `# ${MARK}, which overwrites changes made here: make them with \`${edit}\`.
# It watches the tasks in ${service.state}

[Unit]
Description=rca monitor (resumes coding agents whose tasks are not done)
Documentation=${unitWord(service.manual)}
# Never give up: a crash loop costs one short start in RestartSec, no monitor at all costs tasks.
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${unitCommand(service.command)}
${environment.join('\n')}
# An exit code of 0 and SIGTERM are ends that somebody wanted (rca monitor stop): it stays stopped. A crash, SIGKILL or
# an end for lack of memory are not. A command line that this rca does not know (2) will not be known later either.
Restart=on-failure
RestartSec=5s
RestartPreventExitStatus=2
# Stopping, restarting or removing the monitor must never end an agent. rca starts the tmux server in a scope of its own,
# but where that cannot be made (no systemd-run, no bus) the server and all agents in it are in this unit's control
# group, which systemd would end with the unit. The monitor leaves nothing else behind that would have to be ended.
KillMode=process
# For the same reason: an agent that ran out of memory must not stop the monitor.
OOMPolicy=continue

[Install]
WantedBy=${scope === 'user' ? 'default.target' : 'multi-user.target'}
`
}

/** The argv that asks for what `parseShow` reads. */
export function showUnit(scope: Scope): string[] {
  return systemctl(scope, 'show', `--property=${SHOWN.join(',')}`, UNIT)
}

const SHOWN = ['UnitFileState', 'ActiveState', 'MainPID', 'NeedDaemonReload']

type UnitState = Pick<Seen, 'enabled' | 'active' | 'pid' | 'stale'>

/** Reads `systemctl show` (systemd 252); an empty answer: the manager did not answer. Pure. */
export function parseShow(answer: string): UnitState {
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(answer)?.[1] ?? null
  const state = value('ActiveState')
  if (state === null) return { enabled: null, active: null, pid: null, stale: false }
  return {
    enabled: value('UnitFileState') === 'enabled',
    active: state === 'active',
    pid: Number(value('MainPID')) || null,
    stale: value('NeedDaemonReload') === 'yes',
  }
}

/** What is missing between what was seen and an installed, enabled, running service. Pure. */
export function installUnit(service: Service, scope: Scope, path: string, seen: Seen): Step[] {
  const content = unitText(service, scope)
  const changed = seen.text !== content
  const run = (...args: string[]): Step => ({ do: 'run', argv: systemctl(scope, ...args) })
  const up = seen.active && seen.enabled
  return [
    ...(changed ? [{ do: 'write', path, content } as const] : []),
    ...(changed || seen.stale ? [run('daemon-reload')] : []),
    ...(up ? [] : [run('enable', '--now', UNIT)]),
    // KillMode=process: a restart ends the monitor alone.
    ...(seen.active && (changed || seen.stale) ? [run('restart', UNIT)] : []),
  ]
}

/** Stops and removes the service, and nothing that the monitor has started. Pure. */
export function uninstallUnit(scope: Scope, path: string, seen: Seen): Step[] {
  if (!seen.installed) return []
  return [
    { do: 'run', argv: systemctl(scope, 'disable', '--now', UNIT) },
    { do: 'remove', path },
    { do: 'run', argv: systemctl(scope, 'daemon-reload') },
    // It fails where there is no failure to forget.
    { do: 'run', argv: systemctl(scope, 'reset-failed', UNIT), mayFail: true },
  ]
}
