import { describe, expect, it } from 'vitest'
import { AGENTS, type AgentName, makeWorld, onGo, quick } from './world.ts'

const STEPS = [quick(1), quick(2), quick(3)]

/** What each says of a flag that it does not know, on the versions of the lock file; opencode just prints its help. */
const UNKNOWN_FLAG: Record<AgentName, RegExp> = {
  codex: /unexpected argument '--no-such-flag'/,
  claude: /unknown option '--no-such-flag'/,
  opencode: /did not understand its arguments and printed its help/,
  pi: /Unknown option: --no-such-flag/,
}

describe.concurrent.each(AGENTS)('%s', (agent) => {
  it('an API that refuses, then is mended', async (test) => {
    const refuse = { kind: 'status', status: 400, step: 2, message: 'the scripted provider is shut' } as const
    const script = { steps: [onGo(1), quick(2), quick(3)], faults: refuse }
    const world = await makeWorld(agent, { default: script }, test)
    const name = await world.start('api', 'Do the three steps.')
    world.go()
    const failed = await world.failed(name)
    expect(failed).toMatchObject({ state: 'failed', attempts: 1 })
    expect(failed.reason).toContain('the scripted provider is shut')
    world.server.setFaults('default', [])
    await world.resume(name)
    const { agentSessionId } = failed
    expect(await world.done(name)).toMatchObject({ state: 'done', attempts: 2, agentSessionId })
    expect(world.ledger()).toEqual(['1', '2', '3'])
  })

  it('an API that refuses the first request', async (test) => {
    const refuse = { kind: 'status', status: 400, message: 'the scripted provider is shut' } as const
    const world = await makeWorld(agent, { default: { steps: STEPS, faults: refuse } }, test)
    // Whether the start says so or the task depends on how long the agent takes to be told.
    const start = await world.rca(world.startArgs('shut', ['-p', 'Do the three steps.']))
    const failed = await world.failed(`${agent}-shut`)
    expect(failed.state).toBe('failed')
    expect(failed.reason).toContain('the scripted provider is shut')
    if (start.code !== 0) expect(start.stderr).toContain('the scripted provider is shut')
    world.server.setFaults('default', [])
    await world.resume(`${agent}-shut`)
    expect(await world.done(`${agent}-shut`)).toMatchObject({ state: 'done', attempts: 2 })
    expect(world.ledger()).toEqual(['1', '2', '3'])
  })

  it('an API error that passes', async (test) => {
    const overloaded = { kind: 'status', status: 500, step: 2, times: 1 } as const
    const world = await makeWorld(agent, { default: { steps: STEPS, faults: overloaded } }, test)
    const name = await world.start('passes', 'Do the three steps.')
    expect(await world.done(name)).toMatchObject({ state: 'done', attempts: 1, reason: null })
    expect(world.server.requests.map((one) => one.answer)).toContain('status 500')
    expect(world.ledger()).toEqual(['1', '2', '3'])
  })

  it('a flag that the agent refuses', async (test) => {
    const world = await makeWorld(agent, { default: { steps: STEPS } }, test)
    const args = world.startArgs('flag', ['-p', 'Do the three steps.'], { agentArgs: ['--no-such-flag'] })
    const refused = await world.rca(args)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(UNKNOWN_FLAG[agent])
    expect(world.tmux(['has-session', '-t', `=${agent}-flag`]).status).not.toBe(0)
    expect(world.server.requests).toEqual([])
    const name = await world.start('flag', 'Do the three steps.')
    expect(await world.done(name)).toMatchObject({ state: 'done', attempts: 1 })
  })
})
