import { list, obj, str } from './json.ts'

/** One message of a stored conversation, as far as it matters here: what a user said, or anything that answers. */
export type Stored = { readonly said: string } | 'answer'

/** Whether a user said this and nothing has answered since. What a user said after it changes nothing. Pure. */
export function isUnanswered(messages: readonly Stored[], prompt: string): boolean {
  const wanted = prompt.trim()
  const asked = messages.findLastIndex((one) => one !== 'answer' && one.said.trim() === wanted)
  return asked >= 0 && !messages.slice(asked).includes('answer')
}

/** The text of a message's content: a string, or parts of which those of these types hold text. Null: there is none. Pure. */
export function textOf(content: unknown, ...types: readonly string[]): string | null {
  if (typeof content === 'string') return content
  const parts = list(content).map(obj)
  const texts = parts.flatMap((part) =>
    types.includes(str(part?.type) ?? '') ? (str(part?.text) ?? []) : [],
  )
  return texts.length === 0 ? null : texts.join('\n')
}
