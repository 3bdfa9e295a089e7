import { describe, expect, it } from 'vitest'
import { AGENTS, carriers, INTERRUPTED, makeWorld, onGo, quick, stuckOnce } from './world.ts'

describe.concurrent.each(AGENTS)('%s', (agent) => {
  it('kill during a tool call, then resume', async (test) => {
    const world = await makeWorld(agent, { default: INTERRUPTED }, test)
    const name = await world.start('kill', 'Do the three steps.')
    await world.untilFile('began-2')
    const { agentSessionId, ...running } = await world.status(name)
    expect(carriers(running).length).toBeGreaterThan(1)
    await world.ok(['kill', name])
    expect(carriers(running)).toEqual([])
    expect(world.tmux(['has-session', '-t', `=${name}`]).status).not.toBe(0)
    expect(await world.status(name)).toMatchObject({ state: 'killed', processes: [], pid: null })
    // Said again, it is no error.
    await world.ok(['kill', name])
    const asked = world.server.requests.length
    await world.resume(name)
    expect(await world.done(name)).toMatchObject({ state: 'done', attempts: 2, agentSessionId })
    expect(world.requestsSince(asked)[0]).toMatchObject({ answer: 'step 2', done: ['STEP-OK-1'] })
    expect(world.ledger()).toEqual(['1', '2', '3'])
  })

  it('two resumes at once', async (test) => {
    const script = { steps: [quick(1), stuckOnce(2), onGo(3)] }
    const world = await makeWorld(agent, { default: script }, test)
    const name = await world.start('both', 'Do the three steps.')
    await world.untilFile('began-2')
    const dead = await world.crash(name)
    const args = ['resume', name, ...world.keyOptions, '--json']
    const both = await Promise.all([world.rca(args), world.rca(args)])
    expect(both.map((one) => one.code)).toEqual([0, 0])
    expect(both.filter((one) => one.stderr.includes('nothing to do'))).toHaveLength(1)
    expect(await world.status(name)).toMatchObject({ attempts: 2, attemptList: { length: 2 } })
    expect(carriers(dead, 3)).toEqual([])
    world.go()
    const { agentSessionId } = dead
    expect(await world.done(name)).toMatchObject({ state: 'done', attempts: 2, agentSessionId })
    expect(world.ledger()).toEqual(['1', '2', '3'])
  })

  it('two starts of one name at once', async (test) => {
    const world = await makeWorld(agent, { default: { steps: [onGo(1), quick(2)] } }, test)
    const args = world.startArgs('both', ['-p', 'Do the two steps.'])
    const both = await Promise.all([world.rca(args), world.rca(args)])
    expect(both.map((one) => one.code).sort()).toEqual([0, 5])
    const tasks = JSON.parse((await world.ok(['list', '--all', '--json'])).stdout)
    expect(tasks).toHaveLength(1)
    world.go()
    expect(await world.done(`${agent}-both`)).toMatchObject({ state: 'done', attempts: 1 })
    expect(world.ledger()).toEqual(['1', '2'])
    expect(new Set(world.requestsSince(0).map((one) => one.conversation)).size).toBe(1)
  })
})
