import { closeSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { unless } from '../errors.ts'
import { ensurePrivateDirectory, readOwn, writeDurable } from '../system/durable.ts'
import { makeFolders } from '../system/folders.ts'
import { isAlive, ownIdentity, type ProcessIdentity } from '../system/identity.ts'
import { sizeOf } from '../task/output.ts'
import { monitorFile, stateOf, wakeDirectory } from '../task/paths.ts'
import { VERSION } from '../version.ts'

/** The monitor that runs for a state directory. */
export interface Monitor extends ProcessIdentity {
  readonly version: string
  /** RFC 3339. */
  readonly since: string
  /** Whoever started it: a verb, a person, a service. */
  readonly origin: string
}

/**
 * Says who the monitor is. One line of words, boot id, pid and start time first: launch scripts read it with `read`.
 * See launch/script.ts.
 */
export function announce(state: string, origin: string): void {
  const { boot, pid, start } = ownIdentity()
  writeDurable(
    monitorFile(state),
    `${boot} ${pid} ${start} ${VERSION} ${new Date().toISOString()} ${origin}\n`,
  )
}

/** Takes that back, if it is still this process that is named. */
export function withdraw(state: string): void {
  if (readAnnounced(state)?.pid === process.pid) rmSync(monitorFile(state), { force: true })
}

/** The monitor that runs now, or null. */
export function runningMonitor(state: string): Monitor | null {
  const monitor = readAnnounced(state)
  return monitor && isAlive(monitor) ? monitor : null
}

function readAnnounced(state: string): Monitor | null {
  const text = unless(['ENOENT', 'ELOOP'], null, () => readOwn(monitorFile(state)))
  const [boot, pid, start, version, since, ...origin] = (text ?? '').trim().split(' ')
  if (!boot || !pid || !start || !version || !since) return null
  return { boot, pid: Number(pid), start, version, since, origin: origin.join(' ') }
}

/** Wakes the monitor for one task, where one runs. It carries no truth and may be lost. */
export function poke(dir: string): void {
  const state = stateOf(dir)
  if (!runningMonitor(state)) return
  const folder = wakeDirectory(state)
  try {
    closeSync(openSync(join(folder, basename(dir)), 'a', 0o600))
  } catch {
    // No monitor has run here yet, or the disk is full: its timer sees it.
  }
}

/** The folder for pokes, made by the monitor. */
export function ensureWakeDirectory(state: string): string {
  const folder = wakeDirectory(state)
  ensurePrivateDirectory(state)
  makeFolders(folder, 0o700)
  return folder
}

/** Takes all pokes away: the names of the task directories that they stand for. */
export function takePokes(folder: string): string[] {
  const names = unless(['ENOENT'], [] as string[], () => readdirSync(folder))
  for (const name of names) rmSync(join(folder, name), { recursive: true, force: true })
  return names
}

/** Keeps the log from growing for ever: it is called again and again. Whoever writes it appends. */
export function trimLog(path: string, keep: number): void {
  try {
    if (sizeOf(path) <= keep) return
    const text = readOwn(path) ?? ''
    writeFileSync(path, text.slice(text.indexOf('\n', text.length - keep / 2) + 1), { mode: 0o600 })
  } catch {
    // It stays as long as it is.
  }
}
