import { rmSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'

/** Where what may be thrown away is kept: `$XDG_CACHE_HOME/rca`, else `~/.cache/rca`; null without a home. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>): string | null {
  const { XDG_CACHE_HOME: cache, HOME: home } = env
  // The XDG base directory specification: a relative path in these variables is to be ignored.
  if (cache && isAbsolute(cache)) return join(cache, 'rca')
  return home && isAbsolute(home) ? join(home, '.cache', 'rca') : null
}

/** Takes a half-written file of it away; what hinders that is no matter of anybody's. */
export function takeAway(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // There is not even a folder where it could be.
  }
}
