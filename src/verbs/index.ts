import type { Verb } from '../cli.ts'

/** A verb whose file is read when it is run: no start pays for the others. */
const lazily =
  (load: () => Promise<Verb>): Verb =>
  async (...given) =>
    (await load())(...given)

/** What each verb does, by its name: options from commander -> typed options -> a command; its result -> text or JSON. */
export const VERBS: Record<string, Verb> = {
  monitor: lazily(async () => (await import('./monitor.ts')).monitor),
  notify: lazily(async () => (await import('./notify.ts')).notify),
  start: lazily(async () => (await import('./start.ts')).start),
  list: lazily(async () => (await import('./list.ts')).list),
  status: lazily(async () => (await import('./status.ts')).status),
  logs: lazily(async () => (await import('./logs.ts')).logs),
  events: lazily(async () => (await import('./events.ts')).events),
  wait: lazily(async () => (await import('./wait.ts')).wait),
  attach: lazily(async () => (await import('./attach.ts')).attach),
  exec: lazily(async () => (await import('./exec.ts')).exec),
  resume: lazily(async () => (await import('./resume.ts')).resume),
  send: lazily(async () => (await import('./send.ts')).send),
  result: lazily(async () => (await import('./result.ts')).result),
  rm: lazily(async () => (await import('./rm.ts')).rm),
  prune: lazily(async () => (await import('./prune.ts')).prune),
  schema: lazily(async () => (await import('./schema.ts')).schema),
  kill: lazily(async () => (await import('./kill.ts')).kill),
  service: lazily(async () => (await import('./service.ts')).service),
  doctor: lazily(async () => (await import('./doctor.ts')).doctor),
  skill: lazily(async () => (await import('./skill.ts')).skill),
  completion: lazily(async () => (await import('./completion.ts')).completion),
  complete: lazily(async () => (await import('./completion.ts')).complete),
  man: lazily(async () => (await import('./man.ts')).man),
  settle: lazily(async () => (await import('./settle.ts')).settle),
  deliver: lazily(async () => (await import('./deliver.ts')).deliver),
}
