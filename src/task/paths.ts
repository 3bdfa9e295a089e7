import { dirname, isAbsolute, join, resolve } from 'node:path'
import { RcaError } from '../errors.ts'

/** Where everything is kept: `$RCA_HOME`, else `$XDG_STATE_HOME/rca`, else `~/.local/state/rca`. */
export function stateDirectory(env: Readonly<Record<string, string | undefined>>): string {
  if (env.RCA_HOME) return resolve(env.RCA_HOME)
  // The XDG base directory specification: a relative path in these variables is to be ignored.
  if (env.XDG_STATE_HOME && isAbsolute(env.XDG_STATE_HOME)) return join(env.XDG_STATE_HOME, 'rca')
  if (env.HOME) return join(env.HOME, '.local', 'state', 'rca')
  throw new RcaError(
    'config',
    'Neither RCA_HOME nor HOME is set',
    'Set RCA_HOME to the folder that keeps the tasks.',
  )
}

export const tasksDirectory = (state: string) => join(state, 'tasks')
/** Whoever puts a file with a task directory's name here wakes the monitor; it takes the file away. */
export const wakeDirectory = (state: string) => join(state, 'wake')
/** Which process the monitor is. */
export const monitorFile = (state: string) => join(state, 'monitor')
export const monitorLog = (state: string) => join(state, 'monitor.log')
/** What `list` says of all tasks that are over; see task/finished.ts. */
export const finishedFile = (state: string) => join(state, 'finished')
/** In what that and the folder of the tasks differ; see task/seen.ts. */
export const seenFile = (state: string) => join(state, 'finished.seen')
/** The names of tasks that somebody has gone on with after they were over; see task/reopened.ts. */
export const reopenedDirectory = (state: string) => join(state, 'reopened')
/** The state directory that a task directory lies in. */
export const stateOf = (task: string) => dirname(dirname(task))
export const locksDirectory = (state: string, session: string) => join(state, 'locks', session)

/** The files of one task directory, as DESIGN.md names them. */
export const files = {
  spec: (task: string) => join(task, 'spec.json'),
  prompt: (task: string) => join(task, 'prompt'),
  env: (task: string) => join(task, 'env'),
  journal: (task: string) => join(task, 'journal.jsonl'),
  events: (task: string) => join(task, 'events.jsonl'),
  stderr: (task: string) => join(task, 'stderr.log'),
  /** What its launch scripts print, where that shows on no tmux pane. */
  terminalLog: (task: string) => join(task, 'terminal.log'),
  /** screen's settings for its session. */
  screenrc: (task: string) => join(task, 'screenrc'),
  sessionId: (task: string) => join(task, 'session-id'),
  /** What `list` says of it once it is over; kept for speed, may be thrown away. */
  digest: (task: string) => join(task, 'digest.json'),
  /** Since when an agent that prints only retries has done no work; may be thrown away. */
  quiet: (task: string) => join(task, 'quiet'),
  done: (task: string) => join(task, 'done'),
  followUps: (task: string) => join(task, 'follow-ups'),
  followUp: (task: string, id: number) => join(task, 'follow-ups', String(id)),
  /** Notices that wait to be delivered, as they will be: one file each; and who delivers them. */
  outbox: (task: string) => join(task, 'outbox'),
  /** Who drops the oldest of the output. */
  trimming: (task: string) => join(task, 'trimming'),
  attempts: (task: string) => join(task, 'attempts'),
  attempt: (task: string, number: number) => join(task, 'attempts', String(number)),
} as const

/** The files of one attempt's directory. */
export const attemptFiles = {
  /** Who claimed the attempt and what is to be launched; in the directory from its first moment. */
  claim: 'claim.json',
  /** The script that the pane's shell runs. */
  launch: 'launch',
  /** The script that becomes the agent. */
  agent: 'agent',
  /** A resume's prompt (a start reads the task's). */
  prompt: 'prompt',
  /** The gate: made exactly once, by the launch script that goes on or by whoever calls the attempt off. */
  begun: 'begun',
  /** Which process the agent is. */
  process: 'process',
  /** A FIFO that the launch script holds open for as long as it lives. */
  alive: 'alive',
  /** A FIFO through which the launch script is told what is next, while `offer` is there. */
  next: 'next',
  /** There while a launch script whose agent has ended waits to be told what is next. */
  offer: 'offer',
  /** What its output comes to, up to a place in it; kept for speed, may be thrown away. */
  tally: 'tally.json',
  /** The same, where that place or more was dropped since: it cannot be read again. */
  dropped: 'dropped.json',
  /** How it ended. */
  exit: 'exit.json',
} as const
