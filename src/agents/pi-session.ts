import { closeSync, constants, fsyncSync, ftruncateSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { errno } from '../errors.ts'
import { openOwn, writeDurable } from '../system/durable.ts'
import { crypto } from '../system/lazy.ts'
import type { LaunchRequest, ResumePlan, Said } from './driver.ts'
import type { EventSummary } from './event.ts'
import { obj, parseObject } from './json.ts'
import { isUnanswered, type Stored, textOf } from './unanswered.ts'

// pi's session file, as pi 0.74.2 keeps it: JSON Lines, appended to; nothing is written before the first answer.

export function sessionFile(request: LaunchRequest): string {
  return join(request.taskDir, 'pi-session.jsonl')
}

/** pi takes the id from a header that is there already (and writes the header once more, which does no harm). */
export function writeHeader(request: LaunchRequest): string {
  const now = new Date().toISOString()
  const header = { type: 'session', version: 3, id: request.taskId, timestamp: now, cwd: request.cwd }
  writeDurable(sessionFile(request), `${JSON.stringify(header)}\n`)
  return request.taskId
}

export async function planPiResume(
  request: LaunchRequest,
  sessionId: string | null,
  said: Said,
): Promise<ResumePlan> {
  const content = readBytes(sessionFile(request))
  if (content?.includes('"role":"assistant"')) {
    const note = [mendHeader(request, content), mendTail(request)].filter((one) => one !== null).join('; ')
    return { kind: 'resume', sessionId: sessionId ?? request.taskId, note: note || null }
  }
  if (hasStarted(await said(hasStarted))) return lost(content === null)
  // The prompt may be in the file already: beside a second one it would be asked twice.
  if (content && content.toString().split('\n').length > 2) setAside(request, 'unanswered', content)
  return {
    kind: 'restart',
    sessionId: writeHeader(request),
    why: 'pi had stored no answer, so nothing was done',
  }
}

/** From the second prompt on pi stores a prompt before it asks the model. */
export async function awaitsPiAnswer(request: LaunchRequest, _: string, prompt: string): Promise<boolean> {
  const lines = (readBytes(sessionFile(request))?.toString() ?? '').split('\n')
  const messages = lines.flatMap((line): Stored[] => {
    const entry = parseObject(line)
    const message = entry?.type === 'message' ? obj(entry.message) : null
    if (!message) return []
    const said = message.role === 'user' ? textOf(message.content, 'text') : null
    return [said === null ? 'answer' : { said }]
  })
  return isUnanswered(messages, prompt)
}

function lost(missing: boolean): ResumePlan {
  return {
    kind: 'impossible',
    why: `pi ran tools, but its session file ${missing ? 'is gone' : 'holds no answer'}`,
    hint: 'Look at what was done (rca logs), then start a new task that goes on from there.',
  }
}

/** pi empties a file whose first line it cannot read as a header. */
function mendHeader(request: LaunchRequest, content: Buffer): string | null {
  const first = parseObject(content.subarray(0, content.indexOf('\n')).toString())
  if (first?.type === 'session' && typeof first.id === 'string') return null
  const kept = setAside(request, 'damaged', content)
  writeHeader(request)
  writeDurable(
    sessionFile(request),
    Buffer.concat([readBytes(sessionFile(request)) ?? Buffer.alloc(0), content]),
  )
  return `the header of the session file was unreadable and was written anew (old file: ${kept})`
}

/** pi would append to a line that a kill cut short, and lose the whole history at the resume after that. */
function mendTail(request: LaunchRequest): string | null {
  const content = readBytes(sessionFile(request)) ?? Buffer.alloc(0)
  const end = content.lastIndexOf('\n') + 1
  const tail = content.subarray(end)
  if (tail.length === 0) return null
  const whole = parseObject(tail.toString()) !== null
  const kept = whole ? null : setAside(request, 'cut', tail)
  change(sessionFile(request), (fd) => {
    if (whole) writeSync(fd, '\n', content.length)
    else ftruncateSync(fd, end)
  })
  return whole ? null : `a partial last line of ${tail.length} bytes was cut off (kept in ${kept})`
}

function change(path: string, work: (fd: number) => void): void {
  const fd = openOwn(path, constants.O_RDWR)
  try {
    work(fd)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Named by what it holds, so that doing it twice does no harm. */
function setAside(request: LaunchRequest, why: string, content: Uint8Array): string {
  const name = `pi-session.${why}-${crypto().createHash('sha256').update(content).digest('hex').slice(0, 8)}`
  writeDurable(join(request.taskDir, name), content)
  return name
}

function readBytes(path: string): Buffer | null {
  let fd: number
  try {
    fd = openOwn(path)
  } catch (error) {
    if (errno(error) === 'ENOENT') return null
    throw error
  }
  try {
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

const hasStarted = (summary: EventSummary) => summary.toolsStarted > 0
