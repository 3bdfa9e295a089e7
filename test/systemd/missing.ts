import { spawnSync } from 'node:child_process'
import { accessSync } from 'node:fs'

/** Why the tests on a real `systemd --user` cannot run here; the reason is part of their names. */
export function missing(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux'
  if (spawnSync('systemd-run', ['--version']).status !== 0) return 'needs systemd'
  if (!exists('/usr/lib/systemd/systemd') && !exists('/lib/systemd/systemd')) return 'needs systemd'
  return spawnSync('unshare', ['-m', 'true']).status === 0 ? null : 'needs unshare -m'
}

function exists(path: string): boolean {
  try {
    accessSync(path)
    return true
  } catch {
    return false
  }
}
