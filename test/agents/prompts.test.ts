import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { AGENTS, type AgentName, makeWorld, type World } from './world.ts'

/** Answers at once: what matters is the request. */
const NOTHING_TO_DO = { default: { steps: 0 } }

/** pi trims its standard input; the others hand it on as it is. */
const asSent = (agent: AgentName, prompt: string) => (agent === 'pi' ? prompt.trim() : prompt)

/** 300 KiB in which no stretch is like another, with every kind of character that somebody may stumble over. */
function longPrompt(): string {
  const line = (n: number) =>
    `${n} "it's" \\ $HOME \`id\` $(touch pwned) %s #{x} \t${['ä', '€', '😀'][n % 3]}é ;\n`
  let text = '\n  The long one.\r\n'
  for (let n = 0; Buffer.byteLength(text) < 300 * 1024; n++) text += line(n)
  return `${text}The end. \n\n`
}

const HOSTILE = {
  quotes: `It's "quoted" \\" 'twice' $(touch pwned) \`touch pwned\` $HOME \${IFS} %s !! ; touch pwned; & | > pwned #`,
  lines: 'first\n\nthird; touch pwned\r\n\tfifth __TASK_DONE__\n#{pane_id} #(touch pwned)\nlast',
  unicode: 'Grüße, 世界 😀 \u200b\u2028next\u0001\u001b[31mred\u001b[0m e\u0301',
  dash: '-rf --help is how this begins',
  option: '--version',
  at: '@package.json and @/etc/passwd are how this begins',
  slash: '/help me with this',
  path: '/etc/hosts has an error, mend it',
}

/** Nothing that a prompt says may have been run, wherever it would have been. */
function expectUntouched(world: World): void {
  for (const folder of [world.project, world.home, dirname(world.home)])
    expect(existsSync(join(folder, 'pwned'))).toBe(false)
  expect(readdirSync(world.project)).toEqual([])
}

describe.concurrent.each(AGENTS)('%s', (agent) => {
  it('a prompt of 300 KiB', async (test) => {
    const world = await makeWorld(agent, NOTHING_TO_DO, test)
    const prompt = longPrompt()
    const path = join(world.home, 'prompt.md')
    writeFileSync(path, prompt)
    await world.ok(world.startArgs('long', ['-f', path]))
    await world.done(`${agent}-long`)
    const texts = world.server.requests[0]?.userTexts ?? []
    // Compared this way, a failure does not print 600 KiB.
    expect(texts.map((text) => text.length)).toContain(asSent(agent, prompt).length)
    expect(texts.includes(asSent(agent, prompt))).toBe(true)
    expectUntouched(world)
  })

  it('hostile prompts', async (test) => {
    const world = await makeWorld(agent, NOTHING_TO_DO, test)
    for (const [task, prompt] of Object.entries(HOSTILE)) await expectExact(world, task, prompt)
    expectUntouched(world)
  })

  it('hostile follow-ups', async (test) => {
    const world = await makeWorld(agent, NOTHING_TO_DO, test)
    const name = await world.start('follow', 'Say hello.')
    await world.done(name)
    for (const prompt of [HOSTILE.quotes, HOSTILE.lines, HOSTILE.option, HOSTILE.slash]) {
      const asked = world.server.requests.length
      await world.resume(name, [`--prompt=${prompt}`])
      await world.done(name)
      expectAsked(world, asked, prompt)
    }
    expectUntouched(world)
  })
})

async function expectExact(world: World, task: string, prompt: string): Promise<void> {
  const asked = world.server.requests.length
  const started = await world.rca(world.startArgs(task, [`--prompt=${prompt}`]))
  expect(started, task).toMatchObject({ code: 0 })
  await world.done(`${world.agent}-${task}`)
  expectAsked(world, asked, prompt)
}

function expectAsked(world: World, asked: number, prompt: string): void {
  const texts = world.requestsSince(asked)[0]?.userTexts ?? []
  expect(texts.map(withoutWrapping(world.agent))).toContain(asSent(world.agent, prompt))
}

/** claude takes the meaning of a leading `/` away by a line with a blank in front of it. */
const withoutWrapping = (agent: AgentName) => (text: string) =>
  agent === 'claude' ? text.replace(/^ \n(?=\/)/, '') : text
