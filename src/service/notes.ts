import type { Kind, Seen } from './service.ts'
import { systemctl, UNIT } from './systemd.ts'

export interface NoteFacts {
  readonly kind: Kind | null
  readonly path: string | null
  readonly seen: Seen | null
  /** Who can run the service here, the best first. */
  readonly usable: readonly Kind[]
  /** The monitor of this state directory that runs. */
  readonly monitor: { readonly pid: number; readonly origin: string } | null
  /** The path of rca. */
  readonly rca: string
  readonly user: string
}

/** What a person should know of the service, or do about it. Pure. */
export function notes(facts: NoteFacts): string[] {
  const { kind, seen } = facts
  if (!kind || !seen)
    return ['nothing here can run it: no systemd user manager answers and there is no crontab']
  if (!seen.installed) return seen.text !== null && facts.path ? [`${facts.path} was not written by rca`] : []
  return [
    reach(kind, facts.usable),
    ...ofKind(kind, seen, facts.user),
    outside(facts),
    npx(facts.rca),
  ].filter((note) => note !== null)
}

function reach(kind: Kind, usable: readonly Kind[]): string | null {
  if (!usable.includes(kind)) return `${kind} does not answer from here`
  if (kind === usable[0]) return null
  return `${usable[0]} can be used now and does more: rca service uninstall, then rca service install`
}

function ofKind(kind: Kind, seen: Seen, user: string): (string | null)[] {
  if (kind === 'cron') {
    return [
      'cron starts the monitor at boot and not after a crash; then the next rca start or rca resume does',
    ]
  }
  if (kind === 'launchd') return []
  const scope = kind === 'systemd-user' ? 'user' : 'system'
  const why = `it does not run; the reason: ${systemctl(scope, 'status', UNIT).join(' ')}`
  return [
    seen.active === false ? why : null,
    seen.lingering === false
      ? `lingering is off for ${user}: systemd ends this user's services, the monitor too, with the last login and starts them only at the next one. To have it run from boot on: loginctl enable-linger ${user}`
      : null,
  ]
}

function outside({ kind, seen, monitor }: NoteFacts): string | null {
  if (kind === 'cron' || monitor === null || monitor.pid === seen?.pid) return null
  const what = `the monitor that runs is not the service's (pid ${monitor.pid}, ${monitor.origin})`
  return seen?.active ? `${what}; the service's takes its place` : `${what}; rca service install replaces it`
}

/** npx removes what lies there when it likes (npm 10: `npm cache clean`, or another version of the package). */
function npx(rca: string): string | null {
  return rca.includes('/_npx/')
    ? 'this rca lies in the cache of npx, where it will not stay: npm install -g resilient-coding-agent, then install the service again'
    : null
}
