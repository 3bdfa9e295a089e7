import { Chalk } from 'chalk'

/** Colours for people; without colour every function gives its text back. */
export interface Paint {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly state: (state: string) => string
}

type Env = Readonly<Record<string, string | undefined>>

/** Whether a stream gets colours: NO_COLOR (no-color.org) and FORCE_COLOR first, else whether it is a terminal. Pure. */
export function wantsColour(env: Env, isTty: boolean): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0'
  return isTty && env.TERM !== 'dumb'
}

export function paint(colour: boolean): Paint {
  const chalk = new Chalk({ level: colour ? 1 : 0 })
  const byState: Record<string, (text: string) => string> = {
    running: chalk.green,
    starting: chalk.green,
    stalled: chalk.yellow,
    waiting: chalk.yellow,
    done: chalk.cyan,
    failed: chalk.red,
    lost: chalk.red,
    unknown: chalk.red,
    killed: chalk.magenta,
    foreign: chalk.dim,
  }
  return { bold: chalk.bold, dim: chalk.dim, state: (state) => (byState[state] ?? chalk.reset)(state) }
}
