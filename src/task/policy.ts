import type { Spec } from './schema.ts'

export const RESTART = ['on-failure', 'never'] as const
export const ON_STALL = ['report', 'restart'] as const

/** How a task is supervised. Fixed at its start: flags over config.json over these defaults. */
export interface Policy {
  /** `on-failure`: whatever ends it but a good end, a kill or a cause that cannot heal, it goes on. */
  readonly restart: (typeof RESTART)[number]
  /** The wait before the second attempt in a row that follows one without progress, ms; it doubles from there. */
  readonly backoffMs: number
  /** How long after a person's start or resume the last attempt may be made, ms; null: without end. */
  readonly deadlineMs: number | null
  /** How many resumes in a row may bring no progress; null: any number. */
  readonly maxRetries: number | null
  /** The brake: more resumes within an hour than this end supervision, whatever progress each made. */
  readonly maxResumesPerHour: number
  /** By which part of itself a wait is lengthened at random, so that many tasks do not go on at the same moment. */
  readonly jitter: number
  /** After how long without progress a living agent counts as stalled, ms; null: never. */
  readonly stallAfterMs: number | null
  readonly onStall: (typeof ON_STALL)[number]
  /** How long an agent that has finished may take to exit, ms. */
  readonly exitGraceMs: number
  /** How much of the disk events.jsonl and stderr.log may take up each, bytes: beyond it the oldest is dropped; null: any. */
  readonly maxLogBytes: number | null
}

const MINUTE = 60_000

export const DEFAULT_POLICY: Policy = {
  restart: 'on-failure',
  backoffMs: 3 * MINUTE,
  deadlineMs: 300 * MINUTE,
  maxRetries: null,
  maxResumesPerHour: 30,
  jitter: 0.1,
  stallAfterMs: 15 * MINUTE,
  onStall: 'report',
  exitGraceMs: MINUTE,
  maxLogBytes: 2 ** 30,
}

/** What one source says of a policy; what it leaves out is for the next one to say. */
export type PolicyLayer = { readonly [Key in keyof Policy]?: Policy[Key] | undefined }

/** The policy that comes of several sources over the defaults; an earlier one wins over a later one. Pure. */
export function mergePolicy(...layers: readonly PolicyLayer[]): Policy {
  const said = layers.map((layer) =>
    Object.fromEntries(Object.entries(layer).filter(([, value]) => value !== undefined)),
  )
  return Object.assign({ ...DEFAULT_POLICY }, ...said.reverse())
}

/** The policy of a task. One that an older release started was promised no supervision and gets none. Pure. */
export function policyOf(spec: Spec): Policy {
  const { policy } = spec
  return {
    restart: policy.restart ?? 'never',
    backoffMs: policy.backoffMs ?? DEFAULT_POLICY.backoffMs,
    deadlineMs: policy.deadlineMs === undefined ? DEFAULT_POLICY.deadlineMs : policy.deadlineMs,
    maxRetries: policy.maxRetries ?? DEFAULT_POLICY.maxRetries,
    maxResumesPerHour: policy.maxResumesPerHour ?? DEFAULT_POLICY.maxResumesPerHour,
    jitter: policy.jitter ?? DEFAULT_POLICY.jitter,
    stallAfterMs: policy.stallAfterMs,
    onStall: policy.onStall ?? DEFAULT_POLICY.onStall,
    exitGraceMs: policy.exitGraceMs ?? DEFAULT_POLICY.exitGraceMs,
    // Nobody was told that anything would be dropped.
    maxLogBytes: policy.maxLogBytes ?? null,
  }
}
