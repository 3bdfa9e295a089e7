import type { Driver } from '../agents/driver.ts'
import { type Line, readLines, readLinesBackwards } from '../task/lines.ts'
import { isRecent } from './items.ts'

/** An agent says at its very beginning which conversation it works on; bytes. */
const HEAD = 1 << 16

/**
 * Whether a stretch of events.jsonl tells of a conversation before a place in it: told again (opencode tells with every step)
 * it is no news. Looks at the stretch's beginning and then backwards from the place: somewhere there it stands, as agents are.
 */
export class Conversations {
  private head: Map<string, number> | null = null

  constructor(
    private readonly path: string,
    private readonly from: number,
    private readonly driver: Pick<Driver, 'parse'>,
    private readonly sinceMs: number | null,
  ) {}

  /** `at`: the beginning of a line, bytes. */
  areTold(id: string, at: number): boolean {
    this.head ??= this.readHead()
    const first = this.head.get(id)
    if (first !== undefined) return first < at
    for (const line of readLinesBackwards(this.path, this.from, at, false))
      if (this.idsIn(line).includes(id)) return true
    return false
  }

  private readHead(): Map<string, number> {
    const found = new Map<string, number>()
    for (const line of readLines(this.path, this.from, this.from + HEAD, false))
      for (const id of this.idsIn(line)) if (!found.has(id)) found.set(id, line.start)
    return found
  }

  private idsIn({ text }: Line): string[] {
    return this.driver
      .parse(text)
      .flatMap((event) => (event.kind === 'session' && isRecent(event, this.sinceMs) ? [event.id] : []))
  }
}
