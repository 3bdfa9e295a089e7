import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { StatusJson } from '../../src/commands/status.ts'
import { recognise } from '../../src/exec/recognise.ts'
import type { TaskJson } from '../../src/task/json.ts'
import { gated, noted, readLedger, wrongIn } from './witness.mjs'
import { AGENTS, type AgentName, makeWorld, until, type World } from './world.ts'

const PROMPT = 'Do the three steps, one after the other.'
const RCA = fileURLToPath(new URL('../../bin/rca.js', import.meta.url))
const MODEL = ['--provider', 'lab', '--model', 'scripted']

/** A command as an orchestrator writes it, and the permission flags in it. */
const COMMANDS: Readonly<Record<AgentName, { argv: (world: World) => string[]; permissions: string[] }>> = {
  codex: {
    argv: ({ project }) => [
      ...['env', 'EXTRA=1', 'codex', 'exec', '--json', '--dangerously-bypass-approvals-and-sandbox'],
      ...['-C', project, PROMPT],
    ],
    permissions: ['--dangerously-bypass-approvals-and-sandbox'],
  },
  claude: {
    argv: ({ project }) => [
      ...[
        'sh',
        '-c',
        `cd '${project}' && claude -p '${PROMPT}' --output-format json --permission-mode acceptEdits --allowedTools Bash,Read`,
      ],
    ],
    permissions: ['--permission-mode', 'acceptEdits', '--allowedTools', 'Bash,Read'],
  },
  opencode: {
    argv: () => ['timeout', '10m', 'opencode', 'run', '--auto', '--format', 'default', PROMPT],
    permissions: ['--auto'],
  },
  pi: {
    argv: () => ['env', 'LAB_API_KEY=lab', 'pi', ...MODEL, '--tools', 'bash,read', '-p', PROMPT],
    permissions: ['--tools', 'bash,read'],
  },
}

/** Every word of any of the four by which an agent is allowed more or less. */
const OF_PERMISSION =
  /^(-s|--sandbox|--yolo|--dangerously.*|--allow.*|--disallow.*|--permission-mode|--approve.*|--skip-git-repo-check|--trust|--auto|--tools|-nt)(=|$)/

/** The permission flags in an argv, each with the word behind it where the command gave it one. */
function permissionsIn(argv: readonly string[], given: readonly string[]): string[] {
  return argv.filter(
    (word, at) =>
      OF_PERMISSION.test(word) || (given.includes(word) && OF_PERMISSION.test(argv[at - 1] ?? '')),
  )
}

const claims = ({ taskDir }: StatusJson, count: number) =>
  Array.from({ length: count }, (_, at) =>
    JSON.parse(readFileSync(join(taskDir ?? '', `attempts/${at + 1}/claim.json`), 'utf8')),
  )

describe.concurrent.each(AGENTS)('%s', (agent) => {
  it('exec: runs to its end; after a SIGKILL it goes on with the permissions of the command', async (test) => {
    const config = { monitor: true, policy: { backoff: '500ms' } }
    const world = await makeWorld(agent, { default: { steps: [noted(1), gated(2), noted(3)] } }, test, config)
    const { argv, permissions } = COMMANDS[agent]
    const task: TaskJson = JSON.parse((await world.ok(['exec', '--', ...argv(world)])).stdout)
    expect(task).toMatchObject({ agent, access: 'as-given', cwd: world.project })
    expect(task.name).toMatch(new RegExp(`^${agent}-do-the-three-steps-one-after-the-other-[0-9a-f]{6}$`))
    await until('step 2', () => readLedger(world.project).some((one) => one.step === 2))
    process.kill(await world.agentPid(task.name), 'SIGKILL')
    await until('the second attempt', async () => (await world.status(task.name)).attempts === 2)
    writeFileSync(join(world.project, 'pass-2'), '')
    const status = await world.done(task.name)
    expect(status).toMatchObject({ state: 'done', attempts: 2, denials: [] })
    expect(wrongIn(readLedger(world.project), 3)).toEqual([])
    const [first, second] = claims(status, 2).map((one) => one.argv as string[])
    expect(permissionsIn(first ?? [], permissions)).toEqual(permissions)
    expect(permissionsIn(second ?? [], permissions)).toEqual(permissions)
    expect(world.server.requests.find((one) => one.answer === 'step 1')?.userTexts.join('\n')).toContain(
      PROMPT,
    )
    Object.assign(test.task.meta, { note: 'same permissions in both attempts' })
  })

  it('exec: a prompt beside standard input reaches the model as it does without rca', async (test) => {
    const world = await makeWorld(agent, { default: { steps: [] } }, test)
    const argv = {
      codex: ['codex', 'exec', '--skip-git-repo-check', 'Sum this up:'],
      claude: ['claude', '-p', 'Sum this up:'],
      opencode: ['opencode', 'run', 'Sum-this-up:'],
      pi: ['pi', ...MODEL, '-p', 'Sum this up:'],
    }[agent]
    const asked = () => world.requestsSince(0).map((one) => one.userTexts.at(-1))
    await fed(world, argv)
    await fed(world, [process.execPath, RCA, 'exec', '--wait', ...world.keyOptions, '--', ...argv])
    const [plain, ours] = asked()
    expect(plain).toContain('a log\nof two lines')
    expect(ours).toBe(plain)
  })

  it('exec: takes no option for another than the CLI does', async (test) => {
    const world = await makeWorld(agent, {}, test)
    const { head, help } = HELP[agent]
    const { stdout, stderr } = spawnSync(agent, help, { env: world.env, encoding: 'utf8', timeout: 60_000 })
    const options = optionsIn(stdout + stderr)
    const known = options.filter(({ name, takes }) => {
      const values = { nothing: [], one: ['a-value'], many: ['a-value', '--'], maybe: ['a-value'] }[takes]
      const argv = [...head, name, ...values, 'the prompt']
      const found = recognise(argv, {
        cwd: '/',
        env: {},
        input: 'nowhere',
        isDirectory: () => true,
        realPath: () => null,
      })
      if (found.kind === 'foreground') return false
      expect([name, found.prompt]).toEqual([name, 'the prompt'])
      return true
    })
    expect(known.length).toBeGreaterThan(8)
    Object.assign(test.task.meta, { note: `${known.length} of ${options.length} options followed` })
  })
})

it('codex: exec adds nothing that lets it work where it would not', async (test) => {
  const world = await makeWorld('codex', { default: { steps: [] } }, test)
  const refused = await world.rca(['exec', '--', 'codex', 'exec', PROMPT])
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(refused.stderr).toContain('Not inside a trusted directory')
  world.server.setScript('default', { steps: [{ command: 'echo x > written', attempts: 1 }] })
  const argv = ['codex', 'exec', '--skip-git-repo-check', PROMPT]
  const { name }: TaskJson = JSON.parse((await world.ok(['exec', '--', ...argv])).stdout)
  await world.done(name)
  expect(spawnSync('ls', [world.project], { encoding: 'utf8' }).stdout).toBe('')
})

const HELP: Readonly<Record<AgentName, { head: string[]; help: string[] }>> = {
  codex: { head: ['codex', 'exec'], help: ['exec', '--help'] },
  claude: { head: ['claude', '-p'], help: ['--help'] },
  opencode: { head: ['opencode', 'run'], help: ['run', '--help'] },
  pi: { head: ['pi', '-p', '--verbose'], help: ['--help'] },
}

interface HelpedOption {
  readonly name: string
  readonly takes: 'nothing' | 'one' | 'many' | 'maybe'
}

/** The options that a help text lists, under each of their names. */
function optionsIn(help: string): HelpedOption[] {
  const lines = help
    .replaceAll(/\n {20,}/g, ' ')
    .split('\n')
    .filter((line) => /^\s{2,6}-/.test(line))
  return lines.flatMap((line) => {
    const [, names = '', rest = ''] = /^\s+((?:-[\w-]+(?:, )?)+)(.*)$/.exec(line) ?? []
    return names.split(', ').map((name) => ({ name, takes: takenIn(rest) }))
  })
}

/** `[string]` at the end of the line is how yargs says it; `<value>`, `<values...>` and `[value]` is how the others do. */
function takenIn(rest: string): HelpedOption['takes'] {
  const type = /\[(boolean|string|number|array)\]/.exec(rest)?.[1]
  if (type) return type === 'boolean' ? 'nothing' : type === 'array' ? 'many' : 'one'
  const [value = ''] = /^ ?[<[][^\s>\]]+[^>\]]*[>\]](?:\.\.\.)?/.exec(rest) ?? []
  if (value.includes('...')) return 'many'
  if (value === '') return 'nothing'
  return value.trim().startsWith('[') ? 'maybe' : 'one'
}

/** Runs a command to its end with something on its standard input. */
function fed(world: World, argv: readonly string[]): Promise<void> {
  const [file = '', ...args] = argv
  const child = spawn(file, args, { cwd: world.project, env: world.env, stdio: ['pipe', 'ignore', 'ignore'] })
  child.stdin.end('a log\nof two lines')
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${argv.join(' ')}: ${code}`))))
  })
}
