import { readJournal } from '../task/journal.ts'
import { sizeOf } from '../task/output.ts'
import { files } from '../task/paths.ts'
import type { Offsets } from '../task/stretches.ts'
import { keptFrom } from '../task/trim-plan.ts'

/** Where what is left of a task's output begins. The journal says so before anything is dropped; it is read where it has grown. */
export class Kept {
  private bytes = -1
  private from: Offsets = { events: 0, stderr: 0 }

  constructor(private readonly dir: string) {}

  now(): Offsets {
    const bytes = sizeOf(files.journal(this.dir))
    if (bytes !== this.bytes) this.from = keptFrom(readJournal(this.dir).entries)
    this.bytes = bytes
    return this.from
  }
}
