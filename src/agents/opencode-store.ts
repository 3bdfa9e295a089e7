import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { readOwn } from '../system/durable.ts'
import { randomId } from '../system/random.ts'
import type { LaunchRequest, ResumePlan, Run, Said } from './driver.ts'
import type { EventSummary } from './event.ts'
import { list, obj, parseObject, str } from './json.ts'
import { plainLines } from './opencode-pi-common.ts'
import { isUnanswered, type Stored, textOf } from './unanswered.ts'

// What opencode 1.18.33 has stored of a conversation, asked through its own commands (1.1 to 1.4 s each).

/** The session is found again by this: opencode keeps a title that it was given. */
export function titleOf(request: LaunchRequest): string {
  return `rca ${request.session} ${request.taskId.slice(0, 8)}`
}

/**
 * opencode makes a session 0.4 s before it has stored the prompt in it, and prints nothing before the first answer: an
 * attempt that showed no work may have left a session without a prompt, which must be sent again.
 */
export async function planOpencodeResume(
  request: LaunchRequest,
  sessionId: string | null,
  said: Said,
  run: Run,
): Promise<ResumePlan> {
  if (sessionId && isBegun(await said(isBegun))) return { kind: 'resume', sessionId, note: null }
  const found = sessionId ? [sessionId] : await sessionsTitled(request, run)
  if (typeof found === 'string') return unreadable(found)
  for (const id of found) {
    const stored = await hasPrompt(request, id, run)
    if (typeof stored === 'string') return unreadable(stored)
    if (stored) return { kind: 'resume', sessionId: id, note: sessionId ? null : `found by its title: ${id}` }
  }
  const [id] = found
  if (id) return { kind: 'restart', sessionId: id, why: `opencode session ${id} has no prompt yet` }
  return { kind: 'restart', sessionId: null, why: 'opencode had stored no session' }
}

/**
 * Whether the session ends with this prompt. The export goes into a file: into a pipe it is cut at 128 KiB. The message that is
 * to be the answer is there, without a word in it, as soon as the model is asked.
 */
export async function awaitsOpencodeAnswer(
  request: LaunchRequest,
  id: string,
  prompt: string,
  run: Run,
): Promise<boolean> {
  const path = join(request.taskDir, `.export.${randomId()}`)
  const script = 'umask 077; path=$1; shift; exec "$@" > "$path"'
  const argv = ['/bin/sh', '-c', script, 'sh', path, ...commandOf(request), 'export', id]
  try {
    const { exit } = await run(argv, { cwd: request.cwd, env: request.env, timeoutMs: TIMEOUT_MS })
    const session = isOk(exit) ? parseObject(readOwn(path) ?? '') : null
    return isUnanswered(list(session?.messages).flatMap(asStored), prompt)
  } finally {
    rmSync(path, { force: true })
  }
}

function asStored(message: unknown): Stored[] {
  const parts = list(obj(message)?.parts).map(obj)
  const said = textOf(parts, 'text')
  if (obj(obj(message)?.info)?.role === 'user') return said === null ? [] : [{ said }]
  return said || parts.some((part) => part?.type === 'tool') ? ['answer'] : []
}

function unreadable(why: string): ResumePlan {
  const hint = 'Try `opencode session list` in the project, then `rca resume` again. Nothing was started.'
  return { kind: 'impossible', why, hint }
}

/**
 * The ids of this task's sessions, the last used first, or what went wrong. Without `-n` opencode stops at 100
 * sessions; it lists those of the whole project (outside git: of all folders), and nothing at all where there is none.
 */
async function sessionsTitled(request: LaunchRequest, run: Run): Promise<string[] | string> {
  const argv = [...commandOf(request), 'session', 'list', '--format', 'json', '-n', '1000000']
  const { exit, stdout, stderr } = await run(argv, {
    cwd: request.cwd,
    env: request.env,
    timeoutMs: TIMEOUT_MS,
  })
  if (!isOk(exit)) return `opencode session list failed: ${complaintIn(stderr)}`
  if (stdout.trim() === '') return []
  const sessions = parseObject(`{"all":${stdout}}`)?.all
  if (!Array.isArray(sessions)) return 'opencode session list gave no JSON'
  const title = titleOf(request)
  return list(sessions).flatMap((one) => {
    const session = obj(one)
    const id = session?.title === title ? str(session.id) : null
    return id ? [id] : []
  })
}

/**
 * Does the session hold a user's message with text in it? The export is looked at as text: it is cut at 128 KiB where it
 * goes into a pipe.
 */
async function hasPrompt(request: LaunchRequest, id: string, run: Run): Promise<boolean | string> {
  const options = { cwd: request.cwd, env: request.env, timeoutMs: TIMEOUT_MS }
  const { exit, stdout, stderr } = await run([...commandOf(request), 'export', id], options)
  if (!isOk(exit) || !stdout.trimStart().startsWith('{')) {
    return `opencode export ${id} failed: ${complaintIn(stderr)}`
  }
  const messages = stdout.slice(stdout.indexOf('"messages":'))
  return /"role":\s*"user"/.test(messages) && /"type":\s*"text",\s*"text":\s*"[^"]/.test(messages)
}

const commandOf = (request: LaunchRequest) => request.command ?? ['opencode']

/** opencode prints a broken configuration file between marks, after the line that says so. */
function complaintIn(stderr: string): string {
  const lines = plainLines(stderr)
  return lines.find((line) => /error|not valid/i.test(line)) ?? lines.at(-1) ?? 'no reason given'
}

const TIMEOUT_MS = 60_000

function isOk(exit: Awaited<ReturnType<Run>>['exit']): boolean {
  return exit !== null && 'code' in exit && exit.code === 0
}

const isBegun = (summary: EventSummary) => summary.messages + summary.toolsStarted > 0
