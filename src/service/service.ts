import { isAbsolute } from 'node:path'
import { RcaError } from '../errors.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Who starts the monitor and keeps it running. */
export type Kind = 'systemd-user' | 'systemd-system' | 'launchd' | 'cron'

/** What is to be run, whoever runs it. */
export interface Service {
  /** Absolute paths of Node and of rca, then the verb. */
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** The state directory that the monitor watches. */
  readonly state: string
  /** A URL of rca's manual. */
  readonly manual: string
}

/** One thing that an installation does; made by pure code, done by `perform`, shown by `--dry-run`. */
export type Step =
  | { readonly do: 'write'; readonly path: string; readonly content: string }
  | { readonly do: 'remove'; readonly path: string }
  | {
      readonly do: 'run'
      readonly argv: readonly string[]
      /** Its standard input. */
      readonly input?: string
      /** Goes on where the program fails. */
      readonly mayFail?: true
    }

/** What was found of the service. `null` in a field: not known, or no such thing with this manager. */
export interface Seen {
  /** What is in the place of the unit, the plist or the crontab. */
  readonly text: string | null
  /** Whether rca put it there. */
  readonly installed: boolean
  readonly enabled: boolean | null
  readonly active: boolean | null
  readonly pid: number | null
  /** The manager has not read the newest text yet. */
  readonly stale: boolean
  /** systemd: whether the user's manager runs without a login. */
  readonly lingering: boolean | null
}

export const NOTHING: Seen = {
  text: null,
  installed: false,
  enabled: null,
  active: null,
  pid: null,
  stale: false,
  lingering: null,
}

/** By this line `install` and `uninstall` know a file of rca's own. */
export const MARK = 'Written by `rca service install`'

/**
 * What the monitor needs of its installer's environment: where settings, tmux servers and screens are, which programs there are, who
 * the user is (not set for a service of the system), the time zone (agents print the reset of a limit in local time), the
 * locale and the shell (a tmux server that it has to start hands them on). The agents' own variables are on record with
 * their tasks; nothing secret is in here, for systemd shows a unit's environment to everybody.
 */
const NAMES = [
  ...['HOME', 'USER', 'LOGNAME', 'SHELL', 'PATH', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ'],
  ...['XDG_CONFIG_HOME', 'TMUX_TMPDIR', 'RCA_TMUX_SOCKET', 'SCREENDIR'],
]

/** The service as this rca in this environment would run it. Throws `config` on what no manager can be given. Pure. */
export function monitorService(self: readonly string[], env: Env, state: string, manual: string): Service {
  // A monitor that a verb has started meanwhile must not keep the service's from its work.
  const command = [...self, 'monitor', '--replace']
  const kept: Record<string, string> = { RCA_HOME: state }
  for (const name of NAMES) if (env[name]) kept[name] = env[name]
  if (kept.PATH) kept.PATH = tidyPath(kept.PATH)
  for (const word of command) check('The path of rca', word)
  for (const [name, value] of Object.entries(kept)) check(name, value)
  return { command, env: kept, state, manual }
}

/** Every folder once, and none that depends on where one stands. */
function tidyPath(path: string): string {
  return [...new Set(path.split(':'))].filter((folder) => isAbsolute(folder)).join(':')
}

/** systemd rejects control characters, XML 1.0 and a crontab's line cannot hold them. */
function check(what: string, value: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (!/[\u0000-\u001f\u007f]/.test(value)) return
  throw new RcaError(
    'config',
    `${what} holds a control character, which no service manager takes: ${JSON.stringify(value)}`,
    'Set it without one and install again.',
  )
}

/** What decides who can run the service. */
export interface ManagerFacts {
  readonly platform: string
  readonly root: boolean
  /** The user's own systemd manager answers. */
  readonly userManager: boolean
  /** PID 1 is systemd. */
  readonly systemManager: boolean
  /** There is a `crontab` program. */
  readonly crontab: boolean
}

/** Who could run the service here, the best first. Pure. */
export function usableKinds(facts: ManagerFacts): Kind[] {
  if (facts.platform === 'darwin') return ['launchd']
  return [
    ...(facts.userManager ? (['systemd-user'] as const) : []),
    ...(facts.systemManager && facts.root ? (['systemd-system'] as const) : []),
    ...(facts.crontab ? (['cron'] as const) : []),
  ]
}

/** Every kind that may have been installed on such a machine, whether it can be reached now or not. Pure. */
export function possibleKinds(facts: ManagerFacts): Kind[] {
  return usableKinds({ ...facts, userManager: true, systemManager: true, crontab: true })
}

/** What `install` did or would do. Pure. */
export function installDone(before: Seen, steps: readonly Step[]): Done {
  if (steps.length === 0) return 'unchanged'
  if (!before.installed) return 'installed'
  return steps.some(writes) ? 'updated' : 'started'
}

const writes = (step: Step) => step.do === 'write' || (step.do === 'run' && step.input !== undefined)

export type Done = 'installed' | 'updated' | 'started' | 'unchanged' | 'removed' | 'absent'
