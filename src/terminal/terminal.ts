import type { TerminalRecord } from '../task/schema.ts'

/** A task, as far as a terminal has to do with it. */
export interface Owner {
  readonly session: string
  readonly dir: string
}

/** One attempt's launch script, to be run for a task. */
export interface SessionInput {
  readonly session: string
  readonly taskDir: string
  readonly cwd: string
  readonly attempt: number
  /** What a person would type into the task's shell to run it. */
  readonly line: string
}

/** What is there of a task's session. */
export interface SessionSeen {
  readonly exists: boolean
  readonly attached: boolean
}

/** A session that rca did not make. */
export interface ForeignSession {
  readonly session: string
  /** RFC 3339, or null. */
  readonly createdAt: string | null
}

/**
 * Where launch scripts run, away from whoever starts them. However often and by whomever a script is run, it begins once
 * (see launch/script.ts): an implementation need not know whether a line that it typed was read.
 */
export interface Terminal {
  readonly record: TerminalRecord
  /** Throws `unavailable` where it is not installed, or too old. */
  check(): void
  /**
   * Runs the first attempt, in a session of its own that outlives this process. Resolves with what a person should know, or
   * null. Throws `conflict` where the session's name is somebody else's.
   */
  open(input: SessionInput): Promise<string | null>
  /** Runs a later attempt, in the task's own shell where that is still there and free. Otherwise as `open`. */
  reach(input: SessionInput): Promise<string | null>
  /** Ends the task's session, if it is still this task's. */
  close(task: Owner): Promise<void>
  /** Null: it cannot be known, or there is no such thing. */
  session(task: Owner): Promise<SessionSeen | null>
  /** Sessions that are not rca's. */
  foreign(): ForeignSession[]
  /** The argv that shows the task's session to the person at this terminal. Throws where there is none. */
  attach(task: Owner): Promise<string[]>
  /** What the session shows, with up to `lines` of its history. Throws where there is none. */
  text(task: Owner, lines: number | null): Promise<string>
  /** The argv with which `open` would begin. */
  preview(input: SessionInput): string[]
}
