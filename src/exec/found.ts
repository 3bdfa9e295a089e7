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
