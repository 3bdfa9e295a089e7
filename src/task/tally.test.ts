import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AgentEvent } from '../agents/event.ts'
import { summarize } from '../agents/summary.ts'
import { type AgentError, addError, addOutput, joined, NOTHING_SAID, summaryOf } from './tally.ts'

const word = fc.constantFrom('a', 'b', 'c')
const tokens = fc.option(fc.integer({ min: 0, max: 9 }), { nil: null })
const usage = fc.record({
  inputTokens: tokens,
  cachedInputTokens: tokens,
  outputTokens: tokens,
  costUsd: tokens,
})
const error = word.map((message): AgentError => ({ kind: 'error', message }))
const event: fc.Arbitrary<AgentEvent> = fc.oneof(
  error,
  word.map((id) => ({ kind: 'session', id }) as const),
  fc.constant({ kind: 'turn' } as const),
  fc.record({ kind: fc.constant('message'), role: fc.constantFrom('assistant', 'user'), text: word }),
  word.map((id) => ({ kind: 'tool-started', id, name: id, input: '' }) as const),
  word.map((id) => ({ kind: 'tool-finished', id, name: null, ok: true, output: '' }) as const),
  usage.map((one) => ({ kind: 'usage', usage: one }) as const),
  usage.map((one) => ({ kind: 'usage', usage: one, cumulative: true }) as const),
  word.map((message) => ({ kind: 'retry', message, delayMs: null }) as const),
  word.map((message) => ({ kind: 'denied', message }) as const),
  fc
    .constantFrom('completed', 'failed')
    .map((outcome) => ({ kind: 'finished', outcome, message: null }) as const),
)
const events = fc.array(event, { maxLength: 10 })
const errors = fc.array(error, { maxLength: 4 })

function tallyOf(said: readonly AgentEvent[], onStderr: readonly AgentError[]) {
  return onStderr.reduce(addError, said.reduce(addOutput, NOTHING_SAID))
}

describe('a tally', () => {
  it('comes to what a summary of all events says, in however many parts they come', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(events, errors), { maxLength: 5 }), (parts) => {
        const all = [...parts.flatMap(([said]) => said), ...parts.flatMap(([, onStderr]) => onStderr)]
        const whole = parts.map(([said, onStderr]) => tallyOf(said, onStderr)).reduce(joined, NOTHING_SAID)
        expect(summaryOf(whole)).toEqual(summarize(all))
      }),
      { numRuns: 2_000 },
    )
  })
})
