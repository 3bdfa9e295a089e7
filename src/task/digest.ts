import { existsSync, lstatSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { hasPending } from '../notify/ledger.ts'
import { harmlessJson } from '../render/text.ts'
import { readOwn } from '../system/durable.ts'
import { randomId } from '../system/random.ts'
import { TERMINALS } from '../terminal/kinds.ts'
import * as z from '../zod.ts'
import { isHere } from './directories.ts'
import { isKillOpen } from './entries.ts'
import type { FinishedTask } from './finished.ts'
import { type TaskJson, taskJson } from './json.ts'
import type { Observed } from './observe.ts'
import { sizeOf } from './output.ts'
import { files } from './paths.ts'
import { RESTART } from './policy.ts'
import { isLive, type State } from './state.ts'

const digestSchema = z.object({
  /** What it was made from: where the directory, the size of the journal or the state of spec.json differ it says nothing. */
  directory: z.string(),
  journalBytes: z.number(),
  spec: z.nullable(z.string()),
  /** An older release's lacks what was added since, and is made anew. */
  task: z.looseObject({
    schema: z.literal(1),
    name: z.string(),
    taskDir: z.string(),
    state: z.string(),
    restart: z.nullable(z.enum(RESTART)),
    terminal: z.nullable(z.enum(TERMINALS)),
    queuedFollowUps: z.number(),
  }),
  /** Whether notices of it wait to be delivered. */
  notices: z.optional(z.boolean()),
})

/**
 * Keeps what `list` says of a task that is over, so that it need not fold the journals of all that ever were. It may be
 * thrown away at any time, says nothing once the journal has grown, and is not worth an fsync or an error.
 */
export function keepDigest(task: Observed): void {
  if (task.evidence || isLive(task.derived.state) || task.derived.state === 'unknown') return
  if (isKillOpen(task.journal.entries) || !hasClosedBooks(task)) return
  const digest = {
    directory: basename(task.dir),
    // What came since was not seen: somebody may have gone on with it.
    journalBytes: task.journal.bytes,
    spec: stampOfSpec(task.dir),
    task: taskJson(task),
    ...(hasPending(task.spec, task.journal.entries) ? { notices: true } : {}),
  }
  const temp = `${files.digest(task.dir)}.${randomId()}`
  try {
    writeFileSync(temp, JSON.stringify(digest), { mode: 0o600, flag: 'wx' })
    renameSync(temp, files.digest(task.dir))
  } catch {
    rmSync(temp, { force: true })
  }
}

/** Whether nothing is left to be done of what `closeBooks` does: until then a digest would have nobody do it. */
function hasClosedBooks({ dir, derived: { state } }: Observed): boolean {
  if (state === 'done' && !existsSync(files.done(dir))) return false
  return (state !== 'done' && state !== 'killed') || !existsSync(files.env(dir))
}

/** What is kept of a task that is over, or null: then its records have to be read. */
export function readDigest(dir: string): TaskJson | null {
  return (validDigest(dir)?.task as TaskJson | undefined) ?? null
}

/** Whether a task is known to be over, with nothing left to do about it. */
export function isClosed(dir: string): boolean {
  return closedDigest(dir) !== null
}

function closedDigest(dir: string) {
  const digest = validDigest(dir)
  return digest?.notices === true ? null : digest
}

/** What the index of finished tasks is to say of one; null: nothing, there is something left to do about it. */
export function finishedOf(dir: string): FinishedTask | null {
  const digest = closedDigest(dir)
  if (!digest?.spec) return null
  const task = digest.task as TaskJson
  return {
    name: digest.directory,
    startedAt: task.startedAt ?? '',
    at: task.endedAt ?? task.updatedAt ?? '',
    state: task.state,
    journalBytes: digest.journalBytes,
    spec: digest.spec,
    json: Buffer.from(harmlessJson(task)),
  }
}

function validDigest(dir: string) {
  try {
    const digest = digestSchema.safeParse(parsed(readOwn(files.digest(dir)) ?? '')).data
    if (digest?.directory !== basename(dir) || !isHere(digest.task.taskDir, dir)) return null
    if (digest.journalBytes !== sizeOf(files.journal(dir)) || digest.spec !== stampOfSpec(dir)) return null
    return isOver(digest.task.state) ? { ...digest, task: digest.task as unknown } : null
  } catch {
    // Whatever is the matter with it, it says nothing.
    return null
  }
}

/** spec.json never changes: where it has, it was damaged or taken away, and that must not be hidden. */
export function stampOfSpec(dir: string): string | null {
  const stat = lstatSync(files.spec(dir), { throwIfNoEntry: false })
  return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : null
}

const OVER: readonly State[] = ['done', 'failed', 'killed', 'lost']
const isOver = (state: string) => (OVER as readonly string[]).includes(state)

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
