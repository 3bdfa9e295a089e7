import { type Action, type Decision, decide, type TaskFacts } from '../../src/supervise/decide.ts'
import { gather, NOTHING_REMEMBERED, type Remembered, type Seen } from '../../src/supervise/facts.ts'
import { killRequested, ofType } from '../../src/task/entries.ts'
import type { Entry, EntryOf } from '../../src/task/schema.ts'
import { isLive, phaseOf, silentSince } from '../../src/task/state.ts'
import {
  abandonUnbegun,
  agentDies,
  agentsAlive,
  append,
  beingLaunched,
  claim,
  comes,
  dies,
  endTask,
  isoOf,
  launcherWrites,
  must,
  observe,
  SIGTERM,
  settle,
  type World,
} from './world.ts'

/** A monitor in the model of the world. It looks, decides and acts in steps of their own: anything may happen in between. */
export interface Watcher {
  name: string
  end: { readonly key: string; readonly sinceMs: number } | null
  lingeringSinceMs: number | null
  plan: { readonly action: Action; readonly entries: readonly Entry[]; readonly waitedMs: number } | null
}

export function makeWatcher(world: World): Watcher {
  return { name: comes(world, 'monitor'), end: null, lingeringSinceMs: null, plan: null }
}

/** It is killed and started again: all that it remembered is gone, an attempt that it was launching is nobody's. */
export function restart(world: World, watcher: Watcher): void {
  dies(world, watcher.name)
  Object.assign(watcher, makeWatcher(world))
}

/** As in supervise/tracked.ts. */
function remember(world: World, watcher: Watcher, { derived, evidence }: Seen): Remembered {
  const { next, attempts } = derived
  const key = next?.kind === 'again' ? `${attempts} ${next.delayMs} ${next.dueMs}` : null
  if (key === null) watcher.end = null
  else if (watcher.end?.key !== key) watcher.end = { key, sinceMs: world.monoMs }
  const lingers = evidence && phaseOf(evidence, world.nowMs) === 'working' && !evidence.agentAlive
  watcher.lingeringSinceMs = lingers ? (watcher.lingeringSinceMs ?? world.monoMs) : null
  return {
    waitedMs: watcher.end ? world.monoMs - watcher.end.sinceMs : 0,
    lingeringMs: watcher.lingeringSinceMs === null ? 0 : world.monoMs - watcher.lingeringSinceMs,
  }
}

function factsOf(world: World, seen: Seen, remembered: Remembered): TaskFacts {
  const { spec, nowMs } = world
  const life = world.lives.find((one) => one.number === seen.evidence?.record.number)
  const facts = { spec, entries: seen.journal.entries, problems: [], evidence: seen.evidence, nowMs }
  const silentMs = Math.max(0, nowMs - silentSince({ ...facts, lastOutputMs: life?.outputMs ?? 0 }))
  const activity =
    life?.agent === 'alive' ? { finished: life.finished, silentMs, doing: 'it waits for the model' } : null
  return gather(seen, spec, remembered, activity, nowMs)
}

/** Looks and decides. Checks what must hold of every decision. */
export function look(world: World, watcher: Watcher): Decision & { readonly live: boolean } {
  const seen = observe(world)
  const facts = factsOf(world, seen, remember(world, watcher, seen))
  const decision = decide(facts)
  watcher.plan = { action: decision.action, entries: world.entries, waitedMs: facts.waitedMs }
  checkDecision(world, seen, decision)
  return { ...decision, live: isLive(seen.derived.state) }
}

function checkDecision(world: World, { derived, pending, evidence }: Seen, decision: Decision): void {
  const { action, lookInMs } = decision
  must(lookInMs === null || (lookInMs >= 0 && Number.isFinite(lookInMs)), `looks in ${lookInMs} ms`)
  if (action.kind === 'recover') {
    must(agentsAlive(world).length === 0, 'asks for a second agent')
    must(beingLaunched(world) === null, 'asks for an attempt while somebody launches one')
    must(mayGoOn(world), 'goes on with what a person or the agent ended')
  }
  if (action.kind !== 'nothing' || lookInMs !== null) return
  if (isLive(derived.state)) {
    // The launch script's end wakes; nothing else does.
    must(!!evidence?.agentAlive && evidence.launcherAlive, `forgets a task that is ${derived.state}`)
    return
  }
  must(pending === null, 'forgets an end that nobody wrote down')
  must(derived.next?.kind !== 'again', 'forgets an attempt that is due')
  must(agentsAlive(world).length === 0, 'forgets an agent that works')
}

/** Whether nothing that happened since a person last asked for an attempt forbids a next one. Does not ask nextStep. */
function mayGoOn(world: World): boolean {
  const { entries } = world
  const asked = entries.findLastIndex((one) => one.type === 'attempt-claimed' && isAskedFor(world, one))
  const since = entries.slice(Math.max(0, asked))
  if (since.some((one) => ['gave-up', 'kill-requested', 'killed'].includes(one.type))) return false
  const number = ofType(since, 'attempt-claimed')[0]?.attempt ?? 1
  const ends = world.lives.filter((one) => one.number >= number && one.death !== null)
  return ends.every(({ death, exit }, index) =>
    death?.verdict.outcome === 'completed'
      ? index === ends.length - 1 && world.queue.length > 0
      : !exit?.interrupted,
  )
}

/** By a person who was not refused, or by the follow-up that it has delivered. */
function isAskedFor(world: World, { by, attempt, followUp = 0 }: EntryOf<'attempt-claimed'>): boolean {
  const sent = world.lives.find((one) => one.number === attempt)?.sent ?? null
  const isRefused = ofType(world.entries, 'follow-up-withdrawn').some((one) => one.id === sent)
  return (by === 'person' && !isRefused) || world.delivered.includes(followUp)
}

/** Carries out what was decided, as supervise/act.ts does. False: somebody else holds the lock. */
export function act(world: World, watcher: Watcher, fails = false): boolean {
  const { plan } = watcher
  watcher.plan = null
  if (!plan) return true
  const { action } = plan
  if (action.kind === 'settle') settle(world, plan.entries)
  if (action.kind === 'note-wait') {
    const { dueMs, why, reason, guess } = action.next
    append(world, { type: 'waiting', until: isoOf(dueMs), why, reason, guess })
  }
  const attempt = observe(world, plan.entries).evidence?.record.number ?? 0
  if (action.kind === 'note-stall')
    append(world, { type: 'stalled', attempt, since: isoOf(world.nowMs), evidence: '', eventsBytes: 0 })
  if (action.kind === 'note-active') append(world, { type: 'active', attempt })
  if (!LOCKED.has(action.kind)) return true
  if (world.lock !== null) return false
  underLock(world, watcher, action, plan.waitedMs, fails)
  return true
}

const LOCKED = new Set<Action['kind']>(['recover', 'end', 'free-launcher', 'finish-kill', 'note-gave-up'])

function underLock(world: World, watcher: Watcher, wanted: Action, waitedMs: number, fails: boolean): void {
  if (wanted.kind === 'free-launcher') freeLauncher(world)
  if (wanted.kind === 'recover' || wanted.kind === 'note-gave-up') abandonUnbegun(world)
  const { action } = decide(factsOf(world, settle(world), { ...NOTHING_REMEMBERED, waitedMs }))
  if (action.kind !== wanted.kind) return
  switch (action.kind) {
    case 'recover':
      if (fails) append(world, { type: 'recovery-failed', reason: 'tmux did not answer', hint: null })
      else makeNextAttempt(world, watcher)
      return
    case 'end':
      for (const life of agentsAlive(world)) agentDies(world, life, SIGTERM)
      settle(world)
      return
    case 'note-gave-up': {
      const { cause, reason, hint } = action.next
      must(agentsAlive(world).length === 0, 'gives up while an agent works')
      must(beingLaunched(world) === null, 'gives up while somebody launches an attempt')
      append(world, { type: 'gave-up', cause, reason, hint })
      return
    }
    case 'finish-kill':
      must(killRequested(world.entries), 'kills what nobody asked to be killed')
      endTask(world, true)
  }
}

function makeNextAttempt(world: World, watcher: Watcher): void {
  must(agentsAlive(world).length === 0, 'makes a second agent')
  must(beingLaunched(world) === null, 'makes an attempt while somebody launches one')
  must(mayGoOn(world), 'makes an attempt of what a person or the agent ended')
  claim(world, watcher.name, 'monitor')
}

function freeLauncher(world: World): void {
  for (const life of world.lives) if (life.agent === 'dead') launcherWrites(world, life)
}
