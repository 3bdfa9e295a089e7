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
