/**
 * What every agent's own events are translated into. One line of an agent's JSONL gives zero, one or several of these.
 * `at` is the RFC 3339 time that the agent itself put on the line; most agents put none.
 */
export type AgentEvent = { readonly at?: string } & (
  | { readonly kind: 'session'; readonly id: string }
  /** A turn began: the agent has read its prompt and is about to ask the model. */
  | { readonly kind: 'turn' }
  | { readonly kind: 'message'; readonly role: 'assistant' | 'user'; readonly text: string }
  | {
      readonly kind: 'tool-started'
      readonly id: string
      readonly name: string
      /** What the tool was asked, in one string (a command line, a file name, compact JSON). */
      readonly input: string
    }
  | {
      readonly kind: 'tool-finished'
      readonly id: string
      readonly name: string | null
      readonly ok: boolean
      readonly output: string
    }
  /** `cumulative`: counts the whole conversation so far, so it replaces what was known rather than adds to it. */
  | { readonly kind: 'usage'; readonly usage: Usage; readonly cumulative?: true }
  /** The agent will try the model again by itself. */
  | { readonly kind: 'retry'; readonly message: string; readonly delayMs: number | null }
  /** Something the agent refused to do by itself for lack of permission. */
  | { readonly kind: 'denied'; readonly message: string }
  /** An error the agent reported; whether it ended the run is said by `finished`. */
  | { readonly kind: 'error'; readonly message: string }
  | {
      readonly kind: 'finished'
      readonly outcome: 'completed' | 'failed' | 'interrupted'
      readonly message: string | null
    }
)

/** Tokens, and US dollars where the agent states a price. Null is unknown. */
export interface Usage {
  readonly inputTokens: number | null
  readonly cachedInputTokens: number | null
  readonly outputTokens: number | null
  readonly costUsd: number | null
}

/** One attempt's events folded into what a verdict needs. */
export interface EventSummary {
  readonly sessionId: string | null
  /** The last `finished` event, unless the agent worked on after it. */
  readonly final: Extract<AgentEvent, { kind: 'finished' }> | null
  readonly lastError: string | null
  readonly lastMessage: string | null
  readonly denials: readonly string[]
  readonly usage: Usage | null
  /** `usage` counts the whole conversation, earlier attempts included. */
  readonly usageIsCumulative: boolean
  readonly messages: number
  readonly toolsStarted: number
  readonly toolsFinished: number
  readonly retries: number
  /** How many events were seen in all. */
  readonly events: number
}
