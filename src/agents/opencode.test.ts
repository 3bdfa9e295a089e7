import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Exit, LaunchRequest, Run } from './driver.ts'
import { opencode } from './opencode.ts'
import { EMPTY_SUMMARY, summarize } from './summary.ts'

const SES = 'ses_e0457369fffeEzIm44xMsxZCXJ'
const REQUEST: LaunchRequest = {
  session: 'opencode-fix',
  cwd: '/repo',
  taskDir: '/state/tasks/opencode-fix.x',
  access: 'full',
  agentArgs: [],
  env: { PATH: '/bin' },
  taskId: '1a2b3c4d-0000-4000-8000-000000000000',
  root: false,
}
const TITLE = 'rca opencode-fix 1a2b3c4d'
const PROMPT = Buffer.from('do it')
const HEAD = ['opencode', 'run', '--format', 'json', '--auto', '--dir', '/repo']
const LOGS = ['--print-logs', '--log-level', 'ERROR']

const parseAll = (text: string) => text.split('\n').flatMap((line) => opencode.parse(line))
const line = (type: string, rest: object) =>
  JSON.stringify({ type, timestamp: 1795222961740, sessionID: SES, ...rest })
const judge = (lines: string[], exit: Exit | null, stderrTail = '') =>
  opencode.judge({ summary: summarize(lines.flatMap((one) => opencode.parse(one))), exit, stderrTail })

describe('argv', () => {
  it('starts under its own title and resumes by id, with the same arguments', () => {
    const request = { ...REQUEST, agentArgs: ['-m', 'anthropic/x'] }
    expect(opencode.start(request, null).argv).toEqual([
      ...HEAD,
      ...LOGS,
      '--title',
      TITLE,
      '-m',
      'anthropic/x',
    ])
    const resumed = [...HEAD, ...LOGS, '--session', SES, '-m', 'anthropic/x']
    expect(opencode.resume(request, SES).argv).toEqual(resumed)
    expect(opencode.start(request, SES).argv).toEqual(resumed)
  })

  it('leaves logging to a user who set it', () => {
    const argv = opencode.start({ ...REQUEST, agentArgs: ['--log-level', 'DEBUG'] }, null).argv
    expect(argv).toEqual([...HEAD, '--title', TITLE, '--log-level', 'DEBUG'])
  })

  const rules = (access: LaunchRequest['access'], own?: string) => {
    const env = own === undefined ? REQUEST.env : { ...REQUEST.env, OPENCODE_PERMISSION: own }
    const value = opencode.resume({ ...REQUEST, access, env }, SES).env.OPENCODE_PERMISSION
    return value === undefined ? null : Object.entries(JSON.parse(value) as object)
  }

  it('bounds what the agent may do by rules that come last', () => {
    expect(rules('full')).toBeNull()
    expect(rules('write')).toEqual([['external_director?', 'deny']])
    expect(rules('write', '{"bash":{"git push*":"deny"}}')?.map(([key]) => key)).toEqual([
      'bash',
      'external_director?',
    ])
    expect(rules('write', 'not json')).toEqual([['external_director?', 'deny']])
    const read = rules('read', '{"bash":"allow"}') ?? []
    expect(read.slice(0, 2)).toEqual([
      ['bash', 'allow'],
      ['**', 'deny'],
    ])
    expect(Object.fromEntries(read)).toMatchObject({ 'bas?': 'deny', 'edi?': 'deny', 'gre?': 'allow' })
  })
})

describe('refuse', () => {
  const refused = (agentArgs: string[], prompt: Uint8Array = PROMPT) =>
    opencode.refuse({ ...REQUEST, agentArgs }, prompt)?.message ?? null

  it.each([
    [['-s', 'ses_1'], '-s'],
    [['-sses_1'], '-s'],
    [['-cs'], '-c'],
    [['--session=ses_1'], '--session'],
    [['--continue'], '--continue'],
    [['--fork'], '--fork'],
    [['--format', 'default'], '--format'],
    [['--title', 'x'], '--title'],
    [['--dir', '/x'], '--dir'],
    [['--no-auto'], '--no-auto'],
    [['--dangerously-skip-permissions'], '--dangerously-skip-permissions'],
    [['--attach', 'http://x'], '--attach'],
    [['--command', 'init'], '--command'],
    [['--help'], '--help'],
    [['fix', 'it'], '"fix"'],
    [['--thinking', 'fix it'], '"fix it"'],
    [['--', 'fix'], '"fix"'],
  ])('%j', (args, word) => expect(refused(args)).toContain(word))

  it.each([
    [['-m', 'anthropic/x', '--variant', 'high']],
    [['-f', 'a.png', 'b.png', '--thinking']],
    [['--model=x', '--agent', 'plan', '--new-option', 'value']],
  ])('lets %j through', (args) => expect(refused(args)).toBeNull())

  it('takes prompts that look like options, but none that is blank or not UTF-8', () => {
    for (const prompt of ['--help', '/help me', '@file', ' - x'])
      expect(refused([], Buffer.from(prompt))).toBeNull()
    expect(refused([], Buffer.from(' \n\t'))).toMatch(/empty/)
    expect(refused([], Buffer.from([0x61, 0xff]))).toMatch(/UTF-8/)
  })
})

describe('planResume', () => {
  /** Answers `session list` and `export` the way opencode does; a null is a failure. */
  const fake = (sessions: string | null, exported: Record<string, string> = {}): Run => {
    return async (argv) => {
      const out = argv[1] === 'export' ? (exported[argv[2] ?? ''] ?? null) : sessions
      const exit = { code: out === null ? 1 : 0 }
      return {
        exit,
        stdout: out ?? '',
        stderr: out === null ? '\u001b[91mError: \u001b[0mno such thing\n' : '',
      }
    }
  }
  const sessions = JSON.stringify([
    { id: 'ses_other', title: 'rca opencode-fix ffffffff' },
    { id: SES, title: TITLE },
  ])
  const user = (parts: object[]) =>
    JSON.stringify({ info: { title: TITLE }, messages: [{ info: { role: 'user' }, parts }] }, null, 2)
  const whole = user([{ type: 'text', text: 'do it' }])
  const plan = (id: string | null, run: Run, summary = EMPTY_SUMMARY) =>
    opencode.planResume(REQUEST, id, async () => summary, run)

  it('continues a known session that showed work without asking anything', async () => {
    const never: Run = () => Promise.reject(new Error('asked'))
    const worked = { ...EMPTY_SUMMARY, messages: 1 }
    expect(await plan(SES, never, worked)).toEqual({ kind: 'resume', sessionId: SES, note: null })
  })

  it('finds a session by its title when the agent died before its first event', async () => {
    expect(await plan(null, fake(sessions, { [SES]: whole }))).toMatchObject({
      kind: 'resume',
      sessionId: SES,
    })
  })

  it('believes an export that the pipe cut short', async () => {
    const cut = user([{ type: 'text', text: 'A'.repeat(200_000) }]).slice(0, 131_072)
    expect(await plan(null, fake(sessions, { [SES]: cut }))).toMatchObject({ kind: 'resume', sessionId: SES })
  })

  it('sends the prompt again into a session that died without it', async () => {
    const empty = JSON.stringify({ info: {}, messages: [] }, null, 2)
    for (const stored of [user([]), empty]) {
      const expected = { kind: 'restart', sessionId: SES }
      expect(await plan(null, fake(sessions, { [SES]: stored }))).toMatchObject(expected)
      expect(await plan(SES, fake(null, { [SES]: stored }))).toMatchObject(expected)
    }
  })

  it('restarts where nothing was stored: opencode lists nothing at all then', async () => {
    for (const none of ['', '[]\n'])
      expect(await plan(null, fake(none))).toMatchObject({ kind: 'restart', sessionId: null })
  })

  it('does not take what it cannot read for nothing', async () => {
    for (const run of [fake(null), fake('oops'), fake(sessions)]) {
      expect(await plan(null, run)).toMatchObject({ kind: 'impossible' })
    }
    expect(await plan(SES, fake(sessions))).toMatchObject({ kind: 'impossible' })
  })

  it('asks in the project, with the environment of the task, for more than the default 100', async () => {
    let asked: unknown
    await plan(null, async (argv, options) => {
      asked = { argv, options }
      return { exit: { code: 0 }, stdout: '', stderr: '' }
    })
    expect(asked).toMatchObject({
      argv: ['opencode', 'session', 'list', '--format', 'json', '-n', '1000000'],
      options: { cwd: '/repo', env: REQUEST.env },
    })
  })
})

describe('events', () => {
  const tool = (state: object) => line('tool_use', { part: { tool: 'bash', callID: 'c1', state } })

  it('translates a step', () => {
    const at = '2026-11-21T01:02:41.740Z'
    expect(opencode.parse(line('step_start', { part: {} }))).toEqual([
      { at, kind: 'session', id: SES },
      { at, kind: 'turn' },
    ])
    const state = {
      status: 'completed',
      input: { command: 'ls' },
      output: 'a\n',
      time: { start: 1795222961000 },
    }
    expect(opencode.parse(tool(state))).toEqual([
      { at: '2026-11-21T01:02:41.000Z', kind: 'tool-started', id: 'c1', name: 'bash', input: 'ls' },
      { at, kind: 'tool-finished', id: 'c1', name: 'bash', ok: true, output: 'a\n' },
    ])
    const part = { reason: 'stop', tokens: { input: 10, output: 7, cache: { read: 5 } }, cost: 0.5 }
    expect(opencode.parse(line('step_finish', { part })).map((one) => one.kind)).toEqual([
      'usage',
      'finished',
    ])
  })

  it('tells a refused tool from a failed one', () => {
    const rule =
      'The user has specified a rule which prevents you from using this specific tool call. Here are'
    const asked = 'The user rejected permission to use this specific tool call.'
    for (const error of [rule, asked]) {
      const events = opencode.parse(tool({ status: 'error', input: { command: 'cat /x' }, error }))
      expect(summarize(events).denials).toEqual(['bash cat /x: not permitted'])
    }
    const events = opencode.parse(tool({ status: 'error', input: {}, error: 'ENOENT' }))
    expect(summarize(events).denials).toEqual([])
  })

  it.each([
    '',
    '{',
    '[]',
    'null',
    '{"type":1}',
    '{"type":"tool_use"}',
    '{"type":"error","error":"x"}',
    '\u0000',
  ])('survives %j', (text) => expect(Array.isArray(opencode.parse(text))).toBe(true))

  it('reads failed model requests from stderr', () => {
    const log = (rest: string) => `timestamp=2026-11-21T01:11:59.072Z level=ERROR run=ef38 ${rest}`
    const parse = (text: string) => opencode.parseStderr?.(text)
    expect(
      parse(log('message="stream error" small=false error.error="AI_APICallError: \\"usage\\" limit"')),
    ).toEqual([{ kind: 'error', message: 'AI_APICallError: "usage" limit', at: '2026-11-21T01:11:59.072Z' }])
    expect(parse(log('message="stream error" small=true error.error="x"'))).toEqual([])
    expect(parse(log('message="share subscriber failed" cause="x"'))).toEqual([])
  })
})

describe('judge', () => {
  const start = line('step_start', { part: {} })
  const finish = (reason: string) => line('step_finish', { part: { reason } })
  const error = (data: object, name = 'APIError') => line('error', { error: { name, data } })
  const unknown = error(
    { message: 'Unexpected server error. Check server logs for details.' },
    'UnknownError',
  )
  const logged = 'level=ERROR message=failed error="ProviderModelNotFoundError: Model not found: a/b."\n'
  const rejected = line('tool_use', {
    part: { tool: 'read', state: { status: 'error', error: 'The user rejected permission to use this' } },
  })

  it.each<[string, string[], Exit | null, string, object]>([
    ['done', [start, finish('stop')], { code: 0 }, '', { outcome: 'completed' }],
    ['done, killed at exit', [start, finish('stop')], { signal: 'SIGKILL' }, '', { outcome: 'completed' }],
    [
      'mid-way',
      [start, finish('tool-calls')],
      { code: 0 },
      '',
      { outcome: 'unfinished', cause: 'unfinished' },
    ],
    ['worked on', [finish('stop'), start], { code: 0 }, '', { outcome: 'unfinished' }],
    ['cut', [start, finish('length')], { code: 0 }, '', { reason: 'the answer broke off: length' }],
    [
      'refused',
      [start, rejected, finish('tool-calls')],
      { code: 0 },
      '',
      { outcome: 'failed', cause: 'permission' },
    ],
    ['401', [error({ message: 'no', statusCode: 401 })], { code: 1 }, '', { cause: 'not-logged-in' }],
    ['429', [error({ message: 'slow down', statusCode: 429 })], { code: 1 }, '', { cause: 'usage-limit' }],
    ['500', [error({ message: 'oops', statusCode: 500 })], { code: 1 }, '', { cause: 'api-error' }],
    [
      'logged',
      [unknown],
      { code: 1 },
      logged,
      { cause: 'bad-arguments', reason: expect.stringContaining('a/b') },
    ],
    [
      'no session',
      [],
      { code: 1 },
      '\u001b[91mError: \u001b[0mSession not found\n',
      { cause: 'no-such-session' },
    ],
    [
      'help',
      [],
      { code: 1 },
      'Options:\n  --auto  dangerous!\n  [default: false]\n',
      { cause: 'bad-arguments' },
    ],
    ['404', [error({ message: 'model: x', statusCode: 404 })], { code: 1 }, '', { cause: 'bad-arguments' }],
    [
      'config',
      [],
      { code: 1 },
      'Error: Config file at /x is not valid JSON(C): \n--- End ---\n',
      { cause: 'bad-arguments' },
    ],
    ['SIGKILL', [start], { signal: 'SIGKILL' }, '', { cause: 'crashed', reason: 'ended by SIGKILL' }],
    ['Ctrl-C', [start], { signal: 'SIGINT' }, '', { outcome: 'interrupted', cause: 'interrupted' }],
    ['no words', [], { code: 7 }, '', { cause: 'crashed', reason: 'exit code 7' }],
    ['unrecorded', [start], null, '', { outcome: 'unfinished' }],
  ])('%s', (_name, lines, exit, stderr, verdict) => expect(judge(lines, exit, stderr)).toMatchObject(verdict))
})

describe('recorded runs', () => {
  const folder = new URL('../../test/fixtures/events/opencode/', import.meta.url)
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : []
  /** What a recording's name says of its end. */
  const expected: [RegExp, object][] = [
    [/^(done|resumed|.*-recovered|cut|reset|api-429)/, { outcome: 'completed' }],
    [/^sigint/, { outcome: 'interrupted' }],
    [/^(killed|sig)/, { outcome: 'failed', cause: 'crashed' }],
    [/^bad-flag/, { outcome: 'failed', cause: 'bad-arguments' }],
    [/^denied/, { outcome: 'failed', cause: 'permission' }],
    // opencode waits for the reset by itself, in silence: the recorder killed it.
    [/^limit/, { outcome: 'failed', cause: 'crashed' }],
    [/^unknown-session/, { outcome: 'failed', cause: 'no-such-session' }],
    [/^(api-401|not-logged-in)/, { outcome: 'failed', cause: 'not-logged-in' }],
    [/^api-(400|500)/, { outcome: 'failed', cause: 'api-error' }],
  ]

  it.each(names)('%s', (name) => {
    const read = (ending: string) => {
      const file = new URL(name.replace(/json$/, ending), folder)
      return existsSync(file) ? readFileSync(file, 'utf8') : ''
    }
    const { exit } = JSON.parse(read('json')) as { exit: Exit }
    const verdict = opencode.judge({
      summary: summarize(parseAll(read('jsonl'))),
      exit,
      stderrTail: read('stderr'),
    })
    const rule = expected.find(([pattern]) => pattern.test(name))
    expect(verdict).toMatchObject(rule ? rule[1] : { outcome: expect.any(String) })
  })
})

describe('the configuration', () => {
  it('names variables that are handed on', () => {
    const home = mkdtempSync(join(tmpdir(), 'rca-opencode-'))
    const folder = join(home, join('.config', 'opencode'))
    expect(opencode.envNamesInConfig?.({ HOME: home })).toEqual([])
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'opencode.json'), '{"provider":{"x":{"options":{"apiKey":"{env:LAB_KEY}"}}}}')
    expect(opencode.envNamesInConfig?.({ HOME: home })).toEqual(['LAB_KEY'])
    rmSync(home, { recursive: true })
  })
})
