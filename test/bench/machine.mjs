// @ts-check
import { spawnSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'

/** What it was measured on, without names. */
export function machine() {
  const tmux = spawnSync('tmux', ['-V'], { encoding: 'utf8' }).stdout?.trim() || 'no tmux'
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  const kernel = /^\d+\.\d+/.exec(release())?.[0] ?? release()
  return `${cpus().length} cores, ${memory}, ${process.platform} ${kernel} ${process.arch}, Node ${process.version}, ${tmux}`
}
