import { setTimeout as sleep } from 'node:timers/promises'
import { procStat } from '../system/identity.ts'
import { observe } from '../task/observe.ts'
import { isLive } from '../task/state.ts'
import { readTask } from '../task/store.ts'

/** A shell whose launch script has just ended has not taken its terminal back yet. */
const IDLE_MS = 500

/**
 * Whether a shell is in the foreground of its terminal, which it is when nothing runs in it, or becomes so in a moment; null:
 * it cannot be known. `otherwise` says it without /proc.
 */
export async function becomesIdle(shell: number, otherwise: () => boolean | null): Promise<boolean | null> {
  const until = Date.now() + IDLE_MS
  for (;;) {
    const idle = isIdle(shell, otherwise)
    if (idle !== false || Date.now() > until) return idle
    await sleep(2)
  }
}

function isIdle(shell: number, otherwise: () => boolean | null): boolean | null {
  const stat = procStat(shell)
  if (stat) return stat.tpgid === stat.pgrp
  return process.platform === 'linux' ? null : otherwise()
}

/** Whether the task of this directory is over, or gone: its session may be taken over. */
export async function isOver(dir: string): Promise<boolean> {
  const task = readTask(dir)
  if (!task) return true
  const { state } = (await observe(task, Date.now())).derived
  return state !== 'unknown' && !isLive(state)
}
