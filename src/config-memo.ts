import { lstatSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, takeAway } from './cache-folder.ts'
import type { Config } from './config.ts'
import { readOwn } from './system/durable.ts'
import { makeFolders } from './system/folders.ts'
import { VERSION } from './version.ts'

type Env = Readonly<Record<string, string | undefined>>

/**
 * What config.json said when it was read last: to check it anew takes every start 5 ms, and mostly it is the same text. May be
 * thrown away at any time.
 */
export function rememberedConfig(text: string, env: Env): Config | null {
  const folder = cacheFolder(env)
  if (folder === null) return null
  try {
    const path = join(folder, NAME)
    // As config.json itself: it says what agents may do.
    if ((lstatSync(path).mode & 0o022) !== 0) return null
    const memo = JSON.parse(readOwn(path) ?? '')
    return memo.rca === VERSION && memo.text === text ? memo.config : null
  } catch {
    return null
  }
}

const NAME = 'config'

/** Not worth an error. Channels are not remembered: what they hold is nobody's but their kind's. */
export function rememberConfig(text: string, config: Config, env: Env): void {
  const folder = cacheFolder(env)
  if (folder === null || Object.keys(config.notify.channels).length > 0) return
  const temp = join(folder, `${NAME}.${process.pid}`)
  try {
    makeFolders(folder, 0o700)
    writeFileSync(temp, JSON.stringify({ rca: VERSION, text, config }), { mode: 0o600, flag: 'wx' })
    renameSync(temp, join(folder, NAME))
  } catch {
    takeAway(temp)
  }
}
