import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect } from 'vitest'
import { buildProgram } from '../../src/cli.ts'
import { DOCUMENTS, documentNamed } from '../../src/schema/index.ts'
import { test, until, type World } from './harness.ts'

type Name = keyof typeof DOCUMENTS

/** Holds what was printed against the schema that `rca schema` prints; and what no schema tells of must not be there. */
async function expectIs(world: World, name: Name, printed: string): Promise<void> {
  const schema = JSON.parse((await world.rca(['schema', name])).stdout)
  const isValid = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema)
  const value = JSON.parse(printed)
  isValid(value)
  expect(isValid.errors).toBeNull()
  expect(DOCUMENTS[name].schema.parse(value)).toEqual(value)
}

/** The same of a verb; `code`: what it ends with. */
async function prints(world: World, name: Name, args: readonly string[], code = 0): Promise<void> {
  const result = await world.rca([...args, '--json'])
  expect(result).toMatchObject({ code, stderr: '' })
  await expectIs(world, name, result.stdout)
}

describe.concurrent('what is printed with --json is as rca schema says', () => {
  test('of tasks that run, wait, and have ended', async ({ world }) => {
    world.agent('turns')
    world.write('hold', 'stored one\n')
    const start = ['start', 'codex', 'fix', '-p', 'one']
    const codex = ['--explain', '--json', '--', 'codex', 'exec', 'one']
    await expectIs(world, 'explanation', (await world.rca(['exec', ...codex])).stdout)
    const other = ['--explain', '--json', '--', 'ls']
    await expectIs(world, 'explanation', (await world.rca(['exec', ...other])).stdout)
    await prints(world, 'plan', [...start, '--dry-run'])
    await prints(world, 'task', start)
    await prints(world, 'sent', ['send', 'fix', 'two'])
    await prints(world, 'status', ['status', 'fix'])
    await prints(world, 'tasks', ['wait', 'fix', '--for', 'running'])
    world.write('go')
    await prints(world, 'tasks', ['wait', 'fix'])
    await prints(world, 'status', ['status', 'fix'])
    await prints(world, 'result', ['result', 'fix'])
    await prints(world, 'sent', ['send', 'fix', 'fail three'])
    await prints(world, 'result', ['result', 'fix', '--wait'], 1)
    await prints(world, 'task', ['resume', 'fix'])
    await prints(world, 'tasks', ['kill', 'fix'])
    await prints(world, 'status', ['status', 'fix'])
    world.session('codex-mine', 'sleep 1000')
    await prints(world, 'tasks', ['list', '--all'])
    await prints(world, 'pruned', ['prune', '--older-than', '0s', '--dry-run'])
    await prints(world, 'removed', ['rm', 'fix'])
    await prints(world, 'pruned', ['prune', '--older-than', '0s'])
  })

  test('of a task that waits for its next attempt, and of the monitor', async ({ world }) => {
    world.config({ policy: { backoff: '1h' } })
    const limit =
      '{"type":"turn.failed","error":{"message":"You have hit your usage limit. Try again in 2 hours."}}'
    const shared = join(import.meta.dirname, '../fixtures/agents/codex.sh')
    world.program('codex', `. '${shared}'\nbegin\necho '${limit}'\nexit 1`)
    await world.rca(['start', 'codex', 'fix', '-p', 'x'])
    await prints(world, 'tasks', ['wait', 'fix', '--for', 'waiting'])
    await prints(world, 'status', ['status', 'fix'])
    await prints(world, 'monitor', ['monitor', 'status'])
    // Of two that were begun at once one goes by itself; until then it would take the other's place.
    const monitors = () => world.processes().filter((one) => /rca\.js monitor --/.test(one.command))
    await until(() => monitors().length === 1, 'one monitor')
    await prints(world, 'monitor', ['monitor', 'stop'])
    await prints(world, 'monitor', ['monitor', 'status'], 1)
  })

  test('of lines: events and logs', async ({ world }) => {
    await world.begin('done')
    await world.rca(['send', 'fix', 'more'])
    await world.rca(['wait', 'fix'])
    const events = (await world.rca(['events', 'fix'])).stdout.trim().split('\n')
    expect(events.length).toBeGreaterThan(5)
    for (const line of events) {
      await expectIs(world, 'event', line)
      const { task, taskDir, ...entry } = JSON.parse(line)
      await expectIs(world, 'journal-entry', JSON.stringify(entry))
    }
    const said = (await world.rca(['logs', 'fix', '--json'])).stdout.trim().split('\n')
    for (const line of said) await expectIs(world, 'log-event', line)
  })

  test('of errors', async ({ world }) => {
    await world.begin('hangs')
    const wrong = [
      ['status', 'none'],
      ['send', 'none', 'more'],
      ['wait', 'fix', '--timeout', '0.1'],
      ['result', 'fix'],
      ['list', '--state', 'odd'],
      ['schema', 'tusk'],
    ]
    for (const args of wrong) {
      const { stdout, stderr } = await world.rca([...args, '--json'])
      expect(stdout).toBe('')
      await expectIs(world, 'error', stderr)
    }
  })

  test('of the service and the skill', async ({ world }) => {
    const { stdout } = await world.rca(['doctor', '--json'])
    await expectIs(world, 'doctor', stdout)
    world.config({
      notify: { channels: { mine: { type: 'command', argv: ['cp', '/dev/stdin', world.root] } } },
    })
    await prints(world, 'channels', ['notify', 'list'])
    world.program('keep', `cat > '${world.home}/notice'`)
    await prints(world, 'notify-test', ['notify', 'test', `command:${join(world.bin, 'keep')}`])
    await expectIs(world, 'notice', world.read('notice'))
    world.program('crontab', '[ "$1" = -l ] || cat > /dev/null')
    await prints(world, 'service', ['service', 'status'], 1)
    await prints(world, 'service-plan', ['service', 'install', '--dry-run'])
    await prints(world, 'skill', ['skill', 'show'])
    await prints(world, 'skill', ['skill', 'path'])
    await prints(world, 'skill-installed', ['skill', 'install', 'here'])
  })
})

test('every verb that prints JSON has a schema', () => {
  const program = buildProgram([], async () => ({}))
  const printing = program.commands.filter((one) => one.options.some((option) => option.long === '--json'))
  const without = printing.map((one) => one.name()).filter((name) => documentNamed(name) === null)
  // It opens a terminal, and prints nothing but errors.
  expect(without).toEqual(['attach'])
})

test('all at once, by name; a wrong name is told the nearest one', async ({ world }) => {
  const all = JSON.parse((await world.rca(['schema'])).stdout)
  expect(Object.keys(all)).toEqual(Object.keys(DOCUMENTS))
  expect(all.status).toEqual(JSON.parse((await world.rca(['schema', 'status'])).stdout))
  expect(await world.rca(['schema', 'statsu'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Did you mean status?'),
  })
})
