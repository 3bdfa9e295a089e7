import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { claimed } from '../../test/fixtures/entries.ts'
import { AGENTS, type AgentName } from '../agents/driver.ts'
import { driverFor } from '../agents/index.ts'
import { summarize } from '../agents/summary.ts'
import type { Entry } from './schema.ts'
import { totalUsage, type Used } from './usage.ts'

const usage = (inputTokens: number | null, costUsd: number | null = null) => ({
  inputTokens,
  cachedInputTokens: 0,
  outputTokens: 1,
  costUsd,
})
const used = (attempt: number, tokens: number | null, usageIsCumulative = false): Used => ({
  attempt,
  usage: tokens === null ? null : usage(tokens),
  usageIsCumulative,
})
const anew = (attempt: number): Entry => ({ ...claimed(attempt, 0), how: 'restart' }) as Entry

describe('what a task has used', () => {
  it.each<[string, Used[], Entry[], number | null | undefined]>([
    ['nothing is known', [], [], undefined],
    ['nobody said', [used(1, null), used(2, null)], [], undefined],
    ['each attempt for itself', [used(1, 10), used(2, 30)], [], 40],
    ['one did not live to say', [used(1, null), used(2, 30)], [], 30],
    ['the conversation as a whole', [used(1, 10, true), used(2, 30, true)], [], 30],
    ['the last did not live to say', [used(1, 10, true), used(2, null)], [], 10],
    ['a conversation that was lost, and another', [used(1, 10, true), used(2, 30, true)], [anew(2)], 40],
    ['and that one went on', [used(1, 10, true), used(2, 30, true), used(3, 70, true)], [anew(2)], 80],
  ])('%s', (_, attempts, entries, tokens) => {
    expect(totalUsage(attempts, entries)?.inputTokens).toBe(tokens)
  })

  it('is unknown where it is unknown of all, and else what is known', () => {
    expect(totalUsage([{ attempt: 1, usage: usage(null) }], [])?.inputTokens).toBeNull()
    const some = [
      { attempt: 1, usage: usage(1, 0.25) },
      { attempt: 2, usage: usage(null, null) },
    ]
    expect(totalUsage(some, [])).toMatchObject({ inputTokens: 1, outputTokens: 2, costUsd: 0.25 })
  })
})

/** An attempt's recorded output (test/agents/record.mjs): each request of the model takes 100 tokens and gives 20. */
async function recorded(agent: AgentName, attempt: number, name: string): Promise<Used> {
  const path = join(import.meta.dirname, '../../test/fixtures/events', agent, `${name}.jsonl`)
  const driver = await driverFor(agent)
  const events = readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => driver.parse(line))
  return { attempt, ...summarize(events) }
}

describe('of recorded runs', () => {
  // Killed in its second step, and continued by three more requests. Claude Code and Codex say what they used at an end that they
  // live to see; Codex then counts the first run in.
  it.each<[AgentName, number | undefined, number, number, number | null]>([
    ['claude', undefined, 300, 60, 0.003],
    ['codex', undefined, 400, 80, null],
    ['opencode', 100, 400, 80, 0.0024],
    ['pi', 200, 500, 100, 0],
  ])('%s', async (agent, whenKilled, inputTokens, outputTokens, costUsd) => {
    const killed = await recorded(agent, 1, 'killed-mid-tool')
    const resumed = await recorded(agent, 2, 'resumed')
    expect(totalUsage([killed], [])?.inputTokens).toBe(whenKilled)
    expect(totalUsage([killed, resumed], [])).toMatchObject({
      inputTokens,
      outputTokens,
      costUsd: costUsd === null ? null : expect.closeTo(costUsd, 6),
    })
  })

  it.each(AGENTS)('%s: a turn and a follow-up', async (agent) => {
    const [one, two] = [await recorded(agent, 1, 'done'), await recorded(agent, 2, 'done')]
    const both = totalUsage([one, two], [])?.inputTokens
    expect(both).toBe(one.usageIsCumulative ? 400 : 800)
  })
})
