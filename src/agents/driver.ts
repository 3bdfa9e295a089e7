import type { AgentEvent, EventSummary } from './event.ts'
import type { Login, LoginQuestion } from './login.ts'

export const AGENTS = ['codex', 'claude', 'opencode', 'pi'] as const
export type AgentName = (typeof AGENTS)[number]

/**
 * What the agent may do by itself: `read` looks only; `write` edits files and runs commands in the project, unattended;
 * `full` has no bounds.
 */
export const ACCESS = ['read', 'write', 'full'] as const
export type Access = (typeof ACCESS)[number]

/**
 * What a task may have: `as-given` stands for a command that rca was put in front of (`rca exec`). Its own arguments and the
 * agent's own settings say what the agent may do, and rca adds nothing to them.
 */
export const TASK_ACCESS = [...ACCESS, 'as-given'] as const
export type TaskAccess = (typeof TASK_ACCESS)[number]

/** How a process ended: never a bare number. `null` (outside this type) is unknown. */
export type Exit = { readonly code: number } | { readonly signal: string }

/** Everything a driver may know about the task when it builds an invocation. */
export interface LaunchRequest {
  /** The session name, `<agent>-<task>`. */
  readonly session: string
  /** Absolute path of the project directory. */
  readonly cwd: string
  /** Absolute path of the task directory (0700, the driver may keep files of its own in it). */
  readonly taskDir: string
  readonly access: TaskAccess
  /** What the user gave after `--`, handed to the agent on start and resume alike. */
  readonly agentArgs: readonly string[]
  /** The environment the agent will have (nothing else reaches it), less what `Invocation.env` adds. */
  readonly env: Readonly<Record<string, string>>
  /** Random, fixed for the task: what a driver derives names from. A UUID. */
  readonly taskId: string
  readonly root: boolean
  /** The first 256 characters of the prompt that this launch feeds on stdin (of a follow-up's where there is one). */
  readonly promptStart?: string
  /** What is run in place of the binary's name (`npx -y opencode-ai`), where the task has a command of its own. */
  readonly command?: readonly string[]
}

/** A launch: the prompt always comes on stdin, stdout goes to events.jsonl, stderr to stderr.log. */
export interface Invocation {
  /** `argv[0]` is the binary's name; the caller resolves it on the agent's PATH. */
  readonly argv: readonly string[]
  /** Added to the agent's environment. */
  readonly env: Readonly<Record<string, string>>
  /** Lines of stdout that contain this literal text are not kept (pi repeats whole messages). */
  readonly dropLinesWith?: string
}

/** Runs another program to its end, without a shell. Never throws for an exit code or a time-out. */
export type Run = (
  argv: readonly string[],
  options: {
    readonly cwd?: string
    readonly env?: Readonly<Record<string, string>>
    readonly timeoutMs: number
    /** Its standard input; without it there is none. */
    readonly input?: string
  },
) => Promise<{ readonly exit: Exit | null; readonly stdout: string; readonly stderr: string }>

/** Why an attempt did not end well, in words that supervision can act on. */
export type Cause =
  | 'not-logged-in'
  | 'bad-arguments'
  | 'no-such-session'
  | 'wrong-session'
  | 'usage-limit'
  | 'api-error'
  | 'permission'
  | 'bad-prompt'
  | 'interrupted'
  | 'unfinished'
  | 'crashed'

export type Verdict =
  | { readonly outcome: 'completed' }
  | {
      /**
       * `interrupted`: by all appearances it got SIGINT; whether a person pressed Ctrl-C at the pane is known from the exit
       * record. `unfinished`: it ended mid-way and can go on.
       */
      readonly outcome: 'failed' | 'interrupted' | 'unfinished'
      readonly cause: Cause
      /** One line, the agent's own words wherever it said any. */
      readonly reason: string
      /** What a person can do about it, or null. */
      readonly hint: string | null
      /** `usage-limit`: when the agent said that it ends, RFC 3339 in UTC; absent or null: it did not say. */
      readonly resetsAt?: string | null
    }

/** What is known when an attempt has ended. */
export interface AttemptEnd {
  readonly summary: EventSummary
  /** Null: it ended and nobody recorded how. */
  readonly exit: Exit | null
  /** The last few KiB that the attempt wrote to stderr. */
  readonly stderrTail: string
  /** When it ended, ms since the epoch: what words like "try again in 2 hours" are relative to. */
  readonly endedMs?: number
}

/**
 * What all attempts so far have printed, summed up from the newest one back until that is `enough`: an attempt's output may be a
 * gigabyte, and mostly the last words tell.
 */
export type Said = (enough: (summary: EventSummary) => boolean) => Promise<EventSummary>

/** How to go on after an interruption. */
export type ResumePlan =
  /** Continue this conversation. `note` tells of a repair that was made. */
  | { readonly kind: 'resume'; readonly sessionId: string; readonly note: string | null }
  /** Nothing of the conversation was stored and nothing was done: send the original prompt again. */
  | { readonly kind: 'restart'; readonly sessionId: string | null; readonly why: string }
  | { readonly kind: 'impossible'; readonly why: string; readonly hint: string | null }

export interface Driver {
  readonly name: AgentName
  /** The binary's name on PATH. */
  readonly binary: string
  /** The command that installs it. */
  readonly install: string
  /**
   * Names of environment variables that this agent reads, captured from the caller at start. A trailing `*` is a prefix.
   * (PATH, HOME, locale, proxies and certificates are captured for every agent.)
   */
  readonly envNames: readonly string[]
  /** Names matched by `envNames` that must not be handed on: marks of a session the caller itself runs in. */
  readonly envNever: readonly string[]
  /** Further names that the agent's own configuration, which lies where `env` says, tells it to read. Never throws. */
  envNamesInConfig?(env: Readonly<Record<string, string | undefined>>): string[]
  /**
   * When a start counts as succeeded, in ms: wait at most `signMs` for the first event, then `graceMs` more for a failure
   * that follows at once (no login). An agent alive without an event after `signMs` also counts as running.
   */
  readonly startup: { readonly signMs: number; readonly graceMs: number }
  /** Says no, in one line with a hint, to a prompt or arguments the agent would misread; null is fine. */
  refuse(
    request: LaunchRequest,
    prompt: Uint8Array,
  ): { readonly message: string; readonly hint: string } | null
  /** Fixes the agent session id before the start where the agent allows it, writing what that takes; null: it is captured. */
  presetSession(request: LaunchRequest): Promise<string | null>
  /** `sessionId` is what presetSession gave. */
  start(request: LaunchRequest, sessionId: string | null): Invocation
  resume(request: LaunchRequest, sessionId: string): Invocation
  /**
   * Looks at what the agent stored, repairs what is known to break, and says how to go on. Called when nothing of the
   * earlier attempts is alive. `sessionId` is the known id or null.
   */
  planResume(request: LaunchRequest, sessionId: string | null, said: Said, run: Run): Promise<ResumePlan>
  /**
   * Whether the stored conversation ends with this prompt, which nobody has answered: fed again it would be there twice. False
   * also where that cannot be known. Called after planResume, as that is.
   */
  awaitsAnswer(request: LaunchRequest, sessionId: string, prompt: string, run: Run): Promise<boolean>
  /** One line of the agent's stdout. Never throws: what is not understood gives an empty array. */
  parse(line: string): AgentEvent[]
  /** One line of the agent's stderr, for agents that say things only there. Never throws. */
  parseStderr?(line: string): Extract<AgentEvent, { kind: 'error' }>[]
  judge(end: AttemptEnd): Verdict
  /** The argv that prints the installed version. */
  readonly versionArgv: readonly string[]
  /** For `rca doctor`: without the network, and without reading any credential. */
  login(question: LoginQuestion): Promise<Login>
}
