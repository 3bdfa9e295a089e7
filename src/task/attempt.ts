import {
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { errno, unless } from '../errors.ts'
import { readOwn, syncDirectory, syncFile, writeSynced } from '../system/durable.ts'
import { isAlive, ownIdentity, type ProcessIdentity, parentIn, parseSelf } from '../system/identity.ts'
import { pausePoint } from '../system/pause.ts'
import { randomId } from '../system/random.ts'
import { appendJournalSoon } from './journal.ts'
import { attemptFiles, files } from './paths.ts'
import { type Claim, claimSchema, type ExitRecord, exitRecordSchema } from './schema.ts'

/** What lies in one attempt's directory. */
export interface AttemptRecord {
  readonly number: number
  readonly claim: Claim | null
  /** `no`: the launch script has not run yet; `called-off`: it never will. */
  readonly begun: 'no' | 'launched' | 'called-off'
  readonly launcher: ProcessIdentity | null
  /** The shell that ran the launch script; its start time was not recorded. */
  readonly shellPid: number | null
  readonly agent: ProcessIdentity | null
  readonly exit: ExitRecord | null
  /** When the exit record was written, RFC 3339 with milliseconds. */
  readonly exitAt: string | null
  readonly problems: readonly string[]
}

/** Everything that an attempt's directory holds from its first moment. */
export interface AttemptContent {
  readonly claim: Claim
  readonly launch: string
  readonly agent: string
  /** Null: the task's own prompt is fed. */
  readonly prompt: string | null
  /** Who asked for it. */
  readonly by: 'person' | 'monitor'
}

/**
 * Claims attempt `number` by making its directory, whole: it is filled under another name and then renamed, which the
 * kernel refuses where the directory exists already. False: somebody else has it. It outlives any process at once, and a
 * power loss, which the agent does not outlive either, from `keepClaim` on.
 */
export function claimAttempt(task: string, number: number, content: AttemptContent): boolean {
  appendJournalSoon(task, {
    type: 'attempt-claimed',
    attempt: number,
    how: content.claim.how,
    by: content.by,
    ...(content.claim.followUp === undefined ? {} : { followUp: content.claim.followUp }),
  })
  pausePoint('claim-entered')
  const temp = mkdtempSync(join(files.attempts(task), `.${number}.`))
  try {
    const write = (name: string, text: string) =>
      writeFileSync(join(temp, name), text, { mode: 0o600, flag: 'wx' })
    write(attemptFiles.launch, content.launch)
    write(attemptFiles.agent, content.agent)
    if (content.prompt !== null) write(attemptFiles.prompt, content.prompt)
    write(attemptFiles.claim, `${JSON.stringify(content.claim, null, 1)}\n`)
    pausePoint('claim-filled')
    renameSync(temp, files.attempt(task, number))
  } catch (error) {
    rmSync(temp, { recursive: true, force: true })
    if (['ENOTEMPTY', 'EEXIST'].includes(errno(error) ?? '')) return false
    throw error
  }
  pausePoint('claimed')
  return true
}

/** Makes a claim durable. (The scripts are of no use after a power loss; the claim and a follow-up are.) */
export function keepClaim(task: string, number: number): void {
  const folder = files.attempt(task, number)
  for (const name of [attemptFiles.claim, attemptFiles.prompt])
    unless(['ENOENT'], null, () => syncFile(join(folder, name)))
  syncDirectory(folder)
  syncDirectory(files.attempts(task))
  syncFile(files.journal(task))
}

/**
 * Closes the gate of an attempt that has not begun: its launch script will refuse to run, whenever it comes to it. False:
 * it has begun, or was called off by somebody else.
 */
export function callOff(task: string, number: number): boolean {
  const { pid, start, boot } = ownIdentity()
  const gate = join(files.attempt(task, number), attemptFiles.begun)
  const temp = join(files.attempt(task, number), `.${attemptFiles.begun}.${randomId()}`)
  try {
    writeSynced(temp, `called-off ${boot} ${pid} ${start}\n`)
    linkSync(temp, gate)
    return true
  } catch (error) {
    if (errno(error) === 'EEXIST') return false
    throw error
  } finally {
    rmSync(temp, { force: true })
  }
}

/** Takes away what claimants that died have half-made. For whoever holds the lock of the session: nobody is at it now. */
export function sweepAttempts(task: string): void {
  const names = unless(['ENOENT'], [] as string[], () => readdirSync(files.attempts(task)))
  for (const name of names)
    if (name.startsWith('.')) rmSync(join(files.attempts(task), name), { recursive: true, force: true })
}

/** Takes away what a launch script leaves in its attempt's directory when it is killed; nothing while it lives. */
export function sweepLaunch(task: string, number: number): void {
  const { launcher } = readAttempt(task, number)
  if (launcher && isAlive(launcher)) return
  const folder = files.attempt(task, number)
  const { alive, next, offer, begun } = attemptFiles
  const gates = readdirSync(folder).filter((name) => name.startsWith(`.${begun}.`))
  for (const name of ['view', 'out', alive, next, offer, ...gates])
    rmSync(join(folder, name), { force: true })
}

/** Whether the gate of an attempt is closed: its launch script has run, or never will. Cheap. */
export function hasGate(task: string, number: number): boolean {
  return existsSync(join(files.attempt(task, number), attemptFiles.begun))
}

/** The numbers of all claimed attempts, ascending. */
export function attemptNumbers(task: string): number[] {
  return unless(['ENOENT'], [] as string[], () => readdirSync(files.attempts(task)))
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

export function readAttempt(task: string, number: number): AttemptRecord {
  const dir = files.attempt(task, number)
  const problems: string[] = []
  const text = (name: string) => unless(['ENOENT'], null, () => readOwn(join(dir, name)))
  const gate = text(attemptFiles.begun)
  const exitPath = join(dir, attemptFiles.exit)
  const exitText = text(attemptFiles.exit) || null
  return {
    number,
    // Empty: a power loss came before it was on the disk.
    claim: parsed(problems, `attempts/${number}/claim.json`, text(attemptFiles.claim) || null, (v) =>
      claimSchema.parse(v),
    ),
    begun: gate === null ? 'no' : gate.startsWith('called-off') ? 'called-off' : 'launched',
    launcher: gate === null ? null : parseSelf(gate),
    shellPid: gate === null ? null : parentIn(gate),
    agent: parseSelf(text(attemptFiles.process) ?? ''),
    exit: parsed(problems, `attempts/${number}/exit.json`, exitText, (v) => exitRecordSchema.parse(v)),
    exitAt: exitText === null ? null : unless(['ENOENT'], null, () => statSync(exitPath).mtime.toISOString()),
    problems,
  }
}

/** Whether an attempt's exit record is there. */
export function hasExit(task: string, number: number): boolean {
  const path = join(files.attempt(task, number), attemptFiles.exit)
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0
}

function parsed<T>(
  problems: string[],
  what: string,
  text: string | null,
  parse: (value: unknown) => T,
): T | null {
  if (text === null) return null
  try {
    return parse(JSON.parse(text))
  } catch {
    problems.push(`${what} cannot be read`)
    return null
  }
}
