import { readdirSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unless } from '../errors.ts'
import { obj, parseObject } from './json.ts'
import { type Stored, textOf } from './unanswered.ts'

/** Where codex keeps its state: `$CODEX_HOME`, else `~/.codex`. Null where neither is known. */
export function codexHome(env: Readonly<Record<string, string>>): string | null {
  if (env.CODEX_HOME) return env.CODEX_HOME
  return env.HOME ? join(env.HOME, '.codex') : null
}

/**
 * The file of a thread, `sessions/YYYY/MM/DD/rollout-<time>-<thread id>.jsonl` (codex-cli 0.169.0), newest day first;
 * null where there is none or it is empty. Resuming needs this file alone, and copes with a torn last line.
 */
export async function findRollout(home: string, threadId: string): Promise<string | null> {
  for (const day of daysOf(join(home, 'sessions'))) {
    const name = names(day).find((one) => one.startsWith('rollout-') && one.includes(threadId))
    if (name && sizeOf(join(day, name)) > 0) return join(day, name)
  }
  return null
}

/** The folders of all days, the newest first. No further than it is asked: there may be years of them. */
function* daysOf(root: string): Generator<string> {
  for (const year of newestFirst(root)) {
    for (const month of newestFirst(join(root, year)))
      for (const day of newestFirst(join(root, year, month))) yield join(root, year, month, day)
  }
}

const newestFirst = (folder: string) =>
  names(folder)
    .filter((name) => /^\d+$/.test(name))
    .sort()
    .reverse()
/** Absent is an answer; unreadable is not, and must not be taken for "nothing there". */
const names = (folder: string) => unless(['ENOENT', 'ENOTDIR'], [] as string[], () => readdirSync(folder))
const sizeOf = (path: string) => unless(['ENOENT', 'ENOTDIR'], 0, () => statSync(path).size)

/**
 * Whether the model has answered anything in this thread. The file begins before the prompt is in it: of 40 threads killed
 * in their first 50 ms (0.169.0), 25 could be resumed but knew nothing of what they had been asked.
 */
export async function holdsAnswer(rollout: string): Promise<boolean> {
  const text = await readFile(rollout, 'utf8')
  return text.split('\n').some((line) => {
    const event = parseObject(line)
    if (event?.type !== 'response_item') return false
    const item = obj(event.payload)
    return item !== null && (item.type !== 'message' || item.role === 'assistant')
  })
}

/** What users and the model have said in this thread. Codex puts words of its own, as a user, in front of a prompt. */
export async function messagesOf(rollout: string): Promise<Stored[]> {
  const text = await readFile(rollout, 'utf8')
  return text.split('\n').flatMap((line): Stored[] => {
    const event = parseObject(line)
    const item = event?.type === 'response_item' ? obj(event.payload) : null
    if (!item) return []
    if (item.type !== 'message' || item.role === 'assistant') return ['answer']
    const said = item.role === 'user' ? textOf(item.content, 'input_text') : null
    return said === null ? [] : [{ said }]
  })
}
