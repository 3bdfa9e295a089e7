import type { Usage } from '../agents/event.ts'
import { ofType } from './entries.ts'
import type { Entry } from './schema.ts'

/** What one attempt is known to have used. */
export interface Used {
  readonly attempt: number
  readonly usage: Usage | null
  /** `usage` counts the whole conversation, earlier attempts included. */
  readonly usageIsCumulative?: boolean | undefined
}

/**
 * What a task has used: all its conversations together (one that was lost is begun anew, by a `restart`). Of a conversation that is
 * counted as a whole the last word holds, else its attempts are added up. What an agent did not say is not counted, and null where
 * it never said any. Pure.
 */
export function totalUsage(attempts: readonly Used[], entries: readonly Entry[]): Usage | null {
  const anew = new Set(
    ofType(entries, 'attempt-claimed').flatMap((one) => (one.how === 'restart' ? one.attempt : [])),
  )
  const conversations: Used[][] = [[]]
  for (const one of [...attempts].sort((a, b) => a.attempt - b.attempt)) {
    if (anew.has(one.attempt)) conversations.push([])
    conversations.at(-1)?.push(one)
  }
  return sumUsage(conversations.map(ofConversation))
}

function ofConversation(attempts: readonly Used[]): Usage | null {
  const whole = attempts.findLast((one) => one.usage !== null && one.usageIsCumulative)
  return whole ? whole.usage : sumUsage(attempts.map((one) => one.usage))
}

/** What is unknown of one is not counted; what is unknown of all stays so. Pure. */
function sumUsage(all: readonly (Usage | null)[]): Usage | null {
  const known = all.filter((one) => one !== null)
  if (known.length === 0) return null
  const sum = (key: keyof Usage) => {
    const values = known.map((one) => one[key]).filter((value) => value !== null)
    return values.length === 0 ? null : values.reduce((a, b) => a + b, 0)
  }
  return {
    inputTokens: sum('inputTokens'),
    cachedInputTokens: sum('cachedInputTokens'),
    outputTokens: sum('outputTokens'),
    costUsd: sum('costUsd'),
  }
}
