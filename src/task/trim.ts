import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { driverFor } from '../agents/index.ts'
import { unless } from '../errors.ts'
import { pausePoint } from '../system/pause.ts'
import { MARK_EVERY, markHole, punchHole } from '../system/punch.ts'
import { attemptNumbers, readAttempt } from './attempt.ts'
import { appendJournal, readJournal } from './journal.ts'
import { readLinesBackwards } from './lines.ts'
import { lockFolder } from './lock.ts'
import { keepDropped } from './notes.ts'
import { sizesOf } from './output.ts'
import { files } from './paths.ts'
import type { Spec } from './schema.ts'
import { type Offsets, stretchesOf } from './stretches.ts'
import { countAll } from './summarize.ts'
import { cutAt, keptFrom, type LogFile } from './trim-plan.ts'

const BOTH = ['events', 'stderr'] as const

/** What was dropped of one file; `failed`: the disk or its file system would not, and the file stays as it is. */
export interface Trimmed {
  readonly file: keyof Offsets
  readonly from: number
  readonly failed: string | null
}

/** Whether a file of a task's output takes up more than it may. Cheap. */
export function isOverfull(dir: string, maxBytes: number): boolean {
  return BOTH.some((which) => allocatedOf(files[which](dir)) > maxBytes)
}

/**
 * Drops the oldest part of what an agent printed, whole lines, where that takes up more than it may. The agent writes on in the
 * same file, and all offsets stay: the part becomes a hole. What it came to is written down first, and in the journal that
 * it is gone: a crash in between leaves a file that is cut later. Nothing where somebody else is at it.
 */
export async function trim(dir: string, spec: Spec, maxBytes: number): Promise<Trimmed[]> {
  if (!isOverfull(dir, maxBytes)) return []
  const folder = files.trimming(dir)
  // Of a task that was removed nothing is made anew.
  unless(['EEXIST'], null, () => mkdirSync(folder, { mode: 0o700 }))
  const lock = await lockFolder(folder, spec.session, 'trimming its logs', 0)
  try {
    const done: Trimmed[] = []
    for (const which of BOTH) done.push(...(await trimFile(dir, spec, which, maxBytes)))
    return done
  } finally {
    lock.release()
  }
}

async function trimFile(dir: string, spec: Spec, file: keyof Offsets, maxBytes: number): Promise<Trimmed[]> {
  const path = files[file](dir)
  const kept = keptFrom(readJournal(dir).entries)
  const from = lineAt(path, kept[file], cutAt(fileOf(path, kept[file]), maxBytes))
  if (from === null) return []
  const hindered = await tryHole(files.trimming(dir))
  if (hindered !== null) return [{ file, from, failed: hindered }]
  if (from > kept[file]) {
    await keepWhatItCameTo(dir, spec, { ...kept, [file]: from })
    pausePoint('before-log-trimmed')
    appendJournal(dir, { type: 'log-trimmed', file, from })
  }
  pausePoint('before-trim')
  const failed = await punchHole(path, from)
  if (failed === null) markHole(path, from)
  return [{ file, from, failed }]
}

/** Whether holes can be made here; what the journal says is gone nobody shows any more. Null: they can. */
async function tryHole(folder: string): Promise<string | null> {
  const path = join(folder, '.hole')
  try {
    writeFileSync(path, 'x'.repeat(8_192), { mode: 0o600 })
    return await punchHole(path, 4_096)
  } finally {
    rmSync(path, { force: true })
  }
}

/** The last end of a line up to there; null: there is none, one line is all. */
function lineAt(path: string, from: number, at: number | null): number | null {
  if (at === null || at === from) return at
  const [last] = readLinesBackwards(path, from, at, false)
  return last?.end ?? (from > 0 ? from : null)
}

function fileOf(path: string, from: number): LogFile {
  const { size, blksize } = statSync(path)
  const marks = Math.ceil(from / MARK_EVERY) * blksize
  return { size, allocated: allocatedOf(path) - marks, from }
}

/** POSIX counts blocks of 512 bytes, whatever the file system's are. */
function allocatedOf(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512
}

/** Sums up all attempts that begin before what is left: theirs cannot be read again. */
async function keepWhatItCameTo(dir: string, spec: Spec, kept: Offsets): Promise<void> {
  const driver = await driverFor(spec.agent)
  const records = attemptNumbers(dir).map((number) => readAttempt(dir, number))
  for (const stretch of stretchesOf(records, sizesOf(dir)))
    if (BOTH.some((which) => stretch.from[which] < kept[which]))
      keepDropped(dir, stretch, await countAll(dir, driver, stretch, stretch.closed))
}
