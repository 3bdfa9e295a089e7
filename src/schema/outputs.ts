import { EVENTS } from '../notify/events.ts'
import { ON_STALL, RESTART } from '../task/policy.ts'
import { entrySchema, exitSchema, OUTCOMES, usageSchema } from '../task/schema.ts'
import { STATES } from '../task/state.ts'
import { TERMINALS } from '../terminal/kinds.ts'
import * as z from '../zod.ts'

/**
 * What the verbs print with --json. The types that the code itself uses are held against these in outputs.test.ts, what is
 * printed in test/e2e/schema.test.ts: a field that is added there has to be told here.
 */

const text = z.string()
const number = z.number()
const flag = z.boolean()
const maybeText = z.nullable(text)
const maybeNumber = z.nullable(number)
const maybeFlag = z.nullable(flag)
const texts = z.array(text)
const exit = z.nullable(exitSchema)
const usage = z.nullable(usageSchema)

const policy = z.object({
  restart: z.enum(RESTART),
  backoffMs: number,
  deadlineMs: maybeNumber,
  maxRetries: maybeNumber,
  maxResumesPerHour: number,
  jitter: number,
  stallAfterMs: maybeNumber,
  onStall: z.enum(ON_STALL),
  exitGraceMs: number,
  maxLogBytes: maybeNumber,
})

const followUp = z.object({
  id: number,
  sha256: text,
  key: maybeText,
  queuedAt: text,
  state: z.enum(['queued', 'running', 'done', 'withdrawn']),
  attempt: maybeNumber,
})

/** In a result, too. */
const common = {
  schema: z.literal(1),
  name: text,
  agent: text,
  task: text,
  state: z.enum([...STATES, 'foreign']),
  reason: maybeText,
  hint: maybeText,
  cause: maybeText,
  cwd: maybeText,
  taskDir: maybeText,
  agentSessionId: maybeText,
  attempts: number,
  startedAt: maybeText,
  endedAt: maybeText,
  exit,
  usage,
  denials: texts,
}

export const task = z.object({
  ...common,
  updatedAt: maybeText,
  lastActivityAt: maybeText,
  nextAttemptAt: maybeText,
  deadlineAt: maybeText,
  queuedFollowUps: number,
  access: maybeText,
  restart: z.nullable(z.enum(RESTART)),
  pid: maybeNumber,
  tmuxSocket: maybeText,
  terminal: z.nullable(z.enum(TERMINALS)),
})

export const tasks = z.array(task)

const next = z.object({
  what: z.enum(['resume', 'end', 'watch', 'nothing']),
  why: z.enum([
    ...['at-once', 'backoff', 'limit', 'follow-up', 'running', 'stalled', 'finished', 'done', 'killed'],
    ...['never', 'deadline', 'gave-up', 'unknown'],
  ] as const),
  at: maybeText,
  guess: flag,
  failures: number,
  blockedBy: z.nullable(z.literal('no-monitor')),
})

const death = z.object({
  attempt: maybeNumber,
  at: text,
  outcome: z.enum([...OUTCOMES, 'not-launched']),
  exit,
  cause: maybeText,
  reason: maybeText,
  progress: maybeFlag,
  ranMs: maybeNumber,
})

const sentNotice = z.object({
  id: text,
  event: text,
  at: text,
  channel: text,
  type: text,
  state: z.enum(['pending', 'delivered', 'gave-up']),
  tries: number,
  triedAt: maybeText,
  error: maybeText,
  nextAt: maybeText,
  blockedBy: z.nullable(z.literal('no-monitor')),
})

export const status = z.object({
  ...task.shape,
  next,
  deaths: z.array(death),
  doing: maybeText,
  followUps: z.array(followUp),
  policy: z.nullable(policy),
  monitor: z.object({
    running: flag,
    pid: maybeNumber,
    version: maybeText,
    since: maybeText,
    origin: maybeText,
  }),
  attemptList: z.array(
    z.object({
      number,
      how: maybeText,
      startedAt: maybeText,
      endedAt: maybeText,
      outcome: maybeText,
      exit,
      reason: maybeText,
    }),
  ),
  evidence: texts,
  processes: z.array(z.object({ pid: number, command: text })),
  session: z.nullable(z.object({ exists: flag, attached: flag })),
  problems: texts,
  notices: z.array(sentNotice),
  lastMessage: maybeText,
})

export const result = z.object({
  ...common,
  message: maybeText,
  durationMs: maybeNumber,
  workedMs: maybeNumber,
  followUps: z.array(followUp),
})

export const send = z.object({
  answer: z.enum(['queued', 'started']),
  repeated: flag,
  followUp,
  before: number,
  task,
})

const removedTask = z.object({
  name: text,
  state: task.shape.state,
  taskDir: maybeText,
  endedAt: maybeText,
  queuedFollowUps: number,
})

export const removed = z.array(removedTask)

export const prune = z.object({
  removed,
  left: z.array(z.object({ taskDir: text, reason: text })),
  dryRun: flag,
})

export const dryRun = z.object({
  terminal: z.enum(TERMINALS),
  command: texts,
  tmux: z.nullable(texts),
  launchScript: text,
  agentScript: text,
  policy,
})

/** One line of `rca events`: an entry of a journal and whose it is. A newer release may write types that this one does not know. */
export const event = z.looseObject({ task: text, taskDir: text, at: text, type: text })

/** The entries that this release writes. */
export const journalEntry = entrySchema

const kind = <const K extends string, S extends z.core.$ZodLooseShape>(name: K, shape: S) =>
  z.object({ attempt: number, at: z.optional(text), kind: z.literal(name), ...shape })

/** One line of `rca logs --json`: the same for every agent. */
export const logEvent = z.discriminatedUnion('kind', [
  kind('session', { id: text }),
  kind('turn', {}),
  kind('message', { role: z.enum(['assistant', 'user']), text }),
  kind('tool-started', { id: text, name: text, input: text }),
  kind('tool-finished', { id: text, name: maybeText, ok: flag, output: text }),
  kind('usage', { usage: usageSchema, cumulative: z.optional(z.literal(true)) }),
  kind('retry', { message: text, delayMs: maybeNumber }),
  kind('denied', { message: text }),
  kind('error', { message: text }),
  kind('finished', { outcome: z.enum(['completed', 'failed', 'interrupted']), message: maybeText }),
  /** Here what is left of a file begins: so many bytes were dropped before (maxLogBytes). */
  z.object({
    kind: z.literal('dropped'),
    attempt: number,
    file: z.enum(['events', 'stderr']),
    bytes: number,
  }),
])

/** The line on standard error of a verb that did not end well. */
export const error = z.object({
  error: z.object({
    code: z.enum([
      ...['failed', 'usage', 'not-found', 'unknown-state', 'conflict', 'unavailable', 'config'],
      ...['timeout', 'gave-up', 'bug'],
    ] as const),
    message: text,
    hint: maybeText,
    exitCode: number,
    /** Of `send`: nothing is kept. */
    answer: z.optional(z.literal('refused')),
  }),
})

export const monitor = z.object({
  running: flag,
  monitor: z.nullable(
    z.object({ boot: text, pid: number, start: text, version: text, since: text, origin: text }),
  ),
})

const done = z.enum(['installed', 'updated', 'started', 'unchanged', 'removed', 'absent'])
const manager = z.nullable(z.enum(['systemd-user', 'systemd-system', 'launchd', 'cron']))

export const service = z.object({
  kind: manager,
  installed: flag,
  enabled: maybeFlag,
  active: maybeFlag,
  pid: maybeNumber,
  lingering: maybeFlag,
  path: maybeText,
  state: text,
  notes: texts,
  /** Of `install` and `uninstall`. */
  done: z.optional(done),
})

export const servicePlan = z.object({
  kind: manager,
  path: maybeText,
  done,
  steps: z.array(
    z.discriminatedUnion('do', [
      z.object({ do: z.literal('write'), path: text, content: text }),
      z.object({ do: z.literal('remove'), path: text }),
      z.object({
        do: z.literal('run'),
        argv: texts,
        input: z.optional(text),
        mayFail: z.optional(z.literal(true)),
      }),
    ]),
  ),
})

/** Of `rca list --watch`, beside tasks. */
export const gone = z.object({
  schema: z.literal(1),
  name: text,
  taskDir: maybeText,
  gone: z.literal(true),
})

/** Of `rca skill show` and `path`. */
export const skill = z.object({ path: text, text: z.optional(text) })

export const skillInstalled = z.array(
  z.object({ path: text, done: z.enum(['installed', 'updated', 'replaced', 'unchanged']) }),
)

/** Of `rca notify list`. */
export const channels = z.array(
  z.object({ name: text, type: text, address: text, on: texts, default: flag, problem: maybeText }),
)

/** Of `rca notify test`. */
export const notifyTest = z.object({
  channel: text,
  type: text,
  address: text,
  notice: text,
  delivered: flag,
  error: maybeText,
  tookMs: number,
})

/** What commands and webhooks are told. */
export const notice = z.object({
  schema: z.literal(1),
  id: text,
  event: z.enum([...EVENTS, 'test']),
  at: text,
  name: text,
  agent: text,
  task: text,
  state: z.enum(STATES),
  attempt: number,
  title: text,
  text,
  reason: maybeText,
  hint: maybeText,
  cause: maybeText,
  until: maybeText,
  message: maybeText,
  durationMs: maybeNumber,
  cwd: maybeText,
  taskDir: maybeText,
  host: text,
})

const level = z.enum(['ok', 'note', 'warning', 'problem'])
const fix = z.enum([
  ...['private-folders', 'private-config', 'clear-locks', 'clear-half-made', 'end-strays'],
  ...['start-monitor', 'start-service', 'restore-socket'],
] as const)

export const doctor = z.object({
  schema: z.literal(1),
  ok: flag,
  findings: z.array(z.object({ check: text, level, message: text, hint: maybeText, fix: z.nullable(fix) })),
  repairs: z.array(z.object({ name: fix, what: text, done: flag, error: maybeText })),
})

/** Of `rca exec --explain`. */
export const explanation = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('foreground'), why: text, argv: texts }),
  z.object({
    kind: z.literal('task'),
    agent: text,
    name: maybeText,
    cwd: text,
    argv: texts,
    agentArgs: texts,
    prompt: z.object({ text: maybeText, input: maybeText }),
    env: texts,
    withoutEnv: texts,
    deadlineMs: maybeNumber,
    notes: texts,
  }),
])
