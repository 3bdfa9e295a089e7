/** Colours for people; without colour every function gives its text back. */
export interface Paint {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  /** In the state's colour: its name, or `text`. */
  readonly state: (state: string, text?: string) => string
}

type Env = Readonly<Record<string, string | undefined>>

/** Whether a stream gets colours: NO_COLOR (no-color.org) and FORCE_COLOR first, else whether it is a terminal. Pure. */
export function wantsColour(env: Env, isTty: boolean): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0'
  return isTty && env.TERM !== 'dumb'
}

const same = (text: string) => text

export const PLAIN: Paint = { bold: same, dim: same, state: (state, text = state) => text }
