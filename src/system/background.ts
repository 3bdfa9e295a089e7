/** Work that nobody waits for now, and that somebody waits for at the end. What goes wrong with it is told to `log`. */
export class Background {
  private readonly underWay = new Set<Promise<void>>()

  constructor(private readonly log: (line: string) => void) {}

  /** `what`: whose work it is, for the log. */
  add(work: Promise<unknown>, what: string): void {
    const tracked = work
      .then(
        () => {},
        (error) => this.log(`${what}: ${error instanceof Error ? error.message : error}`),
      )
      .finally(() => this.underWay.delete(tracked))
    this.underWay.add(tracked)
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.underWay.size > 0) await Promise.allSettled([...this.underWay])
  }
}
