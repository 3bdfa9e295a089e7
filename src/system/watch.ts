import { watch } from 'node:fs'

export interface Watcher {
  close(): void
}

/**
 * Calls `onChange` when a file or the names in a folder change, with the name that changed where it is known. Where that
 * cannot be had (no such file, no more of the user's watches) nothing is called: whoever watches has a timer as well.
 */
export function watchQuietly(path: string, onChange: (name: string | null) => void): Watcher {
  try {
    const watcher = watch(path, (_, name) => onChange(name))
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return { close: () => {} }
  }
}
