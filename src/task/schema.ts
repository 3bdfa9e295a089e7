import { AGENTS, TASK_ACCESS } from '../agents/driver.ts'
import * as z from '../zod.ts'
import { ON_STALL, RESTART } from './policy.ts'

/**
 * What is read back from disk. Objects are loose: a newer release's fields pass through, and every field that is added
 * later must be optional, so that an older release's files load in every newer one.
 */

/** RFC 3339. What is no time is as unreadable as a line that is no JSON: nothing may reckon with it. */
const time = z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text))))

export const identitySchema = z.object({ pid: z.number(), start: z.string(), boot: z.string() })

export const exitSchema = z.union([z.object({ code: z.number() }), z.object({ signal: z.string() })])

/** Where a task's launch scripts run. */
const terminalSchema = z.discriminatedUnion('kind', [
  /** The server's socket, an absolute path. */
  z.looseObject({ kind: z.literal('tmux'), socket: z.string() }),
  /** The folder of the sockets (SCREENDIR); null: the one that screen itself takes. */
  z.looseObject({ kind: z.literal('screen'), folder: z.nullable(z.string()) }),
  /** A process in a session of its own. */
  z.looseObject({ kind: z.literal('plain') }),
])
export type TerminalRecord = z.infer<typeof terminalSchema>

export const specSchema = z.looseObject({
  schema: z.literal(1),
  id: z.string(),
  session: z.string(),
  agent: z.enum(AGENTS),
  task: z.string(),
  cwd: z.string(),
  access: z.enum(TASK_ACCESS),
  /** What is run in place of the agent's binary, in front of its arguments: the words of the command that `rca exec` was given. */
  command: z.optional(z.array(z.string())),
  agentArgs: z.array(z.string()),
  /** Names of the captured environment; the values are in `env`. */
  env: z.array(z.string()),
  /** Names that the command took out of the agent's environment (`env -u`). */
  withoutEnv: z.optional(z.array(z.string())),
  /** Names that the command itself set for the agent (`A=b codex …`). */
  ownEnv: z.optional(z.array(z.string())),
  /** See policy.ts; what an older release did not write yet means that it promised no supervision. */
  policy: z.looseObject({
    stallAfterMs: z.nullable(z.number()),
    restart: z.optional(z.enum(RESTART)),
    backoffMs: z.optional(z.number()),
    deadlineMs: z.optional(z.nullable(z.number())),
    maxRetries: z.optional(z.nullable(z.number())),
    maxResumesPerHour: z.optional(z.number()),
    jitter: z.optional(z.number()),
    onStall: z.optional(z.enum(ON_STALL)),
    exitGraceMs: z.optional(z.number()),
    maxLogBytes: z.optional(z.nullable(z.number())),
  }),
  /** False: nobody starts a monitor for it (`--no-monitor`). */
  monitor: z.optional(z.boolean()),
  /** Who hears of what; absent: nobody. Each channel's own settings beside these are its kind's (src/notify/). */
  notify: z.optional(
    z.looseObject({
      channels: z.array(
        z.looseObject({
          name: z.string(),
          type: z.string(),
          on: z.array(z.string()),
          timeoutMs: z.number(),
        }),
      ),
      progressEveryMs: z.number(),
    }),
  ),
  /** SHA-256 of the prompt, hex; releases before 0.3 wrote it. */
  promptSha256: z.optional(z.string()),
  /** The id that was fixed before the start, null where it is captured from the agent's events. */
  presetSessionId: z.nullable(z.string()),
  terminal: terminalSchema,
  /** The caller's file mode creation mask: what the agent makes in the project gets the modes that it would have there. */
  umask: z.optional(z.number()),
  createdAt: time,
  host: z.string(),
  rca: z.string(),
})
export type Spec = z.infer<typeof specSchema>
export type NotifySpec = NonNullable<Spec['notify']>
/** One channel of a task, with all that a delivery needs. */
export type ChannelRecord = NotifySpec['channels'][number]

const HOW = ['start', 'resume', 'restart'] as const

export const claimSchema = z.looseObject({
  schema: z.literal(1),
  attempt: z.number(),
  how: z.enum(HOW),
  /** The agent session id that this attempt must work on; null: it will be known from the events. */
  sessionId: z.nullable(z.string()),
  argv: z.array(z.string()),
  claimant: identitySchema,
  host: z.string(),
  /** The namespace of the claimant's pids. */
  pids: z.optional(z.nullable(z.string())),
  claimedAt: z.string(),
  /** The follow-up that this attempt is fed, by its id. */
  followUp: z.optional(z.number()),
  /** Sizes of events.jsonl and stderr.log before the attempt, bytes. */
  eventsOffset: z.number(),
  stderrOffset: z.number(),
})
export type Claim = z.infer<typeof claimSchema>

export const exitRecordSchema = z.looseObject({
  /** As the shell tells it: 128 + n is the death by signal n. */
  code: z.number(),
  /** Somebody pressed Ctrl-C at the pane while the agent ran. */
  interrupted: z.boolean(),
  /** Older releases wrote it; the file's own time says the same, exactly. */
  endedAt: z.optional(z.string()),
})
export type ExitRecord = z.infer<typeof exitRecordSchema>

export const usageSchema = z.object({
  inputTokens: z.nullable(z.number()),
  cachedInputTokens: z.nullable(z.number()),
  outputTokens: z.nullable(z.number()),
  costUsd: z.nullable(z.number()),
})

/** Places in events.jsonl and stderr.log, bytes. */
export const offsetsSchema = z.object({ events: z.number(), stderr: z.number() })

/** See tally.ts. */
export const tallySchema = z.object({
  summary: z.object({
    sessionId: z.nullable(z.string()),
    final: z.nullable(
      z.object({
        at: z.exactOptional(z.string()),
        kind: z.literal('finished'),
        outcome: z.enum(['completed', 'failed', 'interrupted']),
        message: z.nullable(z.string()),
      }),
    ),
    lastError: z.nullable(z.string()),
    lastMessage: z.nullable(z.string()),
    denials: z.array(z.string()),
    usage: z.nullable(usageSchema),
    usageIsCumulative: z.boolean(),
    messages: z.number(),
    toolsStarted: z.number(),
    toolsFinished: z.number(),
    retries: z.number(),
    events: z.number(),
  }),
  decides: z.boolean(),
  errors: z.number(),
  lastError: z.nullable(z.string()),
})

export const OUTCOMES = [
  'completed',
  'failed',
  'interrupted',
  'unfinished',
  'killed',
  'called-off',
  'lost',
] as const
export type Outcome = (typeof OUTCOMES)[number]

const entry = <const T extends string, S extends z.core.$ZodLooseShape>(type: T, shape: S) =>
  z.looseObject({ at: time, type: z.literal(type), ...shape })

/** One line of the journal. A type that this release does not know is kept and passed over. */
export const entrySchema = z.discriminatedUnion('type', [
  entry('created', { session: z.string() }),
  /** Written before the claim is made: a task whose claims have all ended needs no look at its attempts. */
  entry('attempt-claimed', {
    attempt: z.number(),
    how: z.enum(HOW),
    /** Who asked for it. A person's start or resume begins supervision anew. */
    by: z.optional(z.enum(['person', 'monitor'])),
    /** The follow-up that it is to deliver: the first such claim begins supervision anew, too. */
    followUp: z.optional(z.number()),
  }),
  entry('attempt-started', {
    attempt: z.number(),
    how: z.enum(HOW),
    host: z.string(),
    argv: z.array(z.string()),
    ...identitySchema.shape,
  }),
  entry('agent-session', { attempt: z.number(), id: z.string() }),
  entry('attempt-ended', {
    attempt: z.number(),
    outcome: z.enum(OUTCOMES),
    exit: z.nullable(exitSchema),
    cause: z.nullable(z.string()),
    reason: z.nullable(z.string()),
    hint: z.nullable(z.string()),
    denials: z.array(z.string()),
    usage: z.nullable(usageSchema),
    /** `usage` counts the whole conversation and not this attempt alone. */
    usageIsCumulative: z.optional(z.boolean()),
    lastActivityAt: z.nullable(z.string()),
    /** The agent answered or finished a tool: more than mere life. */
    progress: z.optional(z.boolean()),
    /** A usage limit's stated end, RFC 3339. */
    resetsAt: z.optional(z.nullable(time)),
  }),
  /** Somebody sent a follow-up; its text is in `follow-ups/<id>`. See follow-ups.ts. */
  entry('follow-up-queued', {
    id: z.number(),
    sha256: z.string(),
    by: z.string(),
    /** The sender's own name for it: sent again under the same one it is the same. */
    key: z.nullable(z.string()),
  }),
  /** It could not be started and its sender was told so: it will not be delivered. */
  entry('follow-up-withdrawn', { id: z.number() }),
  entry('kill-requested', { by: z.string() }),
  entry('killed', { by: z.string(), processes: z.number() }),
  /** From this attempt on it runs elsewhere: `reason` says what was wrong with where it ran. */
  entry('terminal-changed', { attempt: z.number(), terminal: terminalSchema, reason: z.string() }),
  entry('repaired', { attempt: z.number(), what: z.string() }),
  /** The next attempt could not be launched; it is tried again as after a failed attempt. */
  entry('recovery-failed', { reason: z.string(), hint: z.nullable(z.string()) }),
  /** The next attempt is due at `until`; `guess`: nobody stated that time. */
  entry('waiting', {
    until: z.string(),
    why: z.enum(['at-once', 'backoff', 'limit']),
    reason: z.string(),
    guess: z.boolean(),
  }),
  /** Nothing is tried any more, until a person resumes it. */
  entry('gave-up', { cause: z.string(), reason: z.string(), hint: z.nullable(z.string()) }),
  /** The agent lives and has done nothing since. `eventsBytes`: the size of events.jsonl then. */
  entry('stalled', {
    attempt: z.number(),
    since: z.string(),
    evidence: z.string(),
    eventsBytes: z.number(),
  }),
  /** An agent that was reported as stalled went on. */
  entry('active', { attempt: z.number() }),
  /** The monitor is about to end an agent that has finished and stayed, or has stalled. */
  entry('ending', { attempt: z.number(), why: z.enum(['finished', 'stalled']), evidence: z.string() }),
  /** What the agent did last, for those who want to hear of progress. `eventsBytes`: the size of events.jsonl then. */
  entry('progress', { attempt: z.number(), text: z.string(), eventsBytes: z.number() }),
  /** One try to deliver a notice over a channel. `gave-up`: it is not tried again. */
  entry('notified', {
    notice: z.string(),
    event: z.string(),
    channel: z.string(),
    outcome: z.enum(['delivered', 'failed', 'gave-up']),
    /** Which try it was, from 1 on. */
    tries: z.number(),
    error: z.nullable(z.string()),
    /** The receiver asked not to be tried again before this time, RFC 3339. */
    notBefore: z.optional(z.nullable(time)),
  }),
  /**
   * The oldest of what the agent printed was dropped, for it took up more than it may: what is left of that file begins at
   * `from`, which is also how many bytes are gone. What they came to is in the attempts' `dropped.json`.
   */
  entry('log-trimmed', { file: z.enum(['events', 'stderr']), from: z.number() }),
  /** The wall clock moved by so much beside the time that passed (a suspended machine, a clock that was set). */
  entry('clock-jumped', { byMs: z.number() }),
])
export type Entry = z.infer<typeof entrySchema>
export type EntryOf<T extends Entry['type']> = Extract<Entry, { type: T }>
