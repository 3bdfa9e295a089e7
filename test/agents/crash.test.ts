import { describe, expect, it } from 'vitest'
import { AGENTS, carriers, INTERRUPTED, makeWorld, quick, stuckOnce, until, type World } from './world.ts'

const PROMPT = 'Do the three steps, one after the other.'

/** What went on is the old conversation: the model gets the prompt and the first step's result, and is at the second step. */
function expectContinued(world: World, asked: number): void {
  const before = world.server.requests[0]
  const [next, ...rest] = world.requestsSince(asked)
  expect(next).toMatchObject({ answer: 'step 2', done: ['STEP-OK-1'], conversation: before?.conversation })
  expect(next?.userTexts.join('\n')).toContain(PROMPT)
  expect([next, ...rest].map((one) => one?.answer)).not.toContain('step 1')
  expect(world.ledger()).toEqual(['1', '2', '3'])
}

describe.concurrent.each(AGENTS)('%s', (agent) => {
  it('SIGKILL during a tool call, then resume', async (test) => {
    const world = await makeWorld(agent, { default: INTERRUPTED }, test)
    const name = await world.start('crash', PROMPT)
    await world.untilFile('began-2')
    const dead = await world.crash(name)
    expect(dead).toMatchObject({ state: 'failed', attempts: 1, exit: { signal: 'SIGKILL' } })
    const asked = world.server.requests.length
    await world.resume(name)
    // The tool of the dead agent (and codex itself, of which only the launcher died) would do its step as well.
    expect(carriers(dead, 1)).toEqual([])
    const status = await world.done(name)
    expect(status).toMatchObject({ state: 'done', attempts: 2, agentSessionId: dead.agentSessionId })
    expect(status.agentSessionId).not.toBeNull()
    expectContinued(world, asked)
  })

  it('SIGKILL twice, in the second and the third step', async (test) => {
    const script = { steps: [quick(1), stuckOnce(2), stuckOnce(3)] }
    const world = await makeWorld(agent, { default: script }, test)
    const name = await world.start('twice', PROMPT)
    await world.untilFile('began-2')
    const { agentSessionId } = await world.crash(name)
    const asked = world.server.requests.length
    await world.resume(name)
    await world.untilFile('began-3')
    await world.crash(name)
    await world.resume(name)
    expect(await world.done(name)).toMatchObject({ state: 'done', attempts: 3, agentSessionId })
    expectContinued(world, asked)
  })

  it('SIGKILL before the first answer', async (test) => {
    const steps = [quick(1), quick(2), quick(3)]
    const hold = { kind: 'hold', times: 1 } as const
    const world = await makeWorld(agent, { default: { steps, faults: hold } }, test)
    const name = await world.start('early', PROMPT)
    await world.server.waitFor((one) => one.held)
    await world.crash(name)
    const asked = world.server.requests.length
    await world.resume(name)
    expect(await world.done(name)).toMatchObject({ state: 'done', attempts: 2 })
    const [first] = world.requestsSince(asked)
    expect(first?.userTexts.filter((text) => text.includes(PROMPT))).toHaveLength(1)
    expect(world.ledger()).toEqual(['1', '2', '3'])
  })

  it('the tmux server killed during a tool call', async (test) => {
    const world = await makeWorld(agent, { default: INTERRUPTED }, test)
    const name = await world.start('tmux', PROMPT)
    await world.untilFile('began-2')
    const { agentSessionId } = await world.status(name)
    process.kill(Number(world.tmux(['display-message', '-p', '#{pid}']).stdout), 'SIGKILL')
    await until('the end of the agent', async () => (await world.status(name)).pid === null)
    expect(await world.failed(name)).toMatchObject({ session: { exists: false } })
    const asked = world.server.requests.length
    await world.resume(name)
    const status = await world.done(name)
    expect(status).toMatchObject({ state: 'done', attempts: 2, agentSessionId, session: { exists: true } })
    expectContinued(world, asked)
  })
})
