import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readOwn, writeDurable } from '../system/durable.ts'
import { randomId } from '../system/random.ts'
import { VERSION } from '../version.ts'
import * as z from '../zod.ts'
import { attemptFiles, files } from './paths.ts'
import { offsetsSchema, tallySchema } from './schema.ts'
import type { Offsets, Stretch } from './stretches.ts'
import type { Counted } from './summarize.ts'

const countedSchema = z.object({ from: offsetsSchema, to: offsetsSchema, tally: tallySchema })
/** Another release may understand more of what an agent says. */
const noteSchema = z.extend(countedSchema, { rca: z.literal(VERSION) })

const pathOf = (dir: string, attempt: number, name: string) => join(files.attempt(dir, attempt), name)

/** What is known of a stretch's beginning without reading it, or null. */
export function readNote(dir: string, stretch: Stretch): Counted | null {
  const note = read(noteSchema, dir, stretch, attemptFiles.tally)
  const dropped = read(countedSchema, dir, stretch, attemptFiles.dropped)
  const isBehind = (one: Counted, other: Counted) =>
    one.to.events < other.to.events || one.to.stderr < other.to.stderr
  return dropped && (!note || isBehind(note, dropped)) ? dropped : note
}

function read(
  schema: z.ZodMiniType<Counted & { from: Offsets }>,
  dir: string,
  { record, from, to }: Stretch,
  name: string,
): Counted | null {
  try {
    const note = schema.parse(JSON.parse(readOwn(pathOf(dir, record.number, name)) ?? ''))
    if (note.from.events !== from.events || note.from.stderr !== from.stderr) return null
    return note.to.events <= to.events && note.to.stderr <= to.stderr ? note : null
  } catch {
    // There is none, or it is of no use.
    return null
  }
}

/** Keeps, durably, what a stretch came to whose beginning is about to be dropped: nobody can read that again. */
export function keepDropped(dir: string, { record, from }: Stretch, { to, tally }: Counted): void {
  writeDurable(pathOf(dir, record.number, attemptFiles.dropped), JSON.stringify({ from, to, tally }))
}

/** Notes down what the beginning of a stretch comes to; it may be thrown away at any time. Not durable, and never in the way: a full disk has none. */
export function keepNote(dir: string, { record, from }: Stretch, { to, tally }: Counted): void {
  const path = pathOf(dir, record.number, attemptFiles.tally)
  const temp = `${path}.${randomId()}`
  try {
    writeFileSync(temp, JSON.stringify({ rca: VERSION, from, to, tally }), { mode: 0o600, flag: 'wx' })
    renameSync(temp, path)
  } catch {
    rmSync(temp, { force: true })
  }
}
