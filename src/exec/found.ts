import { isAbsolute, resolve } from 'node:path'
import { unsure } from './not-certain.ts'

/** Where the agent's standard input comes from. `own`: what `rca exec` itself was given, a pipe or a file. */
export type Input =
  | { readonly from: 'nowhere' }
  | { readonly from: 'terminal' }
  | { readonly from: 'own' }
  | { readonly from: 'file'; readonly path: string }

/** What must be known of the world to understand a command. */
export interface Facts {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly input: 'nowhere' | 'terminal' | 'own'
  readonly isDirectory: (path: string) => boolean
  /** The path without links, as the system resolves it; null: there is nothing. */
  readonly realPath: (path: string) => string | null
}

/** What has been understood so far, on the way from the command's first word to the agent. */
export interface Found {
  cwd: string
  /** `NAME=value` */
  env: string[]
  withoutEnv: string[]
  /** Words that stay in front of the agent's, as they are. */
  kept: string[]
  input: Input
  deadlineMs: number | null
  notes: string[]
  /** Whether the next word is one that a shell would take for a builtin, or at the very start of a command for a keyword. */
  inShell: 'no' | 'builtins' | 'keywords'
  /** Within a shell that runs a profile of the user's first. */
  afterProfile: boolean
}

/** A variable's value where the agent will be: the command's own, else the caller's. */
export function variableIn(name: string, { env, withoutEnv }: Found, facts: Facts): string | undefined {
  const own = env.find((one) => one.startsWith(`${name}=`))
  if (own !== undefined) return own.slice(name.length + 1)
  return withoutEnv.includes(name) ? undefined : facts.env[name]
}

/** What a path means in the folder: behind a link `..` is one thing to a shell's cd, and another to the system. Throws NotCertain. */
export function placeOf(path: string, { cwd }: Pick<Found, 'cwd'>, { realPath }: Facts): string {
  const place = resolve(cwd, path)
  const asWritten = isAbsolute(path) ? path : `${cwd}/${path}`
  const climbs = path.split('/').includes('..')
  if (climbs && realPath(place) !== realPath(asWritten)) unsure(`it is not clear where ${path} leads`)
  return place
}

export const nothingFound = (facts: Facts): Found => ({
  cwd: facts.cwd,
  env: [],
  withoutEnv: [],
  kept: [],
  input: { from: facts.input },
  deadlineMs: null,
  notes: [],
  inShell: 'no',
  afterProfile: false,
})
