import { formatDuration } from '../duration.ts'
import type { AgentFact, DoctorFacts } from './facts.ts'

/** `problem`: something does not work, or will not. `warning`: something may go wrong. `note`: worth knowing. */
export type Level = 'ok' | 'note' | 'warning' | 'problem'

export type FixName =
  | 'private-folders'
  | 'private-config'
  | 'clear-locks'
  | 'clear-half-made'
  | 'end-strays'
  | 'start-monitor'
  | 'start-service'
  | 'restore-socket'

export interface Finding {
  readonly check: string
  readonly level: Level
  readonly message: string
  /** What a person can do about it, or null. */
  readonly hint: string | null
  /** What `--fix` does about it, or null. */
  readonly fix: FixName | null
}

const MIB = 1 << 20
/** Less than this and records cannot be written for long, bytes. */
const LITTLE = 100 * MIB
const NOT_MUCH = 1_024 * MIB
const FEW_FILES = 1_000

/** What there is to say of the facts, in the order in which a person would look. Pure. */
export function diagnose(facts: DoctorFacts, nowMs: number): Finding[] {
  return [
    ok('rca', `${facts.version} on Node ${facts.node}, ${facts.platform}`),
    tmux(facts),
    ...agents(facts.agents),
    stateFolder(facts),
    ...disk(facts),
    config(facts),
    monitor(facts, nowMs),
    ...service(facts),
    ...tasks(facts),
    ...leftovers(facts),
    ...facts.unseen.map((one) => problem(one.check, `cannot be looked at: ${one.error}`)),
  ].filter((one) => one !== null)
}

const finding =
  (level: Level) =>
  (check: string, message: string, hint: string | null = null, fix: FixName | null = null): Finding => ({
    check,
    level,
    message,
    hint,
    fix,
  })
const ok = finding('ok')
const note = finding('note')
const warning = finding('warning')
const problem = finding('problem')

function tmux({ tmux: { path, version, tooOld }, screen }: DoctorFacts): Finding {
  if (path !== null && version !== null && !tooOld) return ok('tmux', `${version} (${path})`)
  const wrong =
    path === null
      ? 'tmux is not installed, or not on PATH'
      : version === null
        ? `${path} does not say its version`
        : `${version} is too old`
  const instead =
    screen.path === null ? 'without a terminal to attach to' : `in ${screen.version ?? 'screen'}`
  return warning('tmux', `${wrong}: tasks run ${instead}`, 'Install tmux 3.2 or newer.')
}

function agents(all: readonly AgentFact[]): Finding[] {
  const installed = all.filter((one) => one.path !== null)
  const missing = all.filter((one) => one.path === null)
  if (installed.length === 0) {
    const hint = `Install one, for example: ${all[0]?.install}`
    return [problem('agents', `none is installed: ${all.map((one) => one.name).join(', ')}`, hint)]
  }
  const others = missing.map((one) => note(one.name, 'not installed', one.install))
  return [...installed.map(agent), ...others]
}

function agent({ name, path, version, login }: AgentFact): Finding {
  if (version === null) return problem(name, `${path} does not say its version`, `Try: ${name} --version`)
  const seen = `${version} (${path})`
  if (login?.state === 'yes') return ok(name, `${seen}, logged in (${login.how})`)
  if (login?.state === 'no') {
    const hint = `Log in with ${name} itself. A provider of your own, in its configuration, may need none.`
    return warning(name, `${seen}, not logged in (${login.how})`, hint)
  }
  return note(name, `${seen}; whether it is logged in cannot be known (${login?.how ?? 'it was not asked'})`)
}

function stateFolder({ state, tasks }: DoctorFacts): Finding {
  const { path, kind, mode, temporary } = state
  switch (kind) {
    case 'no-folder':
      return problem('state', `${path} is not a folder`, 'Move it away, or set RCA_HOME to another folder.')
    case 'foreign':
      return problem('state', `${path} belongs to somebody else`, 'Set RCA_HOME to a folder of your own.')
    case 'read-only':
      return problem('state', `${path} cannot be written`, 'Set RCA_HOME to a folder that you may write to.')
    case 'open':
      return problem(
        'state',
        `${path} is open to other users (mode ${mode})`,
        `chmod 700 ${path}`,
        'private-folders',
      )
    case 'other':
      return problem(
        'state',
        `${path} holds other things, and is open to other users (mode ${mode})`,
        'Set RCA_HOME to a folder of its own.',
      )
    case 'missing':
      return temporary ? emptied(path) : ok('state', `${path} (not there yet)`)
    case 'ok':
      return temporary ? emptied(path) : ok('state', `${path}, ${count(tasks.length, 'task')} on record`)
  }
}

const emptied = (path: string) =>
  warning(
    'state',
    `${path} is emptied by a reboot, and tasks are lost with it`,
    'Set RCA_HOME to another folder.',
  )

function disk({ disk: seen, state }: DoctorFacts): (Finding | null)[] {
  if (!seen) return []
  const free = `${Math.floor(seen.freeBytes / MIB)} MiB are free for ${state.path}`
  const files = seen.freeFiles !== null && seen.freeFiles < FEW_FILES
  return [
    seen.freeBytes < LITTLE
      ? problem('disk', `only ${free}`, 'Free some: without space no task can be started or recorded.')
      : seen.freeBytes < NOT_MUCH
        ? warning('disk', `only ${free}`, 'Agents print much.')
        : ok('disk', free),
    files
      ? problem('disk', `only ${seen.freeFiles} more files can be made in ${state.path}`, 'Remove some.')
      : null,
  ]
}

function config({ config: seen }: DoctorFacts): Finding {
  const { path, exists, error, open } = seen
  if (error) return problem('config', error.message, error.hint, open ? 'private-config' : null)
  if (path === null) return note('config', 'HOME is not set: there is no place for one')
  return ok('config', exists ? path : `none, the defaults hold (${path})`)
}

const LIVE = ['starting', 'running', 'stalled', 'waiting']
const isLive = (one: { readonly state: string }) => LIVE.includes(one.state)

function monitor({ monitor: { running, left }, tasks, version }: DoctorFacts, nowMs: number): Finding {
  const waiting = tasks.filter((one) => isLive(one) && one.supervised).map((one) => one.session)
  if (!running) {
    const died = left ? 'the last one was killed' : 'none runs'
    if (waiting.length === 0) return ok('monitor', `${died}, and nobody needs one`)
    const message = `${died}: nobody goes on with ${list(waiting)} if ${waiting.length === 1 ? 'it breaks' : 'they break'} off`
    return problem('monitor', message, 'rca monitor, or any rca start begins one.', 'start-monitor')
  }
  const age = formatDuration(nowMs - Date.parse(running.since))
  const seen = `pid ${running.pid}, ${running.origin}, for ${age}`
  if (running.version === version) return ok('monitor', `runs (${seen})`)
  const message = `it is of another release: ${running.version} (${seen})`
  return warning('monitor', message, 'The next rca start or resume replaces it.', 'start-monitor')
}

function service({ service: { seen, error, outdated }, scopeWarning }: DoctorFacts): (Finding | null)[] {
  return [
    error === null ? installedService(seen) : warning('service', `it cannot be looked at: ${error}`),
    seen?.installed && seen.active === false
      ? problem(
          'service',
          'it is installed and does not run',
          'rca service status says why.',
          'start-service',
        )
      : null,
    seen?.installed && outdated
      ? note(
          'service',
          'another rca, or another environment, has installed it',
          'rca service install brings it up to date.',
        )
      : null,
    seen?.installed && seen.lingering === false
      ? warning('service', 'lingering is off: it ends with your last login', 'loginctl enable-linger')
      : null,
    scopeWarning === null ? null : warning('service', scopeWarning),
  ]
}

function installedService(seen: DoctorFacts['service']['seen']): Finding | null {
  if (!seen?.kind) return note('service', 'nothing here can run the monitor as a service')
  if (!seen.installed)
    return note('service', 'not installed: after a reboot nobody goes on', 'rca service install')
  if (seen.active === false) return null
  return ok('service', `${seen.kind}${seen.path ? ` (${seen.path})` : ''}`)
}

function tasks(facts: DoctorFacts): (Finding | null)[] {
  const unreadable = facts.tasks.filter((one) => one.state === 'unknown' || one.problems.length > 0)
  const open = facts.tasks.filter((one) => one.open)
  const cut = facts.sockets.filter((one) => !one.exists)
  return [
    ...unreadable.map(({ session, dir, problems }) =>
      problem(
        'task',
        `${session}: ${problems[0] ?? 'its state is unknown'}`,
        `Nothing touches it. Look at ${dir}.`,
      ),
    ),
    open.length === 0
      ? null
      : problem('task', `others may look into the records of ${list(names(open))}`, null, 'private-folders'),
    ...cut.map(({ path, sessions }) =>
      problem(
        'socket',
        `${path} is gone, and ${list(sessions)} with it cannot be reached`,
        null,
        'restore-socket',
      ),
    ),
  ]
}

function leftovers({ halfMade, locks, strays }: DoctorFacts): (Finding | null)[] {
  const dead = locks.filter((one) => one.dead > 0)
  const removed = strays.filter((one) => one.dir === null)
  const ended = strays.filter((one) => one.dir !== null)
  return [
    halfMade.length === 0
      ? null
      : warning(
          'leftovers',
          `${count(halfMade.length, 'directory', 'directories')} that never became a task`,
          null,
          'clear-half-made',
        ),
    dead.length === 0
      ? null
      : note('leftovers', `locks of processes that are gone: ${list(names(dead))}`, null, 'clear-locks'),
    ...locks.flatMap((one) =>
      one.unreadable.map((path) =>
        problem('lock', `${path} is in the way and cannot be read`, 'Look at it, then remove it.'),
      ),
    ),
    ended.length === 0 ? null : problem('processes', left(ended), null, 'end-strays'),
    removed.length === 0
      ? null
      : problem(
          'processes',
          left(removed),
          `Their records are gone. If nobody needs them: kill ${pids(removed)}`,
        ),
  ]
}

const pids = (strays: DoctorFacts['strays']) => strays.map((one) => one.pid).join(' ')
const left = (strays: DoctorFacts['strays']) =>
  `${count(strays.length, 'process', 'processes')} of ${list([...new Set(names(strays))])} left running (pid ${pids(strays)})`

const names = (all: readonly { readonly session: string }[]) => all.map((one) => one.session)
const count = (number: number, one: string, many = `${one}s`) => `${number} ${number === 1 ? one : many}`

/** Not more of them than a line holds. */
function list(all: readonly string[]): string {
  const MOST = 5
  const more = all.length - MOST
  return more > 0 ? `${all.slice(0, MOST).join(', ')} and ${more} more` : all.join(', ')
}
