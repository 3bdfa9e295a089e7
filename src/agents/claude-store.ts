import { open, readdir, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { obj, parseObject } from './json.ts'
import { type Stored as Message, textOf } from './unanswered.ts'

/** `usable`: a complete message is stored, so it can be resumed. `empty`: the file is there and holds none. */
export type Stored =
  | { readonly kind: 'absent' }
  | { readonly kind: 'usable' | 'empty'; readonly file: string }

/** Surely holds the prompt: not read to the end for that. */
const LARGE = 8 * 1024 * 1024

/** Where Claude Code keeps its state: `$CLAUDE_CONFIG_DIR`, else `~/.claude`. Null where neither is known. */
export function claudeHome(env: Readonly<Record<string, string>>): string | null {
  if (env.CLAUDE_CONFIG_DIR) return env.CLAUDE_CONFIG_DIR
  return env.HOME ? join(env.HOME, '.claude') : null
}

/** Looks for `projects/<directory, changed>/<uuid>.jsonl` (2.1.197) in every project: how it changes the name may vary. */
export async function findSession(home: string, id: string): Promise<Stored> {
  const projects = join(home, 'projects')
  let empty: string | null = null
  for (const name of await readdir(projects).catch(missing([]))) {
    const file = join(projects, name, `${id}.jsonl`)
    const size = await stat(file).then((found) => found.size, missing(null))
    if (size === null) continue
    if (size > LARGE || (await holdsMessage(file))) return { kind: 'usable', file }
    empty = file
  }
  return empty === null ? { kind: 'absent' } : { kind: 'empty', file: empty }
}

/** Out of the way but kept: as long as the file is there, the id counts as in use. */
export async function setAside(file: string): Promise<string> {
  const aside = `${file}.unused`
  await rename(file, aside)
  return aside
}

/**
 * Claude Code 2.1.197 goes on from the message that the newest `last-prompt` of the file names. It writes that line at an end that
 * it lives to see, SIGTERM and SIGHUP among them, and not when it is killed: what a run did that was killed after such an end
 * would be forgotten, and done again. Adds the line where messages follow the newest one. True: it was missing.
 */
export async function markEnd(file: string, sessionId: string): Promise<boolean> {
  const handle = await open(file, 'a+')
  try {
    const { size } = await handle.stat()
    const { buffer, bytesRead } = await handle.read({
      buffer: Buffer.alloc(Math.min(size, LARGE)),
      position: Math.max(0, size - LARGE),
    })
    const text = buffer.toString('utf8', 0, bytesRead)
    const line = missingMark(text, sessionId, size > LARGE)
    if (line === null) return false
    await handle.appendFile(text.endsWith('\n') ? line : `\n${line}`)
    await handle.sync()
    return true
  } finally {
    await handle.close()
  }
}

/** Pure. `cut`: the text is the end of a longer one, which may hold a mark. */
function missingMark(text: string, sessionId: string, cut: boolean): string | null {
  const records = text.split('\n').map(parseObject)
  const markAt = records.findLastIndex((one) => one?.type === 'last-prompt')
  const newestAt = records.findLastIndex((one) => isMessage(one) && one?.isSidechain !== true)
  if (newestAt <= markAt || (markAt < 0 && !cut)) return null
  const mark = { ...records[markAt], type: 'last-prompt', leafUuid: records[newestAt]?.uuid, sessionId }
  return `${JSON.stringify(mark)}\n`
}

/** What the conversation is made of: each names the one before it. */
function isMessage(record: ReturnType<typeof parseObject>): boolean {
  return typeof record?.uuid === 'string' && 'parentUuid' in record
}

/** What users and the model have said in a session, less what subagents have. A tool's result goes as a user's message, too. */
export async function messagesOf(file: string): Promise<Message[]> {
  const text = await readFile(file, 'utf8')
  return text.split('\n').flatMap((line): Message[] => {
    const record = parseObject(line)
    if (!isMessage(record) || record?.isSidechain === true || record?.isMeta === true) return []
    if (record?.type === 'assistant') return ['answer']
    if (record?.type !== 'user') return []
    const said = textOf(obj(record.message)?.content, 'text')
    return [said === null ? 'answer' : { said }]
  })
}

async function holdsMessage(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8')
  return text.split('\n').some((line) => {
    const type = parseObject(line)?.type
    return type === 'user' || type === 'assistant'
  })
}

/** Absent is an answer; unreadable is not, and must not be taken for "nothing there". */
function missing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return value
    throw error
  }
}
