import { HOUR, SECOND } from '../fixtures/entries.ts'
import { act, look, type Watcher } from './watcher.ts'
import {
  agentDies,
  Broken,
  bear,
  begin,
  beingLaunched,
  type Death,
  type Life,
  must,
  newest,
  observe,
  passes,
  type World,
} from './world.ts'

/** What becomes of an attempt once it runs. */
export interface Fate {
  /** How long the agent lives; null: until it is ended, without a word. */
  readonly runMs: number | null
  readonly progress: boolean
  readonly death: Death
  /** It could not be launched before. */
  readonly unlaunched: boolean
  /** The clock is set while it runs, and that is noticed. */
  readonly jumpMs: number
}

/** What becomes of the attempt with this number. */
export type FateOf = (number: number) => Fate

/** The longest that a timer is set for. */
const LONGEST_MS = HOUR
const LAUNCH_MS = SECOND

/** Has one monitor watch until it forgets the task. Throws where that takes more looks or time than `most`. */
export function watch(
  world: World,
  watcher: Watcher,
  fateOf: FateOf,
  most: { readonly looks: number; readonly ms: number },
): void {
  const beganMs = world.monoMs
  const due = new Map<string, number>()
  for (let looks = 1; looks <= most.looks; looks++) {
    const ms = lookAndAct(world, watcher, fateOf)
    if (ms === null) return
    advance(world, fateOf, due, Math.min(LONGEST_MS, ms))
    must(world.monoMs - beganMs <= most.ms, `is not over after ${world.monoMs - beganMs} ms`)
  }
  throw new Broken(`is not over after ${most.looks} looks in ${world.monoMs - beganMs} ms`)
}

/** As in supervise/monitor.ts. When it looks again, ms; null: it has forgotten the task. */
function lookAndAct(world: World, watcher: Watcher, fateOf: FateOf): number | null {
  const { action, lookInMs, live } = look(world, watcher)
  if (action.kind === 'nothing') return lookInMs ?? (live ? LONGEST_MS : null)
  const fails = action.kind === 'recover' && fateOf(world.entries.length).unlaunched
  return act(world, watcher, fails) ? (lookInMs ?? 0) : 100
}

/** Lets time pass until a timer or the end of a launch script wakes the monitor. */
function advance(world: World, fateOf: FateOf, due: Map<string, number>, ms: number): void {
  const untilMs = world.monoMs + ms
  for (;;) {
    const event = upcomingEvent(world, fateOf)
    const atMs = event && (due.get(event.key) ?? world.monoMs + event.inMs)
    if (event === null || atMs === null) break
    due.set(event.key, atMs)
    if (atMs > untilMs) break
    passes(world, atMs - world.monoMs)
    if (event.run() === true) return
  }
  passes(world, untilMs - world.monoMs)
}

interface Event {
  readonly key: string
  readonly inMs: number
  /** True: the monitor is woken. */
  readonly run: () => unknown
}

function upcomingEvent(world: World, fateOf: FateOf): Event | null {
  const life = newest(world)
  if (!life) return null
  const key = (what: string) => `${what} ${life.number}`
  if (beingLaunched(world) === life)
    return { key: key('begin'), inMs: LAUNCH_MS, run: () => begin(world, life) }
  if (life.launcher && life.agent === 'none')
    return { key: key('bear'), inMs: LAUNCH_MS, run: () => bear(world, life) }
  const fate = fateOf(life.number)
  if (life.agent !== 'alive' || fate.runMs === null) return null
  return { key: key('die'), inMs: fate.runMs, run: () => meetsItsFate(world, life, fate) }
}

function meetsItsFate(world: World, life: Life, fate: Fate): boolean {
  const watched = life.launcher
  life.progress ||= fate.progress
  passes(world, 0, fate.jumpMs)
  if (fate.jumpMs !== 0) noteJump(world, fate.jumpMs)
  life.outputMs = world.nowMs
  agentDies(world, life, fate.death)
  return watched && !life.launcher
}

/** As in supervise/monitor.ts. */
export function noteJump(world: World, byMs: number): void {
  world.entries = [...world.entries, { at: new Date(world.nowMs).toISOString(), type: 'clock-jumped', byMs }]
}

export const stateOf = (world: World) => observe(world).derived
