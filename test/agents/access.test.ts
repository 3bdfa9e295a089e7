import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { AGENTS, type AgentName, makeWorld, quick } from './world.ts'

/** Every way in which a model would write: its shell, and its file tool, whether it was offered either or not. */
function writing(agent: AgentName, folder: string, file: string) {
  const path = join(folder, file)
  const shell = (command: string) =>
    agent === 'codex' ? { command } : call(agent === 'claude' ? 'Bash' : 'bash', { command })
  const tool = {
    codex: { command: `printf 'new' | tee ${file}` },
    claude: call('Write', { file_path: path, content: 'new' }),
    opencode: call('write', { filePath: path, content: 'new' }),
    pi: call('write', { path, content: 'new' }),
  }[agent]
  return [shell(`echo new > ${file}`), shell(`sh -c 'echo new > ${path}'`), tool].map((one) => ({
    ...one,
    attempts: 1,
  }))
}

function reading(agent: AgentName, folder: string, file: string) {
  const path = join(folder, file)
  return {
    codex: { command: `cat ${file} || echo` },
    claude: call('Read', { file_path: path }),
    opencode: call('read', { filePath: path }),
    pi: call('read', { path }),
  }[agent]
}

const call = (name: string, args: Record<string, unknown>) => {
  const described = name === 'Bash' || name === 'bash' ? { description: 'Writes a file' } : {}
  return { call: { name, args: { ...args, ...described } } }
}

describe.concurrent.each(AGENTS)('%s', (agent) => {
  it('--access read writes nothing, also after a resume', async (test) => {
    const world = await makeWorld(agent, {}, test)
    writeFileSync(join(world.project, 'notes'), 'STEP-OK-1')
    const steps = [reading(agent, world.project, 'notes'), ...writing(agent, world.project, 'first')]
    world.server.setScript('default', { steps })
    const name = await world.start('read', 'Write the file.', { options: ['--access', 'read'] })
    const first = await world.done(name)
    expect(first).toMatchObject({ state: 'done', access: 'read' })
    const answers = ['step 1', 'step 2', 'step 3', 'step 4', 'final']
    expect(world.server.requests.map((one) => one.answer)).toEqual(answers)
    expect(world.server.requests.at(-1)?.done).toEqual(['STEP-OK-1'])
    // codex 0.169.0 tells nobody but its model that the sandbox refused something.
    const refusals = (await world.ok(['logs', name])).stdout.split('\n').filter((line) => line.includes('✗'))
    if (agent !== 'codex') expect(refusals).toHaveLength(3)
    const more = writing(agent, world.project, 'second').slice(0, 2)
    world.server.setScript('default', { steps: [...steps, ...more] })
    await world.resume(name, ['-p', 'And the other one.'])
    expect(await world.done(name)).toMatchObject({ state: 'done', access: 'read', attempts: 2 })
    const after = world.requestsSince(answers.length).map((one) => one.answer)
    expect(after).toEqual(['step 5', 'step 6', 'final'])
    expect(readdirSync(world.project)).toEqual(['notes'])
  })

  it('--access write works unattended', async (test) => {
    const world = await makeWorld(agent, {}, test)
    const [, , tool] = writing(agent, world.project, 'written')
    const steps = [quick(1), { ...tool }, { command: 'mkdir sub && mv written sub/moved && cat sub/moved' }]
    world.server.setScript('default', { steps })
    const name = await world.start('write', 'Write the file.', { options: ['--access', 'write'] })
    expect(await world.done(name)).toMatchObject({ state: 'done', denials: [] })
    expect(readFileSync(join(world.project, 'sub', 'moved'), 'utf8').trim()).toBe('new')
    expect(existsSync(join(world.project, 'written'))).toBe(false)
    expect(world.ledger()).toEqual(['1'])
  })
})
