import { close, constants, fsync, openSync, writeFileSync } from 'node:fs'
import { openOwn } from './durable.ts'

/**
 * Files and folders that are written one after the other and made durable together, in the background: a disk takes for six at
 * once hardly longer than for one, and the caller goes on meanwhile. Nothing of it counts as durable before `done` resolves.
 */
export class Together {
  private readonly syncs: Promise<void>[] = []

  /** Creates a file that must not exist yet, 0600. Throws EEXIST, ENOSPC … */
  write(path: string, content: string | Uint8Array): void {
    const fd = openSync(path, 'wx', 0o600)
    this.add(fd, () => writeFileSync(fd, content))
  }

  /** A file that has been written already. */
  file(path: string): void {
    this.add(openOwn(path, constants.O_RDWR))
  }

  /** The names that were made in a folder so far. */
  folder(path: string): void {
    this.add(openSync(path, 'r'))
  }

  /** Resolves when all of it is durable; rejects with the first thing that went wrong (EIO, ENOSPC …). */
  async done(): Promise<void> {
    await Promise.all(this.syncs)
  }

  private add(fd: number, fill: () => void = () => {}): void {
    try {
      fill()
    } catch (error) {
      close(fd)
      throw error
    }
    const synced = new Promise<void>((resolve, reject) =>
      fsync(fd, (error) => close(fd, () => (error ? reject(error) : resolve()))),
    )
    // Told to whoever waits for `done`.
    synced.catch(() => {})
    this.syncs.push(synced)
  }
}
