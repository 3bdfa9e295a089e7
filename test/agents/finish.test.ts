import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { until } from '../e2e/harness.ts'
import { AGENTS, makeWorld, quick } from './world.ts'

const THREE = { steps: [quick(1), quick(2), quick(3)] }

describe.concurrent.each(AGENTS)('%s', (agent) => {
  it('a task of three steps', async (test) => {
    const world = await makeWorld(agent, { default: THREE }, test)
    const name = await world.start('three', 'Do the three steps.')
    const status = await world.done(name)
    expect(status).toMatchObject({ state: 'done', reason: null, attempts: 1, exit: { code: 0 } })
    expect(status.lastMessage).toContain('ALL-DONE after 3 steps.')
    expect(world.ledger()).toEqual(['1', '2', '3'])
    const file = (one: string) => join(status.taskDir ?? '', one)
    expect(existsSync(file('done'))).toBe(true)
    expect(readFileSync(file('session-id'), 'utf8').trim()).toBe(status.agentSessionId)
    // The pane lags behind by what it takes to show the last lines.
    const markers = async () => {
      const pane = (await world.ok(['logs', name, '--pane'])).stdout.split('\n')
      const found = pane.filter((line) => line === '__TASK_DONE__')
      return found.length > 0 && found
    }
    expect(await until(markers, 'the marker')).toHaveLength(1)
    expect((await world.ok(['logs', name])).stdout).toContain('ALL-DONE after 3 steps.')
  })

  it('a follow-up on a task that is done', async (test) => {
    const world = await makeWorld(agent, { default: THREE }, test)
    const name = await world.start('more', 'Do the three steps.')
    const first = await world.done(name)
    const asked = world.server.requests.length
    world.server.setScript('default', { steps: [quick(1), quick(2), quick(3), quick(4)] })
    await world.resume(name, ['-p', 'Now the fourth, too.'])
    const second = await world.done(name)
    expect(second).toMatchObject({ state: 'done', attempts: 2, agentSessionId: first.agentSessionId })
    expect(world.ledger()).toEqual(['1', '2', '3', '4'])
    const [followUp] = world.requestsSince(asked)
    expect(followUp).toMatchObject({ answer: 'step 4', done: ['STEP-OK-1', 'STEP-OK-2', 'STEP-OK-3'] })
    expect(followUp?.conversation).toBe(world.server.requests[0]?.conversation)
    expect(followUp?.userTexts.join('\n')).toMatch(/Do the three steps\.[\s\S]*Now the fourth, too\./)
  })

  it('a follow-up killed before its answer', async (test) => {
    const world = await makeWorld(agent, { default: THREE }, test)
    const name = await world.start('lost', 'Do the three steps.')
    const { agentSessionId } = await world.done(name)
    const steps = [quick(1), quick(2), quick(3), quick(4)]
    world.server.setScript('default', { steps, faults: { kind: 'hold', times: 1 } })
    await world.resume(name, ['-p', 'Now the fourth, too.'])
    await world.server.waitFor((one) => one.held)
    await world.crash(name)
    const asked = world.server.requests.length
    await world.resume(name)
    expect(await world.done(name)).toMatchObject({ state: 'done', attempts: 3, agentSessionId })
    expect(world.requestsSince(asked)[0]?.userTexts.join('\n')).toContain('Now the fourth, too.')
    expect(world.ledger()).toEqual(['1', '2', '3', '4'])
  })
})
