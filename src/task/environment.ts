import type { Driver } from '../agents/driver.ts'
import { RcaError } from '../errors.ts'
import { quote } from '../system/shell.ts'

type Env = Readonly<Record<string, string | undefined>>

/**
 * What every agent and its tools need from the caller: the search path, the user, the locale, proxies and certificates,
 * the desktop and key agents, the usual toolchains, and rca's own settings (an agent may call rca). A trailing `*` is a
 * prefix. Everything else must be asked for with `--env`.
 */
const COMMON = [
  ...[
    'PATH',
    'HOME',
    'USER',
    'LOGNAME',
    'SHELL',
    'LANG',
    'LANGUAGE',
    'LC_*',
    'TZ',
    'TMPDIR',
    'EDITOR',
    'VISUAL',
  ],
  ...['XDG_*', 'DBUS_SESSION_BUS_ADDRESS', 'SSH_AUTH_SOCK', 'SSH_AGENT_PID', 'GPG_TTY', 'GNUPGHOME'],
  ...[
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'ALL_PROXY',
    'NO_PROXY',
    'http_proxy',
    'https_proxy',
    'all_proxy',
    'no_proxy',
  ],
  ...[
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
    'NODE_EXTRA_CA_CERTS',
    'REQUESTS_CA_BUNDLE',
    'CURL_CA_BUNDLE',
    'NODE_OPTIONS',
  ],
  ...[
    'NVM_DIR',
    'VOLTA_HOME',
    'FNM_*',
    'PNPM_HOME',
    'BUN_INSTALL',
    'NPM_CONFIG_*',
    'npm_config_*',
    'COREPACK_*',
  ],
  ...[
    'JAVA_HOME',
    'GOPATH',
    'GOROOT',
    'CARGO_HOME',
    'RUSTUP_HOME',
    'PYENV_ROOT',
    'VIRTUAL_ENV',
    'CONDA_*',
    'UV_*',
  ],
  ...['ANDROID_HOME', 'DOTNET_ROOT', 'LD_LIBRARY_PATH', 'PKG_CONFIG_PATH', 'DISPLAY', 'WAYLAND_DISPLAY'],
  ...['GIT_AUTHOR_*', 'GIT_COMMITTER_*', 'GIT_SSH_COMMAND', 'RCA_HOME', 'RCA_TMUX_SOCKET'],
]

/** Never handed on: marks of the terminal or session that the caller itself runs in. */
const NEVER = [
  'TMUX',
  'TMUX_PANE',
  'STY',
  'RCA_ATTEMPT',
  'RCA_LAUNCH',
  'TASK_TMPDIR',
  'PWD',
  'OLDPWD',
  'SHLVL',
  '_',
]

function matches(name: string, patterns: readonly string[]): boolean {
  return patterns.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : one === name))
}

/** Whether no agent is ever given this variable, whoever asks for it. */
export const isNeverHandedOn = (name: string): boolean => matches(name, NEVER)

/** One `--env K=V` (sets) or `--env K` (takes the caller's value; usage error where it has none). */
export function parseEnvOption(option: string, caller: Env): [string, string] {
  const at = option.indexOf('=')
  const name = at < 0 ? option : option.slice(0, at)
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new RcaError('usage', `Bad --env ${JSON.stringify(option)}`, 'Use --env NAME or --env NAME=VALUE.')
  }
  if (isNeverHandedOn(name))
    throw new RcaError('usage', `--env ${name} cannot be set: it is not handed to agents`)
  if (at >= 0) return [name, option.slice(at + 1)]
  const value = caller[name]
  if (value === undefined) {
    throw new RcaError(
      'usage',
      `--env ${name}: there is no such variable here`,
      `Set it, or give --env ${name}=VALUE.`,
    )
  }
  return [name, value]
}

type AgentEnvironment = Pick<Driver, 'envNames' | 'envNever' | 'envNamesInConfig'>

/** What this agent reads, by its nature and by its configuration. */
function agentNames(driver: AgentEnvironment, caller: Env): string[] {
  return [...driver.envNames, ...(driver.envNamesInConfig?.(caller) ?? [])]
}

/**
 * Chooses from the caller's environment what this agent needs, less `without`, and adds what `--env` asked for. Looks at nothing
 * but the agent's configuration.
 */
export function captureEnvironment(
  driver: AgentEnvironment,
  caller: Env,
  options: readonly string[],
  without: readonly string[] = [],
): Record<string, string> {
  const asked = options.map((option) => parseEnvOption(option, caller))
  const names = [...COMMON, ...agentNames(driver, whereItRuns(caller, asked, without))]
  const captured: Record<string, string> = {}
  for (const [name, value] of Object.entries(caller)) {
    if (value === undefined || !isName(name) || matches(name, NEVER) || matches(name, driver.envNever))
      continue
    if (matches(name, names) && !without.includes(name)) captured[name] = value
  }
  captured.PATH ??= '/usr/local/bin:/usr/bin:/bin'
  return { ...captured, ...Object.fromEntries(asked) }
}

/** As far as the agent's configuration is found by it. */
function whereItRuns(caller: Env, asked: readonly [string, string][], without: readonly string[]): Env {
  const kept = Object.entries(caller).filter(([name]) => !without.includes(name))
  return Object.fromEntries([...kept, ...asked])
}

/**
 * The environment of a resume: what was captured at the start, with the caller's values for the agent's own variables
 * (somebody may have mended a key) and for `--env`. Where the stored values are gone, the caller's are captured anew.
 * What the command itself had set is changed with `--env` alone; throws `usage` where it is gone and was not given again.
 */
export function resumeEnvironment(
  driver: AgentEnvironment,
  stored: Readonly<Record<string, string>> | null,
  caller: Env,
  options: readonly string[],
  { withoutEnv = [], ownEnv = [] }: OfCommand = {},
): Record<string, string> {
  const fresh = captureEnvironment(driver, caller, options, withoutEnv)
  const isAsked = (name: string) => options.some((option) => option === name || option.startsWith(`${name}=`))
  if (!stored) {
    const missing = ownEnv.find((name) => !isAsked(name))
    if (missing !== undefined) throw notKept(missing)
    return fresh
  }
  const names = agentNames(driver, caller)
  const merged: Record<string, string> = { ...stored }
  for (const [name, value] of Object.entries(fresh)) {
    if (isAsked(name) || (matches(name, names) && !ownEnv.includes(name))) merged[name] = value
  }
  return merged
}

/** What a command that became a task says of the agent's environment (see Spec). */
interface OfCommand {
  readonly withoutEnv?: readonly string[] | undefined
  readonly ownEnv?: readonly string[] | undefined
}

/** Without it the agent might be allowed more than in the command. */
function notKept(name: string): RcaError {
  const message = `The command set ${name} for the agent, and its value was not kept after the end`
  return new RcaError('usage', message, `Give it again: --env ${name}=VALUE`)
}

const isName = (name: string) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)

/** The `env` file: read by the launch script with `.`, and by rca with `parseEnvironment`. Values strictly quoted. */
export function formatEnvironment(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `export ${name}=${quote(value)}\n`)
    .join('')
}

/** Reads back what `formatEnvironment` wrote. Throws on anything else. */
export function parseEnvironment(text: string): Record<string, string> {
  const env: Record<string, string> = {}
  const one = /export ([A-Za-z_][A-Za-z0-9_]*)=((?:'[^']*'|\\'|[A-Za-z0-9_/:=.,@%+-])*)\n/y
  while (one.lastIndex < text.length) {
    const match = one.exec(text)
    if (!match?.[1]) throw new RcaError('unknown-state', 'The env file of the task cannot be read')
    env[match[1]] = unquote(match[2] ?? '')
  }
  return env
}

function unquote(word: string): string {
  return word.replaceAll(/'([^']*)'|\\'/g, (whole, inside: string | undefined) =>
    whole === "\\'" ? "'" : (inside ?? ''),
  )
}
