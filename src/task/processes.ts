import { AFTER, COOKIE, cookie, cookiePrefix, HELPER_COOKIE } from '../launch/script.ts'
import { type EndOptions, endAll, type Found, findByCookie, signal } from '../system/processes.ts'
import { ofType } from './entries.ts'
import type { Entry, Spec } from './schema.ts'

/** What is alive of a task: agents, and all that they started. */
export function survivors(spec: Pick<Spec, 'id'>): Found[] {
  return findByCookie([COOKIE], (value) => value.startsWith(cookiePrefix(spec.id)))
}

/**
 * Ends what is alive of attempts that did not end well, and resolves with what would not die. What a well-ended agent left
 * running (a dev server) is left alone. Helpers of launch scripts are told to go, and nobody waits for them: they touch no
 * agent.
 */
export function endUnfinished(
  spec: Pick<Spec, 'id'>,
  entries: readonly Entry[],
  options: EndOptions,
): Promise<Found[]> {
  const wanted = ofUnfinished(spec, entries)
  return endAll(() => {
    const found = findByCookie([COOKIE, HELPER_COOKIE], wanted)
    const helpers = found.filter((one) => one.marked === HELPER_COOKIE)
    for (const one of helpers) signal(one, 'SIGTERM')
    return found.filter((one) => one.marked === COOKIE)
  }, options)
}

/** Everything alive that carries an agent's cookie, whichever task it is of. */
export const allMarked = (): Found[] => findByCookie([COOKIE], () => true)

/** Whether a cookie is that of an attempt of this task that has not ended well. */
export function ofUnfinished(spec: Pick<Spec, 'id'>, entries: readonly Entry[]) {
  const well = new Set(
    ofType(entries, 'attempt-ended')
      .filter((one) => one.outcome === 'completed')
      .map((one) => String(one.attempt)),
  )
  const prefix = cookiePrefix(spec.id)
  return (value: string) =>
    value.startsWith(prefix) && !well.has(value.slice(prefix.length)) && !value.endsWith(AFTER)
}

/** The agent of one attempt and all that it started. */
export function attemptProcesses(spec: Pick<Spec, 'id'>, attempt: number): Found[] {
  return findByCookie([COOKIE], (value) => value === cookie(spec.id, attempt))
}

/** The helpers of one attempt's launch script. */
export function attemptHelpers(spec: Pick<Spec, 'id'>, attempt: number): Found[] {
  return findByCookie([HELPER_COOKIE], (value) => value === cookie(spec.id, attempt))
}

/** Ends the helpers of the task's launch scripts (what shows a pane its text), which end by themselves unless killed. */
export function endHelpers(spec: Pick<Spec, 'id'>): Promise<Found[]> {
  const prefix = cookiePrefix(spec.id)
  return endAll(() => findByCookie([HELPER_COOKIE], (value) => value.startsWith(prefix)), { graceMs: 500 })
}
