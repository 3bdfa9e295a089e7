import { describe, expect, it } from 'vitest'
import type { SendResult } from '../../src/commands/send.ts'
import { AGENTS, makeWorld, onGo, quick, type World } from './world.ts'

const SECOND = 'Now the second thing, too.'
const THIRD = 'And the third thing.'

async function send(world: World, name: string, text: string): Promise<SendResult> {
  return JSON.parse((await world.ok(['send', name, text, ...world.keyOptions, '--json'])).stdout)
}

/** How often a text is in what the model was told. */
const times = (text: string, where: readonly string[] | undefined) =>
  (where ?? []).join('\n').split(text).length - 1

describe.concurrent.each(AGENTS)('%s', (agent) => {
  it('what is sent while it works is the next turn of the same conversation, in order', async (test) => {
    const world = await makeWorld(agent, { default: { steps: [onGo(1)] } }, test)
    const name = await world.start('talk', 'Do the first thing.')
    expect(await send(world, name, SECOND)).toMatchObject({ answer: 'queued', before: 0 })
    expect(await send(world, name, THIRD)).toMatchObject({ answer: 'queued', before: 1 })
    world.go()
    const status = await world.done(name)
    expect(status).toMatchObject({ state: 'done', attempts: 3, queuedFollowUps: 0 })
    const asked = world.requestsSince(0)
    expect(new Set(asked.map((one) => one.conversation)).size).toBe(1)
    const turns = asked.map((one) => [SECOND, THIRD].map((text) => times(text, one.userTexts)).join())
    // None of both while the first turn runs, then the one, then both: never a text twice.
    expect([...new Set(turns)]).toEqual(['0,0', '1,0', '1,1'])
    expect(asked.at(-1)?.userTexts.join('\n')).toMatch(
      /Do the first thing\.[\s\S]*Now the[\s\S]*And the third/,
    )
    expect(asked.at(-1)?.done).toEqual(['STEP-OK-1'])
    expect(world.ledger()).toEqual(['1'])
    // The model server counts 100 tokens in and 20 out for each request.
    const [inputTokens, outputTokens] = [100 * asked.length, 20 * asked.length]
    expect(status.usage).toMatchObject({ inputTokens, outputTokens })
    const result = JSON.parse((await world.ok(['result', name, '--json'])).stdout)
    expect(result).toMatchObject({ usage: status.usage, exit: { code: 0 }, denials: [] })
    expect(result.message).toContain('ALL-DONE')
    expect((await world.ok(['result', name])).stdout.trim()).toBe(result.message.trim())
  })

  it('what is sent to a task that is done is begun at once', async (test) => {
    const world = await makeWorld(agent, { default: { steps: [quick(1)] } }, test)
    const name = await world.start('after', 'Do the first thing.')
    const first = await world.done(name)
    const before = world.server.requests.length
    expect(await send(world, name, SECOND)).toMatchObject({ answer: 'started', followUp: { attempt: 2 } })
    const { agentSessionId } = first
    expect(await world.done(name)).toMatchObject({ state: 'done', attempts: 2, agentSessionId })
    expect(world.requestsSince(before)[0]?.userTexts.join('\n')).toMatch(
      /Do the first thing[\s\S]*Now the second/,
    )
  })

  it('killed before its answer, a follow-up is not said twice', async (test) => {
    const world = await makeWorld(agent, { default: { steps: [quick(1)] } }, test)
    const name = await world.start('once', 'Do the first thing.')
    await world.done(name)
    world.server.setScript('default', { steps: [quick(1), quick(2)], faults: { kind: 'hold', times: 1 } })
    await send(world, name, SECOND)
    await world.server.waitFor((one) => one.held)
    await world.crash(name)
    const before = world.server.requests.length
    await world.resume(name)
    expect(await world.done(name)).toMatchObject({ state: 'done', attempts: 3 })
    expect(times(SECOND, world.requestsSince(before)[0]?.userTexts)).toBe(1)
    expect(world.ledger()).toEqual(['1', '2'])
  })
})
