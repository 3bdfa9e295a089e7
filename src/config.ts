import { isAbsolute, join } from 'node:path'
import type { AgentName } from './agents/driver.ts'
import { parseJson, readConfigFile } from './config-file.ts'
import { rememberConfig, rememberedConfig } from './config-memo.ts'
import { RcaError } from './errors.ts'
import { NO_NOTIFY, type NotifyConfig } from './notify/config.ts'
import { readSettings } from './setting-types.ts'
import { configSettings } from './settings.ts'
import type { PolicyLayer } from './task/policy.ts'
import type { TerminalKind } from './terminal/kinds.ts'

/** What config.json says; what it leaves out is left to the defaults. */
export interface Config {
  /** Whether starting, resuming and waiting see to it that somebody supervises. */
  readonly monitor: boolean
  readonly policy: PolicyLayer
  /** In what new tasks run, and in nothing else; null: in the best that is there. */
  readonly terminal: TerminalKind | null
  readonly notify: NotifyConfig
  readonly agents: {
    readonly [Agent in AgentName]?: {
      /** Come before the caller's own. */
      readonly args?: readonly string[] | undefined
      readonly policy?: PolicyLayer | undefined
    }
  }
}

type Env = Readonly<Record<string, string | undefined>>

/**
 * Reads the user's settings; defaults where there are none. Never anything from the project folder, which may not be
 * trusted. Throws a `config` error that names the place.
 */
export function loadConfig(env: Env): Config {
  const path = configPath(env)
  const text = path === null ? null : readConfigFile(path)
  if (path === null || text === null) return NO_CONFIG
  const remembered = rememberedConfig(text, env)
  if (remembered) return remembered
  const config = parseConfig(parseJson(path, text), path)
  rememberConfig(text, config, env)
  return config
}

const NO_CONFIG: Config = { monitor: true, terminal: null, policy: {}, notify: NO_NOTIFY, agents: {} }

/**
 * `$XDG_CONFIG_HOME/rca/config.json`, else `~/.config/rca/config.json`; null without a home. Relative paths in these
 * variables are ignored, as the XDG base directory specification wants it: they would lead into the project folder.
 */
export function configPath(env: Env): string | null {
  const { XDG_CONFIG_HOME: xdg, HOME: home } = env
  if (xdg && isAbsolute(xdg)) return join(xdg, 'rca', 'config.json')
  return home && isAbsolute(home) ? join(home, '.config', 'rca', 'config.json') : null
}

/** The settings in what config.json holds. Throws a `config` error. Pure. */
export function parseConfig(value: unknown, path: string): Config {
  const settings = readSettings(configSettings, value, (place, wrong, hint) => {
    const where = placeName(place)
    const message = `config.json: ${where && `${where}: `}${wrong}`
    return new RcaError('config', message, [hint, `(${path})`].filter(Boolean).join(' '))
  })
  const { monitor = true, terminal = null, policy = {}, notify = NO_NOTIFY, agents = {} } = settings
  return { monitor, terminal, policy, notify, agents }
}

/** `agents.codex.args[1]`; a key that is no plain word is shown as JSON writes it. Pure. */
function placeName(place: readonly PropertyKey[]): string {
  const parts = place.map((part) => {
    if (typeof part === 'number') return `[${part}]`
    const name = String(part)
    return `.${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)}`
  })
  return parts.join('').replace(/^\./, '')
}
