import type { Driver } from '../agents/driver.ts'
import type { AgentEvent } from '../agents/event.ts'
import { isAlive } from '../system/identity.ts'
import { type Watcher, watchQuietly } from '../system/watch.ts'
import { hasExit, readAttempt } from '../task/attempt.ts'
import { readLines } from '../task/lines.ts'
import { files } from '../task/paths.ts'

/**
 * Resolves as soon as `check` gives something other than undefined: looked at now, whenever one of the paths changes, and
 * every `everyMs` in case a change is not reported (inotify has limits). Null when `timeoutMs` has passed.
 */
export function until<T>(
  paths: readonly string[],
  check: () => T | undefined,
  options: { readonly timeoutMs: number | null; readonly everyMs: number; readonly signal?: AbortSignal },
): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const watchers: Watcher[] = []
    const timers: NodeJS.Timeout[] = []
    const end = (settle: () => void) => {
      for (const watcher of watchers) watcher.close()
      for (const timer of timers) clearInterval(timer)
      options.signal?.removeEventListener('abort', aborted)
      settle()
    }
    const aborted = () => end(() => resolve(null))
    const look = () => {
      try {
        const found = check()
        if (found !== undefined) end(() => resolve(found))
      } catch (error) {
        end(() => reject(error))
      }
    }
    for (const path of paths) watchers.push(watchQuietly(path, look))
    timers.push(setInterval(look, options.everyMs))
    if (options.timeoutMs !== null) timers.push(setTimeout(aborted, options.timeoutMs))
    options.signal?.addEventListener('abort', aborted)
    // It may have fired already, which nobody is told again.
    if (options.signal?.aborted) aborted()
    else look()
  })
}

/** An attempt that has just been launched. */
export interface Launched {
  readonly dir: string
  readonly attempt: number
  readonly begun: 'begun' | 'over'
  readonly driver: Driver
  /** Where its events begin in events.jsonl, bytes. */
  readonly eventsOffset: number
}

/** What is known of an attempt shortly after its launch. */
export type Startup =
  /** The agent's process is there, and it gave a sign of life or stayed alive for as long as its driver asks. */
  | { readonly kind: 'running'; readonly sessionId: string | null }
  /** It is over already, well or not. */
  | { readonly kind: 'over' }
  /** The pane's shell has not run the launch script. */
  | { readonly kind: 'never-began' }

/** How long the pane's shell may take to run the line, ms. */
const BEGIN_MS = 15_000

/** Waits until the launch script has said which process the agent is, or has ended. */
export async function untilBegun(dir: string, attempt: number): Promise<'begun' | 'over' | 'never-began'> {
  const folder = files.attempt(dir, attempt)
  const check = () => {
    if (hasExit(dir, attempt)) return 'over' as const
    const { agent, launcher } = readAttempt(dir, attempt)
    if (agent) return 'begun' as const
    // The launch script died, or could not write (a full disk), before there was an agent.
    return launcher && !isAlive(launcher) ? ('over' as const) : undefined
  }
  return (await until([folder], check, { timeoutMs: BEGIN_MS, everyMs: 250 })) ?? 'never-began'
}

/**
 * Waits until an attempt that has begun is known to run: the first event and then `graceMs` without an end, or `signMs`
 * without either. An agent that fails at once (bad flag, no login) is over by then.
 */
export async function untilRunning(launched: Launched): Promise<Startup> {
  const { dir, attempt, driver, eventsOffset } = launched
  const folder = files.attempt(dir, attempt)
  const over = () => (hasExit(dir, attempt) ? true : undefined)
  const sign = () => over() ?? firstEvents(launched)
  const first = await until([folder, files.events(dir)], sign, {
    timeoutMs: driver.startup.signMs,
    everyMs: 250,
  })
  if (first === true) return { kind: 'over' }
  if (first !== null) {
    const ended = await until([folder], over, { timeoutMs: driver.startup.graceMs, everyMs: 250 })
    if (ended) return { kind: 'over' }
  }
  const events = firstEvents({ dir, driver, eventsOffset }) ?? []
  const session = events.find((event) => event.kind === 'session')
  return { kind: 'running', sessionId: session?.kind === 'session' ? session.id : null }
}

/** The first few events of an attempt, undefined where there are none yet. */
function firstEvents(launched: Pick<Launched, 'dir' | 'driver' | 'eventsOffset'>): AgentEvent[] | undefined {
  const { dir, driver, eventsOffset } = launched
  const found: AgentEvent[] = []
  for (const { text } of readLines(files.events(dir), eventsOffset, null, false)) {
    found.push(...driver.parse(text))
    if (found.length > 20) break
  }
  return found.length > 0 ? found : undefined
}
