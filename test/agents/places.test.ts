import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { AGENTS, INTERRUPTED, makeWorld, onGo, quick, stuckOnce } from './world.ts'

const FOLDER = `my  project's "best" $(touch pwned) \`touch pwned\` #(touch pwned) #{pane_id} ä %s;`

describe.concurrent.each(AGENTS)('%s', (agent) => {
  it('a folder with a hostile name', async (test) => {
    const world = await makeWorld(agent, { default: INTERRUPTED }, test)
    const folder = join(dirname(world.home), FOLDER)
    mkdirSync(folder)
    const name = await world.start('folder', 'Do the three steps.', { cwd: folder })
    await world.untilFile('began-2', folder)
    const { cwd, agentSessionId } = await world.crash(name)
    expect(cwd).toBe(folder)
    await world.resume(name)
    expect(await world.done(name)).toMatchObject({ state: 'done', attempts: 2, agentSessionId })
    expect(world.ledger(folder)).toEqual(['1', '2', '3'])
    expect(readdirSync(folder).sort()).toEqual(['began-2', 'ledger'])
    for (const other of [world.project, world.home, dirname(world.home)])
      expect(existsSync(join(other, 'pwned'))).toBe(false)
  })

  it('an old tmux server with another environment', async (test) => {
    const script = { steps: [quick(1), stuckOnce(2), onGo(3)] }
    const world = await makeWorld(agent, { default: script }, test)
    const stale = {
      LAB_API_KEY: 'stale',
      ANTHROPIC_API_KEY: 'stale',
      FOO: 'stale',
      STALE: '1',
      CLAUDECODE: '1',
    }
    const old = { HOME: world.home, TERM: 'xterm', PATH: '/usr/bin:/bin', ...stale }
    expect(world.tmux(['new-session', '-d', '-s', 'old'], old).status).toBe(0)
    const fresh = { env: { ...world.env, FOO: 'fresh' }, options: ['--env', 'FOO'] }
    const name = await world.start('env', 'Do the three steps.', fresh)
    await world.untilFile('began-2')
    const first = environmentOf(await world.agentPid(name))
    await world.crash(name)
    // From a place with another PATH and without FOO: what the agent needs was kept.
    await world.ok(['resume', name], { env: { ...world.env, PATH: '/usr/bin:/bin' } })
    const second = environmentOf(await world.agentPid(name))
    world.go()
    expect(await world.done(name)).toMatchObject({ state: 'done', attempts: 2 })
    const { LAB_API_KEY, ANTHROPIC_API_KEY, PATH } = world.env
    for (const { LAB_API_KEY: lab, ANTHROPIC_API_KEY: anthropic, ...seen } of [first, second]) {
      expect({ lab, anthropic }).toEqual({ lab: LAB_API_KEY, anthropic: ANTHROPIC_API_KEY })
      expect(seen).toMatchObject({ PATH, FOO: 'fresh' })
      for (const one of ['STALE', 'CLAUDECODE', 'TMUX', 'TMUX_PANE']) expect(seen).not.toHaveProperty(one)
    }
    const keys = new Set(world.server.requests.map((one) => one.key))
    expect([...keys]).toEqual([LAB_API_KEY ?? ANTHROPIC_API_KEY])
    expect(world.ledger()).toEqual(['1', '2', '3'])
  })
})

function environmentOf(pid: number): Record<string, string | undefined> {
  const pairs = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  return Object.fromEntries(pairs.map((pair) => [pair.split('=', 1)[0], pair.slice(pair.indexOf('=') + 1)]))
}
