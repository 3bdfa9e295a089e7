import { linkSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { uptime } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RcaError, unless } from '../errors.ts'
import { ensurePrivateDirectory, readOwn } from '../system/durable.ts'
import { host, isAlive, isHere, ownIdentity, pidNamespace } from '../system/identity.ts'
import { pausePoint } from '../system/pause.ts'
import { randomId } from '../system/random.ts'
import * as z from '../zod.ts'
import { locksDirectory } from './paths.ts'
import { identitySchema } from './schema.ts'

/** Made when there is somebody else's lock to be read: mostly there is none. */
const readHolder = (text: string) =>
  z
    .looseObject({
      holder: identitySchema,
      host: z.string(),
      pids: z.optional(z.nullable(z.string())),
      what: z.string(),
    })
    .safeParse(parseJson(text))

export interface Lock {
  release(): void
}

/** One at a time per session name: start, resume and kill. The same as `lockFolder`. */
export async function acquireLock(
  state: string,
  session: string,
  what: string,
  waitMs: number,
): Promise<Lock> {
  return lockFolder(locksDirectory(state, session), session, what, waitMs)
}

/** For whoever replaces the index of finished tasks, or tidies it up: nobody waits for that. */
export async function lockIndex(state: string, what: string): Promise<Lock> {
  return lockFolder(locksDirectory(state, 'finished'), 'the index of finished tasks', what, 0)
}

/**
 * Every contender puts a file of its own, whole from its first moment, into one folder and then looks: it holds the lock when
 * no other living contender's file is there, else it takes its own away and tries again. Of two at once at least one sees
 * the other, and a dead contender's file is passed over and removed by its unique name, so a crash blocks nobody and nothing
 * stale is ever mistaken for something new. Throws `conflict` when others hold it for longer than `waitMs`; `of` says what is locked.
 */
export async function lockFolder(folder: string, of: string, what: string, waitMs: number): Promise<Lock> {
  ensurePrivateDirectory(folder)
  const until = Date.now() + waitMs
  for (;;) {
    const mine = enter(folder, what)
    const other = livingOther(folder, mine)
    if (!other) return { release: () => rmSync(join(folder, mine), { force: true }) }
    rmSync(join(folder, mine), { force: true })
    if (Date.now() > until) {
      throw new RcaError('conflict', `${of} is busy: ${other}`, 'Try again when that has ended.')
    }
    await sleep(10 + Math.random() * 40)
  }
}

function enter(folder: string, what: string): string {
  const name = randomId()
  const temp = join(folder, `.${name}`)
  const content = JSON.stringify({ holder: ownIdentity(), host: host(), pids: pidNamespace(), what })
  try {
    writeFileSync(temp, content, { mode: 0o600, flag: 'wx' })
    pausePoint('lock-entering')
    linkSync(temp, join(folder, name))
  } finally {
    // Also on a full disk, where it is tried again and again.
    rmSync(temp, { force: true })
  }
  return name
}

/** What lies in the locks and is nobody's any more, or cannot be read. Takes nothing away: the next who takes that lock does. */
export interface LeftLocks {
  readonly session: string
  readonly dead: number
  /** Files that are in everybody's way and say nothing of whose they are. */
  readonly unreadable: readonly string[]
}

/** Looks at the locks of all sessions. */
export function leftLocks(state: string): LeftLocks[] {
  const sessions = unless(['ENOENT', 'ENOTDIR'], [] as string[], () => readdirSync(join(state, 'locks')))
  return sessions.map((session) => {
    const folder = locksDirectory(state, session)
    const paths = readdirSync(folder).map((name) => join(folder, name))
    const texts = paths.map((path) => ({ path, text: unless(['ENOENT'], null, () => readOwn(path)) }))
    const there = texts.filter((one): one is { path: string; text: string } => one.text !== null)
    const bad = there.filter(({ text }) => !readHolder(text).success)
    const stuck = bad.filter(({ path }) => !basename(path).startsWith('.') && !isFromEarlierBoot(path))
    const dead = there.filter(({ text }) => isOfTheDead(text)).length + bad.length - stuck.length
    return { session, dead, unreadable: stuck.map((one) => one.path) }
  })
}

function livingOther(folder: string, mine: string): string | null {
  for (const name of readdirSync(folder)) {
    if (name === mine) continue
    const path = join(folder, name)
    const text = unless(['ENOENT'], null, () => readOwn(path))
    if (text === null) continue
    if (name.startsWith('.')) {
      // Not in the lock yet, and perhaps not whole.
      if (isOfTheDead(text)) rmSync(path, { force: true })
      continue
    }
    const inTheWay = living(path, text)
    if (inTheWay) return inTheWay
    rmSync(path, { force: true })
  }
  return null
}

/** Who holds this lock file, in words; null: nobody any more. */
function living(path: string, text: string): string | null {
  const parsed = readHolder(text)
  if (!parsed.success) return isFromEarlierBoot(path) ? null : `the lock file ${path} cannot be read`
  if (isOfTheDead(text)) return null
  const { holder, what } = parsed.data
  return `${what} (pid ${holder.pid}) is at work on it`
}

function isOfTheDead(text: string): boolean {
  const { data } = readHolder(text)
  return data !== undefined && isHere({ ...data, boot: data.holder.boot }) && !isAlive(data.holder)
}

/** A lock file is not worth an fsync: a power loss may leave an empty one, whose holder died with it. */
function isFromEarlierBoot(path: string): boolean {
  const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: 0 }
  return mtimeMs < Date.now() - uptime() * 1_000
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
