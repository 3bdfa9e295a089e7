import { Chalk } from 'chalk'
import type { Paint } from './paint.ts'

const chalk = new Chalk({ level: 1 })

const BY_STATE: Record<string, (text: string) => string> = {
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

export const COLOURED: Paint = {
  bold: chalk.bold,
  dim: chalk.dim,
  state: (state, text = state) => (BY_STATE[state] ?? chalk.reset)(text),
}
