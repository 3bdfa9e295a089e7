import { statSync } from 'node:fs'
import type { Run } from './driver.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Whether an agent is logged in, as far as that can be known without the network and without reading what it keeps secret. */
export interface Login {
  readonly state: 'yes' | 'no' | 'unknown'
  /** What that was seen from, in words. */
  readonly how: string
}

export interface LoginQuestion {
  readonly env: Env
  readonly run: Run
  /** What `versionArgv` printed, or null. */
  readonly version: string | null
}

/** Longer than any of them takes, ms. */
const ASK_MS = 15_000

/** The agent's own command, whose exit code is 0 where it is logged in and 1 where not. What it prints is not looked at. */
export async function loginByCommand(argv: readonly string[], { env, run }: LoginQuestion): Promise<Login> {
  const how = argv.join(' ')
  const { exit } = await run(argv, { env: asStrings(env), timeoutMs: ASK_MS }).catch(() => ({ exit: null }))
  const code = exit !== null && 'code' in exit ? exit.code : null
  return { state: code === 0 ? 'yes' : code === 1 ? 'no' : 'unknown', how }
}

/** The file in which an agent keeps its login: whether there is more in it than `{}`, by its size alone. */
export function loginByFile(path: string): Login {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > 4) return { state: 'yes', how: `${path} is there` }
  return { state: 'unknown', how: `no ${path}, and no key in the environment` }
}

/** A key among the variables that the agent reads (`patterns` as in Driver.envNames); null: none is set. Pure. */
export function loginByVariable(patterns: readonly string[], env: Env): Login | null {
  const reads = (name: string) =>
    patterns.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : name === one))
  const isKey = (name: string) => /_(API_KEY|AUTH_TOKEN|OAUTH_TOKEN)$/.test(name)
  const found = Object.keys(env).find((name) => env[name] && isKey(name) && reads(name))
  return found === undefined ? null : { state: 'yes', how: `${found} is set` }
}

/** Whether a version like `2.1.197 (Claude Code)` is this one or a later one. Pure. */
export function isAtLeast(version: string | null, wanted: readonly [number, number, number]): boolean {
  const [, ...parts] = /(\d+)\.(\d+)\.(\d+)/.exec(version ?? '') ?? []
  if (parts.length === 0) return false
  const at = parts.findIndex((part, index) => Number(part) !== wanted[index])
  return at < 0 || Number(parts[at]) > (wanted[at] ?? 0)
}

const asStrings = (env: Env): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined))
