import { closeSync, constants, writeSync } from 'node:fs'
import { openOwn } from './durable.ts'
import { run } from './run.ts'

/**
 * Gives the first `bytes` of a file back to the disk: they read as zeros, and its size and all offsets stay as they are, whoever
 * writes to it meanwhile. Resolves with null or with why that cannot be done: no such program (macOS, busybox without it), a
 * file system that knows no holes (NFS before 4.2). fallocate of util-linux 2.38; ext4, xfs, btrfs and tmpfs.
 */
export async function punchHole(path: string, bytes: number): Promise<string | null> {
  const argv = ['fallocate', '--punch-hole', '--offset', '0', '--length', String(bytes), path]
  const { exit, stderr } = await run(argv, { timeoutMs: 60_000 })
  if (exit && 'code' in exit && exit.code === 0) return null
  return stderr.trim() || 'fallocate (util-linux) is not there'
}

/** How long a line is that somebody reads in a hole, bytes. */
export const MARK_EVERY = 1 << 24

/**
 * Puts ends of lines into a hole at a file's beginning, the last one right before what is left: whoever still reads through it
 * keeps a line in memory (sed, for the pane of an agent that floods it), and would have all of it there.
 */
export function markHole(path: string, bytes: number): void {
  const fd = openOwn(path, constants.O_WRONLY)
  try {
    for (let at = MARK_EVERY; at < bytes; at += MARK_EVERY) writeSync(fd, '\n', at - 1)
    writeSync(fd, '\n', bytes - 1)
  } finally {
    closeSync(fd)
  }
}
