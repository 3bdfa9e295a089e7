import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeWorld } from './world.ts'

it('Claude Code finds the skill that rca has installed', async (test) => {
  const world = await makeWorld('claude', { default: { steps: 0 } }, test)
  mkdirSync(join(world.home, '.claude'), { recursive: true })
  await world.ok(['skill', 'install'])
  const name = await world.start('skill', 'Say hello')
  await world.done(name)
  const { stdout } = await world.ok(['logs', name, '--raw'])
  const init = stdout.split('\n').find((line) => line.includes('"subtype":"init"'))
  expect(JSON.parse(init ?? '{}').skills).toContain('resilient-coding-agent')
})
