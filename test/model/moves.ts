import * as fc from 'fast-check'
import { HOUR, MINUTE, SECOND } from '../fixtures/entries.ts'
import { noteJump } from './run.ts'
import { act, look, makeWatcher, restart, type Watcher } from './watcher.ts'
import {
  agentDies,
  agentsAlive,
  append,
  bear,
  begin,
  beingLaunched,
  type Death,
  dies,
  endToWrite,
  GOOD,
  killTask,
  type Life,
  launcherDies,
  launcherWrites,
  launchTimesOut,
  newest,
  passes,
  reboot,
  resumeTask,
  sendTo,
  type World,
} from './world.ts'

/** A world and the two monitors that are at work in it. */
export interface Play {
  readonly world: World
  readonly watchers: readonly [Watcher, Watcher]
}

/** Something that happens; where it cannot happen just then, nothing does. */
export interface Move {
  readonly name: string
  readonly run: (play: Play) => void
}

const reason = 'it says so'
const bad = (outcome: 'failed' | 'unfinished', cause: 'crashed' | 'api-error' | 'permission') =>
  ({ verdict: { outcome, cause, reason, hint: null }, code: 1 }) as const
const limit = (resetsInMs: number | null) => ({ ...bad('failed', 'api-error'), resetsInMs }) as const
const healing = [bad('failed', 'crashed'), bad('unfinished', 'crashed'), limit(null), limit(-HOUR)]
const far = [limit(MINUTE), limit(5 * HOUR)]
const launcher = fc.constantFrom('writes', 'writes', 'writes', 'dies', 'lingers')

/** Ends after which supervision goes on. */
export const failures: fc.Arbitrary<Death> = fc
  .tuple(fc.constantFrom(...healing, ...far), launcher)
  .map(([end, left]) => ({ ...end, interrupted: false, launcher: left }))

const ends: fc.Arbitrary<Death> = fc
  .tuple(fc.constantFrom(...healing, ...healing, ...far, bad('failed', 'permission')), launcher, fc.nat(19))
  .map(([end, left, n]) => ({ ...end, interrupted: n === 0, launcher: left }))
const goodEnds = launcher.map((left): Death => ({ ...GOOD, launcher: left }))

const which = fc.constantFrom<0 | 1>(0, 0, 0, 1)
const often = (weight: number, arbitrary: fc.Arbitrary<Move>) => ({ weight, arbitrary })
const always = (weight: number, name: string, run: (world: World) => void) =>
  often(weight, fc.constant({ name, run: ({ world }: Play) => run(world) }))

const byMonitors = [
  often(
    6,
    which.map((i) => ({
      name: `monitor ${i} looks`,
      run: (play) => void look(play.world, play.watchers[i]),
    })),
  ),
  often(
    6,
    fc.tuple(which, fc.nat(9)).map(([i, n]) => ({
      name: `monitor ${i} acts${n === 0 ? ' and cannot launch' : ''}`,
      run: (play) => void act(play.world, play.watchers[i], n === 0),
    })),
  ),
  often(
    24,
    which.map((i) => ({ name: `monitor ${i} looks and acts`, run: (play) => supervise(play, i) })),
  ),
  often(
    1,
    which.map((i) => ({
      name: `monitor ${i} restarts`,
      run: (play) => restart(play.world, play.watchers[i]),
    })),
  ),
]

const byLaunches = [
  always(2, 'the launch script begins', (world) => onNewest(world, begin)),
  always(2, 'the agent is born', (world) => onNewest(world, bear)),
  always(20, 'the launch goes well', (world) => {
    onNewest(world, begin)
    onNewest(world, bear)
  }),
  always(1, 'the launch takes too long', launchTimesOut),
  always(1, 'the launch script dies', (world) =>
    onNewest(world, (_, life) => life.launcher && launcherDies(world, life)),
  ),
  always(1, 'the launch script writes', (world) => onNewest(world, launcherWrites)),
  often(1, fc.constant({ name: 'whoever launches dies', run: claimantDies })),
]

const byAgents = [
  often(
    1,
    fc.boolean().map((progress) => ({
      name: `the agent prints ${progress ? 'an answer' : 'something'}`,
      run: ({ world }) => prints(world, progress),
    })),
  ),
  always(1, 'the agent says that it is done, and stays', (world) => {
    prints(world, true)
    for (const life of agentsAlive(world)) life.finished = true
  }),
  often(
    20,
    fc.oneof({ weight: 6, arbitrary: ends }, { weight: 1, arbitrary: goodEnds }).map((death) => ({
      name: `the agent dies: ${JSON.stringify(death)}`,
      run: ({ world }) => dieAll(world, death),
    })),
  ),
]

const byOthers = [
  always(1, 'a person kills', (world) => killTask(world, false)),
  always(1, 'a person’s kill is cut off', (world) => killTask(world, true)),
  always(2, 'a person resumes', (world) => resumeTask(world, false)),
  always(1, 'a person follows up', (world) => resumeTask(world, true)),
  always(2, 'a person sends', (world) => sendTo(world, false)),
  always(1, 'a person sends and dies', (world) => sendTo(world, true)),
  always(3, 'a settle that has read the journal before writes', settles),
  always(1, 'a settle reads', reads),
  often(1, fc.constant({ name: 'the machine reboots', run: rebootAll })),
  often(
    14,
    fc.constantFrom(100, 3 * SECOND, 11 * SECOND, MINUTE, 4 * MINUTE, 20 * MINUTE, 6 * HOUR).map((ms) => ({
      name: `${ms} ms pass`,
      run: ({ world }) => passes(world, ms),
    })),
  ),
  often(
    1,
    fc.tuple(fc.constantFrom(-9 * HOUR, -MINUTE, HOUR, 9 * HOUR), fc.boolean()).map(([ms, noted]) => ({
      name: `the clock jumps by ${ms} ms${noted ? ', noted' : ''}`,
      run: ({ world }) => jumps(world, ms, noted),
    })),
  ),
]

/** Whatever may happen to a task, in any order. */
export const moves: fc.Arbitrary<Move> = fc
  .oneof(...byMonitors, ...byLaunches, ...byAgents, ...byOthers)
  .map((one) => ({ ...one, [fc.toStringMethod]: () => one.name }))

function supervise({ world, watchers }: Play, i: 0 | 1): void {
  for (let times = 0; times < 5; times++) {
    if (look(world, watchers[i]).action.kind === 'nothing' || !act(world, watchers[i])) return
  }
}

function onNewest(world: World, run: (world: World, life: Life) => unknown): void {
  const life = newest(world)
  if (life) run(world, life)
}

function claimantDies({ world, watchers }: Play): void {
  const name = beingLaunched(world)?.claimant
  const watcher = watchers.find((one) => one.name === name)
  if (watcher) restart(world, watcher)
  else if (name) dies(world, name)
}

function prints(world: World, progress: boolean): void {
  for (const life of agentsAlive(world)) {
    life.outputMs = world.nowMs
    life.progress ||= progress
  }
}

/** Its launch script has the attempt settled, later. */
function dieAll(world: World, death: Death): void {
  for (const life of agentsAlive(world)) agentDies(world, life, death)
  if (world.settling === null) reads(world)
}

function reads(world: World): void {
  world.settling = endToWrite(world)
}

function settles(world: World): void {
  if (world.settling !== null) append(world, world.settling)
  world.settling = null
}

function rebootAll({ world, watchers }: Play): void {
  reboot(world)
  world.settling = null
  for (const watcher of watchers) Object.assign(watcher, makeWatcher(world))
}

function jumps(world: World, ms: number, noted: boolean): void {
  passes(world, 0, ms)
  if (noted) noteJump(world, ms)
}
