import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod/mini'
import { crypto } from '../system/lazy.ts'
import { VERSION } from '../version.ts'
import { attemptFiles, files } from './paths.ts'
import { offsetsSchema, tallySchema } from './schema.ts'
import type { Stretch } from './stretches.ts'
import type { Counted } from './summarize.ts'

/** Another release may understand more of what an agent says. */
const noteSchema = z.object({
  rca: z.literal(VERSION),
  from: offsetsSchema,
  to: offsetsSchema,
  tally: tallySchema,
})

const pathOf = (dir: string, attempt: number) => join(files.attempt(dir, attempt), attemptFiles.tally)

/** What was noted down of a stretch's beginning, or null. It may be thrown away at any time: then all is read again. */
export function readNote(dir: string, { record, from, to }: Stretch): Counted | null {
  try {
    const note = noteSchema.parse(JSON.parse(readFileSync(pathOf(dir, record.number), 'utf8')))
    if (note.from.events !== from.events || note.from.stderr !== from.stderr) return null
    return note.to.events <= to.events && note.to.stderr <= to.stderr ? note : null
  } catch {
    // There is none, or it is of no use.
    return null
  }
}

/** Notes down what the beginning of a stretch comes to. Not durable, and never in the way: a full disk has none. */
export function keepNote(dir: string, { record, from }: Stretch, { to, tally }: Counted): void {
  const path = pathOf(dir, record.number)
  const temp = `${path}.${crypto().randomUUID()}`
  try {
    writeFileSync(temp, JSON.stringify({ rca: VERSION, from, to, tally }), { mode: 0o600, flag: 'wx' })
    renameSync(temp, path)
  } catch {
    rmSync(temp, { force: true })
  }
}
