import type { Verdict } from '../../src/agents/driver.ts'
import { EMPTY_SUMMARY } from '../../src/agents/summary.ts'
import type { Seen } from '../../src/supervise/facts.ts'
import type { AttemptRecord } from '../../src/task/attempt.ts'
import { conclude } from '../../src/task/conclude.ts'
import { killedAfterLastClaim, killRequested, ofType } from '../../src/task/entries.ts'
import { followUpDue } from '../../src/task/follow-ups.ts'
import type { Policy } from '../../src/task/policy.ts'
import type { Entry, ExitRecord, Spec } from '../../src/task/schema.ts'
import { derive, type Evidence, isLive, phaseOf } from '../../src/task/state.ts'
import { NOTHING_SAID } from '../../src/task/tally.ts'
import { SECOND, T0 } from '../fixtures/entries.ts'

/** A model of one task's world: its journal, its attempts with their processes, whoever is at work on it, and two clocks. */

/** How an agent ended, and what became of its launch script. */
export interface Death {
  readonly code: number
  readonly interrupted: boolean
  readonly verdict: Verdict
  /** How long after it a usage limit ends, ms; null: it did not say. */
  readonly resetsInMs?: number | null
  readonly launcher: 'writes' | 'dies' | 'lingers'
}

/** One attempt. */
export interface Life {
  readonly number: number
  readonly by: 'person' | 'monitor'
  readonly claimant: string
  readonly claimedMs: number
  gate: 'no' | 'launched' | 'called-off'
  launcher: boolean
  /** `none`: nobody has recorded it yet. */
  agent: 'none' | 'alive' | 'dead'
  progress: boolean
  /** It has said that it is done, and stays. */
  finished: boolean
  outputMs: number
  death: Death | null
  exit: ExitRecord | null
  exitMs: number
  /** The follow-up that it is to deliver. */
  readonly followUp: number | null
  /** What its sender takes back where it cannot be launched. */
  readonly sent: number | null
}

export interface World {
  readonly spec: Spec
  entries: Entry[]
  readonly lives: Life[]
  /** The wall clock and the one that nobody sets, ms. */
  nowMs: number
  monoMs: number
  /** Who holds the lock of the session. */
  lock: string | null
  /** Whoever is alive, by name: persons and monitors. A name is never used again. */
  readonly living: Set<string>
  /** What a launch script's `settle` has seen and is about to write. */
  settling: NewEntry | null
  born: number
  /** What was sent, by its id, in the order in which it was, and not delivered yet; and what was. */
  queue: number[]
  readonly delivered: number[]
  sent: number
}

export function makeWorld(policy: Policy): World {
  const createdAt = new Date(T0).toISOString()
  const spec = {
    id: 'a-task',
    session: 'codex-x',
    createdAt,
    presetSessionId: null,
    policy,
  } as unknown as Spec
  const entries: Entry[] = [{ at: createdAt, type: 'created', session: 'codex-x' }]
  const nothing = { lives: [], lock: null, settling: null, born: 0, queue: [], delivered: [], sent: 0 }
  return { spec, entries, nowMs: T0, monoMs: 0, living: new Set(), ...nothing }
}

export const isoOf = (ms: number) => new Date(ms).toISOString()

type NewEntry = Entry extends infer E ? (E extends Entry ? Omit<E, 'at'> & { at?: string } : never) : never

export function append(world: World, entry: NewEntry): void {
  world.entries = [...world.entries, { at: isoOf(world.nowMs), ...entry } as Entry]
}

/** Somebody new. */
export function comes(world: World, what: string): string {
  const name = `${what} ${++world.born}`
  world.living.add(name)
  return name
}

/** Somebody dies, and with that lets go of the lock. */
export function dies(world: World, name: string): void {
  world.living.delete(name)
  if (world.lock === name) world.lock = null
}

export const newest = (world: World) => world.lives.at(-1) ?? null
export const agentsAlive = (world: World) => world.lives.filter((one) => one.agent === 'alive')
/** The attempt that somebody who lives is launching. */
export const beingLaunched = (world: World) =>
  world.lives.find((one) => one.gate === 'no' && world.living.has(one.claimant)) ?? null

export class Broken extends Error {}
export function must(holds: boolean, what: string): void {
  if (!holds) throw new Broken(what)
}

const identity = { pid: 1, start: '1', boot: 'b' }

function recordOf(life: Life): AttemptRecord {
  const claim = {
    schema: 1,
    attempt: life.number,
    how: 'resume',
    sessionId: null,
    argv: [],
    claimant: identity,
    host: 'h',
    claimedAt: isoOf(life.claimedMs),
    eventsOffset: 0,
    stderrOffset: 0,
  } as const
  return {
    number: life.number,
    claim: { ...claim, argv: [] },
    begun: life.gate,
    launcher: life.gate === 'launched' ? identity : null,
    shellPid: null,
    agent: life.agent === 'none' ? null : identity,
    exit: life.exit,
    exitAt: life.exit && isoOf(life.exitMs),
    problems: [],
  }
}

/** As in task/observe.ts. */
function openAttempt(world: World, entries: readonly Entry[]): Life | null {
  const ends = new Set(ofType(entries, 'attempt-ended').map((one) => one.attempt))
  const claims = ofType(entries, 'attempt-claimed')
  if (claims.length > 0 && claims.every((one) => ends.has(one.attempt))) return null
  const last = newest(world)
  return last && !ends.has(last.number) ? last : null
}

const CRASHED: Verdict = { outcome: 'failed', cause: 'crashed', reason: 'it crashed', hint: null }

function judged(life: Life, entries: readonly Entry[]) {
  const verdict = life.death?.verdict ?? CRASHED
  const summary = { ...EMPTY_SUMMARY, messages: life.progress ? 1 : 0 }
  const ended = { attempt: life.number, exit: life.exit, summary, stderrTail: '', expectedSession: null }
  return {
    ...conclude({ ...ended, killRequested: killRequested(entries) }, { judge: () => verdict }),
    sessionId: null,
    counted: { tally: NOTHING_SAID, to: { events: 0, stderr: 0 } },
  }
}

/** What can be seen of the task now, by whoever has read the journal when it held `entries`. */
export function observe(world: World, entries: readonly Entry[] = world.entries): Seen {
  const { spec, nowMs } = world
  const open = openAttempt(world, entries)
  const seen: Evidence | null = open && {
    record: recordOf(open),
    claimantAlive: world.living.has(open.claimant),
    launcherAlive: open.launcher,
    agentAlive: open.agent === 'alive',
    here: true,
    conclusion: null,
  }
  const pending = open && seen && phaseOf(seen, nowMs) === 'over' ? judged(open, entries) : null
  const evidence = seen && { ...seen, conclusion: pending }
  const lastOutputMs = open ? Math.max(0, ...world.lives.map((one) => one.outputMs)) : 0
  const derived = derive({ spec, entries, problems: [], evidence, lastOutputMs, nowMs })
  return { journal: { entries, problems: [], bytes: 0 }, evidence, pending, derived }
}

/** As in task/settle.ts. */
export function settle(world: World, entries: readonly Entry[] = world.entries): Seen {
  const end = endToWrite(world, entries)
  if (end) append(world, end)
  return observe(world)
}

/** An end that is not in the journal, by whoever has read it when it held `entries`: it may be there twice in the end. */
export function endToWrite(world: World, entries: readonly Entry[] = world.entries): NewEntry | null {
  const { pending } = observe(world, entries)
  if (!pending) return null
  const life = world.lives.find((one) => one.number === pending.attempt)
  const at = isoOf(life?.exit ? life.exitMs : life?.outputMs || world.nowMs)
  const { sessionId, counted, ...conclusion } = pending
  return { type: 'attempt-ended', ...conclusion, denials: [], at, lastActivityAt: null }
}

/** As in launch/launch.ts. Whoever calls holds the lock. */
export function abandonUnbegun(world: World): void {
  for (const life of world.lives) if (life.gate === 'no') abandon(world, life)
}

function abandon(world: World, life: Life): void {
  life.gate = 'called-off'
  const reason = 'the launch was called off before the agent began'
  const nothing = { exit: null, cause: null, hint: null, denials: [], usage: null, lastActivityAt: null }
  append(world, { type: 'attempt-ended', attempt: life.number, outcome: 'called-off', reason, ...nothing })
}

/** What an attempt delivers, and what is taken back where it cannot be launched. */
interface Delivery {
  readonly followUp?: number
  readonly sent?: number
}

/**
 * As in launch/recover.ts: clears the ground and claims the next attempt, which delivers the follow-up that is due; the claimant
 * keeps the lock.
 */
export function claim(world: World, claimant: string, by: Life['by'], delivery: Delivery = {}): Life {
  const followUp = delivery.followUp ?? followUpDue(world.entries)?.id ?? null
  for (const life of world.lives) if (life.agent === 'alive') agentDies(world, life, SIGTERM)
  for (const life of world.lives) life.launcher = false
  const number = (newest(world)?.number ?? 0) + 1
  const how = number === 1 ? 'start' : 'resume'
  const delivers = followUp === null ? {} : { followUp }
  append(world, { type: 'attempt-claimed', attempt: number, how, by, ...delivers })
  const { nowMs: claimedMs } = world
  const fresh = { progress: false, finished: false, outputMs: 0, death: null, exit: null, exitMs: 0 }
  const life: Life = {
    ...{ number, by, claimant, claimedMs, followUp, sent: delivery.sent ?? null, ...fresh },
    ...({ gate: 'no', launcher: false, agent: 'none' } as const),
  }
  world.lives.push(life)
  world.lock = claimant
  return life
}

export const SIGTERM: Death = {
  code: 143,
  interrupted: false,
  verdict: { outcome: 'unfinished', cause: 'unfinished', reason: 'SIGTERM', hint: null },
  launcher: 'writes',
}
export const GOOD: Death = {
  code: 0,
  interrupted: false,
  verdict: { outcome: 'completed' },
  launcher: 'writes',
}

/** The shell of the pane runs the launch script: the gate lets it through once, and not at all when it was called off. */
export function begin(world: World, life: Life): void {
  if (life.gate !== 'no') return
  life.gate = 'launched'
  life.launcher = true
  if (life.followUp !== null) deliver(world, life.followUp)
  if (world.lock === life.claimant && !world.living.has(life.claimant)) world.lock = null
}

function deliver(world: World, followUp: number): void {
  must(!world.delivered.includes(followUp), `delivers follow-up ${followUp} twice`)
  must(world.queue[0] === followUp, `delivers follow-up ${followUp} while ${world.queue} wait`)
  world.queue = world.queue.slice(1)
  world.delivered.push(followUp)
}

/** The launch script starts the agent; its claimant has seen that and is done. */
export function bear(world: World, life: Life): void {
  if (!life.launcher || life.agent !== 'none') return
  must(agentsAlive(world).length === 0, 'two agents work for one task')
  life.agent = 'alive'
  life.outputMs = world.nowMs
  if (world.lock === life.claimant) world.lock = null
}

/** The shell did not run the line: whoever claimed it calls it off; a monitor says so. */
export function launchTimesOut(world: World): void {
  const life = beingLaunched(world)
  if (!life) return
  abandon(world, life)
  if (life.by === 'monitor')
    append(world, { type: 'recovery-failed', reason: 'the shell did not run it', hint: null })
  if (life.sent !== null) takeBack(world, life.sent)
  if (world.lock === life.claimant) world.lock = null
}

export function agentDies(world: World, life: Life, death: Death): void {
  if (life.agent !== 'alive') return
  life.agent = 'dead'
  life.death = { ...death, verdict: life.finished ? GOOD.verdict : verdictAt(death, world.nowMs) }
  if (!life.launcher) return
  if (death.launcher === 'writes') launcherWrites(world, life)
  else if (death.launcher === 'dies') life.launcher = false
}

function verdictAt({ verdict, resetsInMs }: Death, nowMs: number): Verdict {
  if (resetsInMs === undefined || verdict.outcome === 'completed') return verdict
  const resetsAt = resetsInMs === null ? null : isoOf(nowMs + resetsInMs)
  return { ...verdict, cause: 'usage-limit', resetsAt }
}

/** The launch script writes down its agent's end and goes. */
export function launcherWrites(world: World, life: Life): void {
  if (!life.launcher || life.agent === 'alive') return
  const { code, interrupted } = life.death ?? { code: 125, interrupted: false }
  life.exit = { code, interrupted, endedAt: isoOf(world.nowMs) }
  life.exitMs = world.nowMs
  launcherDies(world, life)
}

export function launcherDies(world: World, life: Life): void {
  life.launcher = false
  // A launch that is over before it had an agent is over for its claimant too.
  if (life.agent === 'none' && world.lock === life.claimant) world.lock = null
}

/** As in commands/kill.ts; `dies`: it does not live to see the end, and has signalled nobody. */
export function killTask(world: World, half: boolean): void {
  if (world.lock !== null) return
  const seen = settle(world)
  const asked = killRequested(world.entries)
  const open = isLive(seen.derived.state) || (asked && !killedAfterLastClaim(world.entries))
  if (open && !asked) append(world, { type: 'kill-requested', by: 'ann' })
  if (!half) endTask(world, open)
}

/** Ends all that is alive and says so. Whoever calls holds the lock. */
export function endTask(world: World, open: boolean): void {
  const last = newest(world)
  if (last?.gate === 'no') abandon(world, last)
  for (const life of world.lives) {
    agentDies(world, life, SIGTERM)
    if (life.launcher) launcherWrites(world, life)
  }
  settle(world)
  if (open) append(world, { type: 'killed', by: 'ann', processes: 1 })
}

/** As in commands/resume.ts; `followUp`: also a task that is done goes on. What was sent is not overtaken by it. */
export function resumeTask(world: World, followUp: boolean): void {
  if (world.lock !== null) return
  abandonUnbegun(world)
  const { derived, evidence } = settle(world)
  const { state } = derived
  if (state === 'unknown' || (state === 'done' && !followUp)) return
  if (followUp && world.queue.length > 0) return
  if (isLive(state) && state !== 'waiting' && !(state === 'starting' && !evidence)) return
  claim(world, comes(world, 'person'), 'person')
}

/** As in commands/send.ts; `dies`: the sender does not live to see whether it can be begun now. */
export function sendTo(world: World, dies: boolean): void {
  if (world.lock !== null) return
  abandonUnbegun(world)
  if (settle(world).derived.state === 'unknown') return
  const id = ++world.sent
  append(world, { type: 'follow-up-queued', id, sha256: '', by: 'ann', key: null })
  world.queue.push(id)
  if (dies) return
  const { state, next } = settle(world).derived
  const due = state === 'waiting' && next?.kind === 'again' && next.followUp !== undefined
  if (!due && isLive(state)) return
  const first = !due && world.queue[0] === id ? { followUp: id } : {}
  claim(world, comes(world, 'person'), 'person', { ...first, sent: id })
}

function takeBack(world: World, id: number): void {
  append(world, { type: 'follow-up-withdrawn', id })
  world.queue = world.queue.filter((one) => one !== id)
}

/** The machine goes down and comes up again. */
export function reboot(world: World): void {
  for (const life of world.lives) {
    if (life.agent === 'alive') life.death = { ...SIGTERM, verdict: CRASHED }
    if (life.agent === 'alive') life.agent = 'dead'
    life.launcher = false
  }
  for (const name of [...world.living]) dies(world, name)
  passes(world, 30 * SECOND)
}

/** Time passes; the clock is set by `jumpMs` besides. */
export function passes(world: World, ms: number, jumpMs = 0): void {
  world.monoMs += ms
  world.nowMs += ms + jumpMs
}
