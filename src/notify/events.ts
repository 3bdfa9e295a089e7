/** What can be heard of a task. */
export const EVENTS = [
  'started',
  'progress',
  'crashed',
  'resumed',
  'waiting',
  'stalled',
  'done',
  'failed',
  'gave-up',
  'killed',
] as const
export type NoticeEvent = (typeof EVENTS)[number]

/** What is heard of unless somebody says otherwise: that it is over. */
export const DEFAULT_EVENTS: readonly NoticeEvent[] = ['done', 'failed', 'gave-up']

/** Words that stand for several events. */
const GROUPS = {
  all: EVENTS,
  failures: ['failed', 'gave-up'],
} as const satisfies Record<string, readonly NoticeEvent[]>

export const EVENT_WORDS: readonly string[] = [...EVENTS, ...Object.keys(GROUPS)]

/** The events that words stand for, each once, in the order of EVENTS; null: a word stands for none. Pure. */
export function eventsOf(words: readonly string[]): NoticeEvent[] | null {
  const wanted = new Set<string>()
  for (const word of words) {
    if (!EVENT_WORDS.includes(word)) return null
    for (const one of word in GROUPS ? GROUPS[word as keyof typeof GROUPS] : [word]) wanted.add(one)
  }
  return EVENTS.filter((one) => wanted.has(one))
}
