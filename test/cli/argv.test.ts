import { describe, expect, it } from 'vitest'
import { buildProgram, type Verb } from '../../src/cli.ts'
import { runCli } from '../../src/command-line.ts'
import { VERBS } from '../../src/verbs/index.ts'

interface Call {
  readonly verb: string
  readonly args: readonly string[]
  readonly options: Record<string, unknown>
  readonly rest: readonly string[]
}

/** What a command line is understood as, without running it. */
async function understood(argv: readonly string[], rest: readonly string[] = []): Promise<Call | null> {
  let call: Call | null = null
  const recorded = (verb: string): [string, Verb] => [
    verb,
    async (args, options, behind) => {
      call = { verb, args, options, rest: behind }
    },
  ]
  const program = buildProgram(rest, async () => Object.fromEntries(Object.keys(VERBS).map(recorded)))
  for (const command of [program, ...program.commands])
    command.exitOverride().configureOutput({ outputError: () => {} })
  await program.parseAsync([...argv], { from: 'user' })
  return call
}

const START = { access: 'write', ifExists: 'fail', monitor: true }

describe('argv -> verb, arguments, options', () => {
  it.each<[string, string, string[], Record<string, unknown>]>([
    ['start codex fix -p x', 'start', ['codex', 'fix'], { ...START, prompt: 'x' }],
    [
      'start codex fix --prompt=x -C /repo',
      'start',
      ['codex', 'fix'],
      { ...START, prompt: 'x', cwd: '/repo' },
    ],
    ['start codex fix -f - --json', 'start', ['codex', 'fix'], { ...START, promptFile: '-', json: true }],
    ['events', 'events', [], {}],
    ['exec --explain', 'exec', [], { ifExists: 'fail', monitor: true, explain: true }],
    [
      'exec --name fix --env A --deadline 2h --wait --no-monitor',
      'exec',
      [],
      { name: 'fix', env: ['A'], deadline: '2h', wait: true, monitor: false, ifExists: 'fail' },
    ],
    [
      'events fix codex-docs -f -n 5 --since 10m --json',
      'events',
      ['fix', 'codex-docs'],
      { follow: true, tail: '5', since: '10m', json: true },
    ],
    ['start -p x codex fix', 'start', ['codex', 'fix'], { ...START, prompt: 'x' }],
    ['start codex fix -p -x', 'start', ['codex', 'fix'], { ...START, prompt: '-x' }],
    [
      'start codex fix -p x --yolo --wait',
      'start',
      ['codex', 'fix'],
      { ...START, prompt: 'x', yolo: true, wait: true },
    ],
    ['start codex fix --env A --env B=c=d', 'start', ['codex', 'fix'], { ...START, env: ['A', 'B=c=d'] }],
    ['start codex fix --access read', 'start', ['codex', 'fix'], { ...START, access: 'read' }],
    ['start codex fix --if-exists reuse', 'start', ['codex', 'fix'], { ...START, ifExists: 'reuse' }],
    [
      'start codex fix --stall-after 2h --dry-run',
      'start',
      ['codex', 'fix'],
      { ...START, stallAfter: '2h', dryRun: true },
    ],
    [
      'start codex fix --restart never --backoff 1m --max-retries none --deadline 2h --on-stall restart',
      'start',
      ['codex', 'fix'],
      { ...START, restart: 'never', backoff: '1m', maxRetries: 'none', deadline: '2h', onStall: 'restart' },
    ],
    ['start codex fix --no-monitor', 'start', ['codex', 'fix'], { ...START, monitor: false }],
    ['--tmux-socket mine start codex fix', 'start', ['codex', 'fix'], { ...START, tmuxSocket: 'mine' }],
    ['start codex fix --tmux-socket mine', 'start', ['codex', 'fix'], { ...START, tmuxSocket: 'mine' }],
    ['list', 'list', [], {}],
    ['ls -aq', 'list', [], { all: true, quiet: true }],
    ['ps --json', 'list', [], { json: true }],
    ['list --state done --state failed --agent pi', 'list', [], { state: ['done', 'failed'], agent: ['pi'] }],
    ['status fix --json', 'status', ['fix'], { json: true }],
    ['logs fix -f -n 20', 'logs', ['fix'], { follow: true, tail: '20' }],
    [
      'logs fix --since 10m --attempt 2 --events',
      'logs',
      ['fix'],
      { since: '10m', attempt: '2', events: true },
    ],
    ['logs fix --raw', 'logs', ['fix'], { raw: true }],
    ['logs fix --pane', 'logs', ['fix'], { pane: true }],
    ['wait a b --any --timeout 5m', 'wait', ['a', 'b'], { any: true, timeout: '5m' }],
    ['wait a --exit-status', 'wait', ['a'], { exitStatus: true }],
    ['attach fix', 'attach', ['fix'], {}],
    ['resume fix -p more --env K=v', 'resume', ['fix'], { prompt: 'more', env: ['K=v'] }],
    ['kill a b', 'kill', ['a', 'b'], { grace: '5s' }],
    ['kill a --grace 1m', 'kill', ['a'], { grace: '1m' }],
    ['service install --dry-run', 'service', ['install'], { dryRun: true }],
    ['service status --json', 'service', ['status'], { json: true }],
    ['settle /dir 2', 'settle', ['/dir', '2'], {}],
  ])('rca %s', async (line, verb, args, options) => {
    expect(await understood(line.split(' '))).toMatchObject({ verb, args, options, rest: [] })
    if (verb !== 'settle') expect((await understood(line.split(' ')))?.options).toEqual(options)
  })

  it('hands on what comes after --', async () => {
    expect(await understood(['start', 'codex', 'fix'], ['-m', 'big', '--json'])).toMatchObject({
      args: ['codex', 'fix'],
      options: START,
      rest: ['-m', 'big', '--json'],
    })
  })

  it('has an action for every verb and a verb for every action', async () => {
    const program = buildProgram([], async () => ({}))
    expect(program.commands.map((command) => command.name()).sort()).toEqual(Object.keys(VERBS).sort())
  })
})

describe('usage errors', () => {
  it.each<[string, RegExp, RegExp]>([
    ['strat', /unknown command 'strat'/, /start/],
    ['list --al', /unknown option '--al'/, /--all/],
    ['status', /missing required argument 'task'/, /rca (\w+ )?--help/],
    ['status a b', /too many arguments/, /rca (\w+ )?--help/],
    ['wait', /missing required argument 'task'/, /rca (\w+ )?--help/],
    ['start codex fix --access all', /read, write, full/, /rca (\w+ )?--help/],
    ['start codex fix --restart always', /on-failure, never/, /rca (\w+ )?--help/],
    ['logs fix --raw --events', /cannot be used with/, /rca (\w+ )?--help/],
    ['logs fix --pane --events', /cannot be used with/, /rca (\w+ )?--help/],
    ['logs fix -n', /argument missing/, /rca (\w+ )?--help/],
  ])('rca %s', async (line, message, hint) => {
    await expect(runCli(line.split(' '))).rejects.toMatchObject({
      code: 'usage',
      exitCode: 2,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    })
  })
})
