import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { codex, envNamesFromConfig } from './codex.ts'
import type { AttemptEnd, Exit, LaunchRequest, Run } from './driver.ts'
import type { AgentEvent } from './event.ts'
import { EMPTY_SUMMARY, summarize } from './summary.ts'

const FIXTURES = join(import.meta.dirname, '../../test/fixtures/events/codex')
const THREAD = '01a1fba0-c655-7282-b230-83c28655290e'
const noRun: Run = async () => ({ exit: { code: 0 }, stdout: '', stderr: '' })

function request(over: Partial<LaunchRequest> = {}): LaunchRequest {
  return {
    session: 'codex-x',
    cwd: '/repo',
    taskDir: '/state/x',
    access: 'write',
    agentArgs: [],
    env: { HOME: '/home/u' },
    taskId: '3f1c2f4e-6a4b-4c1d-9e57-0c8f2b1a7d10',
    root: false,
    ...over,
  }
}

const bytes = (text: string) => new TextEncoder().encode(text)
const refusal = (agentArgs: string[], prompt = 'go') => codex.refuse(request({ agentArgs }), bytes(prompt))

describe('argv', () => {
  it.each([
    ['read', ['-s', 'read-only']],
    ['write', ['-s', 'workspace-write']],
    ['full', ['--dangerously-bypass-approvals-and-sandbox']],
  ] as const)('states the sandbox for %s on start and resume alike', (access, flags) => {
    const common = ['codex', 'exec', '--json', ...flags, '--skip-git-repo-check', '-C', '/repo']
    expect(codex.start(request({ access }), null)).toEqual({ argv: [...common, '-'], env: {} })
    expect(codex.resume(request({ access }), THREAD).argv).toEqual([...common, 'resume', THREAD, '-'])
  })

  it('puts the agent arguments where a list option cannot swallow resume and its id', () => {
    const { argv } = codex.resume(request({ agentArgs: ['-m', 'x', '-i', 'a.png'] }), THREAD)
    expect(argv.slice(2, 7)).toEqual(['-m', 'x', '-i', 'a.png', '--json'])
    expect(argv.slice(-3)).toEqual(['resume', THREAD, '-'])
  })

  it('gives once what codex refuses to take twice', () => {
    const { argv } = codex.start(request({ agentArgs: ['--skip-git-repo-check', '--json', '--oss'] }), null)
    expect(argv.filter((arg) => arg === '--json' || arg === '--skip-git-repo-check')).toHaveLength(2)
    expect(argv).toContain('--oss')
  })
})

describe('refuse', () => {
  it.each([
    [['--full-auto'], '--access write'],
    [['-a', 'never'], '--access write'],
    [['--sandbox=read-only'], '--access'],
    [['-s', 'read-only'], '--access'],
    [['--yolo'], '--access'],
    [['-C', '/x'], '-C DIR'],
    [['--ephemeral'], 'leave it out'],
    [['--worktree'], '-C DIR'],
    [['--json', 'resume', THREAD], 'rca resume'],
    [['resume', '--last'], '--prompt'],
    [['do this'], '--prompt'],
    [['-m', 'x', '--', 'do this'], '--prompt'],
    [['-'], '--prompt'],
  ])('%j', (args, hint) => {
    const said = refusal(args)
    expect(said?.hint).toContain(hint)
    expect(said?.message).not.toContain('\n')
  })

  it.each([
    [['-m', 'o3']],
    [['-c', 'model_reasoning_effort=high', '--profile', 'fast', '-o', 'last.md']],
    [['--add-dir', '/repo/.git', '--skip-git-repo-check']],
  ])('lets %j pass', (args) => {
    expect(refusal(args)).toBeNull()
  })

  it('a blank prompt and one that is not UTF-8', () => {
    expect(refusal([], ' \n\t ')?.message).toBe('the prompt is blank')
    expect(codex.refuse(request(), Uint8Array.of(0x63, 0xe9))?.message).toContain('UTF-8')
    expect(refusal([], '/help me')).toBeNull()
  })
})

describe('parse', () => {
  const item = (type: string, fields: object, event = 'item.completed') =>
    codex.parse(JSON.stringify({ type: event, item: { id: 'item_1', type, ...fields } }))

  it('a command, from start to end', () => {
    const command = { command: 'exit 3', aggregated_output: 'no', status: 'failed', exit_code: 3 }
    expect(
      item('command_execution', { ...command, exit_code: null, status: 'in_progress' }, 'item.started'),
    ).toEqual([{ kind: 'tool-started', id: 'item_1', name: 'shell', input: 'exit 3' }])
    expect(item('command_execution', command)).toEqual([
      { kind: 'tool-finished', id: 'item_1', name: 'shell', ok: false, output: 'no' },
    ])
  })

  it('a changed file, an MCP call and a search', () => {
    const changes = [{ path: '/repo/n.txt', kind: 'add' }]
    expect(item('file_change', { changes, status: 'in_progress' }, 'item.started')).toMatchObject([
      { kind: 'tool-started', name: 'edit', input: 'add /repo/n.txt' },
    ])
    const call = {
      server: 'db',
      tool: 'query',
      arguments: { q: 1 },
      status: 'failed',
      error: { message: 'down' },
    }
    expect(item('mcp_tool_call', call)).toMatchObject([{ name: 'db.query', ok: false, output: 'down' }])
    expect(item('web_search', { query: 'tmux' })).toMatchObject([{ name: 'web_search', ok: true }])
  })

  it('what was declined is told as denied, and is no success', () => {
    expect(item('command_execution', { command: 'rm x', status: 'declined' })).toMatchObject([
      { kind: 'denied', message: 'shell: rm x' },
      { kind: 'tool-finished', ok: false },
    ])
  })

  it('its own retries are no errors', () => {
    const line = '{"type":"error","message":"Reconnecting... 2/5 (unexpected status 401)"}'
    expect(codex.parse(line)).toEqual([
      { kind: 'retry', message: 'Reconnecting... 2/5 (unexpected status 401)', delayMs: null },
    ])
  })

  it('the provider said no in JSON within JSON', () => {
    const message = JSON.stringify({ type: 'error', error: { type: 'x', message: 'no such thing' } })
    expect(codex.parse(JSON.stringify({ type: 'turn.failed', error: { message } }))).toEqual([
      { kind: 'finished', outcome: 'failed', message: 'no such thing' },
    ])
  })

  it('usage counts the whole thread', () => {
    const usage = {
      input_tokens: 400,
      cached_input_tokens: 160,
      output_tokens: 28,
      reasoning_output_tokens: 8,
    }
    const [event] = codex.parse(JSON.stringify({ type: 'turn.completed', usage }))
    expect(event).toEqual({
      kind: 'usage',
      cumulative: true,
      usage: { inputTokens: 400, cachedInputTokens: 160, outputTokens: 28, costUsd: null },
    })
  })

  it.each([
    '',
    'plain words',
    '{"type":"item.comp',
    '[1]',
    'null',
    '{"type":"item.completed"}',
    '{"type":"item.completed","item":{"type":"mcp_tool_call","result":7,"error":"x"}}',
    '{"type":"item.completed","item":{"type":"file_change","changes":[null,3]}}',
    '{"type":"turn.failed","error":"x"}',
    '{"type":"thread.started","thread_id":5}',
    '{"type":"new.thing","x":{}}',
  ])('never throws: %s', (line) => {
    expect(Array.isArray(codex.parse(line))).toBe(true)
  })
})

/** The events, the exit and stderr of a recorded run of codex-cli 0.169.0. */
function recorded(name: string): AttemptEnd & { readonly events: AgentEvent[] } {
  const file = join(FIXTURES, name)
  const { exit } = JSON.parse(readFileSync(`${file}.json`, 'utf8')) as { exit: Exit }
  const stderrTail = existsSync(`${file}.stderr`) ? readFileSync(`${file}.stderr`, 'utf8') : ''
  const events = readFileSync(`${file}.jsonl`, 'utf8')
    .split('\n')
    .flatMap((line) => codex.parse(line))
  return { summary: summarize(events), exit, stderrTail, events }
}

describe('judge', () => {
  it.each([
    ['done'],
    ['resumed'],
    ['resumed-after-sigint'],
    ['api-429'],
    ['api-500-recovered'],
    ['cut'],
    ['denied'],
  ])('%s completed', (name) => {
    const end = recorded(name)
    expect(codex.judge(end)).toEqual({ outcome: 'completed' })
    expect(codex.judge({ ...end, exit: { signal: 'SIGKILL' } })).toEqual({ outcome: 'completed' })
  })

  it.each([
    ['api-400', 'failed', 'api-error', 'scripted 400'],
    ['api-401', 'failed', 'not-logged-in', '401 Unauthorized'],
    ['api-500', 'failed', 'api-error', 'high demand'],
    ['bad-flag', 'failed', 'bad-arguments', "unexpected argument '--no-such-flag'"],
    ['killed-mid-tool', 'failed', 'crashed', 'ended by SIGKILL'],
    ['limit', 'failed', 'usage-limit', 'try again at'],
    ['not-logged-in', 'failed', 'not-logged-in', 'Missing environment variable'],
    ['not-logged-in-openai', 'failed', 'not-logged-in', '401 Unauthorized'],
    ['sigint', 'interrupted', 'interrupted', 'as after an interrupt'],
    ['sigterm', 'failed', 'crashed', 'ended by SIGTERM'],
    ['unknown-session', 'failed', 'no-such-session', 'no rollout found'],
  ])('%s: %s, %s', (name, outcome, cause, reason) => {
    expect(codex.judge(recorded(name))).toMatchObject({
      outcome,
      cause,
      reason: expect.stringContaining(reason),
    })
  })

  it('every recording parses, and what ended with 0 is complete', () => {
    const names = readdirSync(FIXTURES).filter((name) => name.endsWith('.jsonl'))
    for (const name of names.map((file) => file.slice(0, -'.jsonl'.length))) {
      const end = recorded(name)
      if (end.exit && 'code' in end.exit && end.exit.code === 0)
        expect(codex.judge(end), name).toEqual({ outcome: 'completed' })
    }
    expect(names.length).toBeGreaterThan(10)
  })

  const ended = (exit: Exit | null, stderrTail = '', summary = EMPTY_SUMMARY) =>
    codex.judge({ summary, exit, stderrTail })

  it('an exit code of 0 alone completes nothing', () => {
    expect(ended({ code: 0 })).toMatchObject({ outcome: 'unfinished', reason: 'no final event: exit code 0' })
    expect(ended(null)).toMatchObject({ cause: 'crashed', reason: expect.stringContaining('not recorded') })
  })

  it('words on stderr are found among log lines and headings', () => {
    const config =
      'Error loading config.toml:\n/h/config.toml:1:10: unclosed array, expected `]`\n  |\n1 | model = [\n  |  ^\n'
    expect(ended({ code: 1 }, config)).toMatchObject({
      cause: 'bad-arguments',
      reason: 'Error loading config.toml: /h/config.toml:1:10: unclosed array, expected `]`',
    })
    const git =
      'Reading additional input from stdin...\nNot inside a trusted directory and --skip-git-repo-check was not specified.\n'
    expect(ended({ code: 1 }, git)).toMatchObject({ cause: 'bad-arguments' })
    const busy = 'Error: thread/resume: thread 01a1 already has an active writer (code -32600)\n'
    expect(ended({ code: 1 }, busy)).toMatchObject({
      cause: 'crashed',
      hint: expect.stringContaining('another codex'),
    })
  })

  it('a crash after an error that codex had got over is a crash', () => {
    const summary = summarize([
      { kind: 'session', id: THREAD },
      { kind: 'retry', message: 'Reconnecting... 1/5 (unexpected status 401 Unauthorized)', delayMs: null },
    ])
    expect(ended({ code: 101 }, '', summary)).toMatchObject({ outcome: 'failed', cause: 'crashed' })
  })
})

describe('planResume', () => {
  let home: string
  const talked = summarize([{ kind: 'message', role: 'assistant', text: 'hi' }])
  const worked = summarize([{ kind: 'tool-started', id: 't', name: 'shell', input: 'make' }])

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'rca-codex-'))
  })
  afterEach(() => rm(home, { recursive: true }))

  async function store(day: string, text = '{"type":"session_meta"}\n{"torn'): Promise<void> {
    const file = join(home, '.codex/sessions', day, `rollout-2026-11-21T01-02-03-${THREAD}.jsonl`)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }
  const plan = (id: string | null, summary = EMPTY_SUMMARY, env: Record<string, string> = { HOME: home }) =>
    codex.planResume(request({ env }), id, async () => summary, noRun)

  it('resumes a stored thread, whatever the day, a torn last line included', async () => {
    await mkdir(join(home, '.codex/sessions/2026/11/22'), { recursive: true })
    await store('2025/02/03')
    expect(await plan(THREAD, worked)).toEqual({ kind: 'resume', sessionId: THREAD, note: null })
    expect(await plan(THREAD, talked)).toMatchObject({ kind: 'resume' })
    const env = { HOME: '/nowhere', CODEX_HOME: join(home, '.codex') }
    expect(await plan(THREAD, worked, env)).toMatchObject({ kind: 'resume' })
  })

  it('starts again a thread killed before it answered, which may not hold its prompt', async () => {
    const meta =
      '{"type":"session_meta","payload":{}}\n{"type":"event_msg","payload":{"type":"task_started"}}\n'
    const asked = '{"type":"response_item","payload":{"type":"message","role":"user","content":[]}}\n'
    await store('2026/11/21', `${meta}${asked}{"type":"response_item","payload":{"ty`)
    expect(await plan(THREAD)).toMatchObject({ kind: 'restart', sessionId: null })
    const call = '{"type":"response_item","payload":{"type":"function_call","name":"exec_command"}}\n'
    await store('2026/11/21', `${meta}${asked}${call}`)
    expect(await plan(THREAD)).toMatchObject({ kind: 'resume', sessionId: THREAD })
  })

  it('starts again where nothing was stored and nothing done', async () => {
    expect(await plan(THREAD)).toMatchObject({ kind: 'restart', sessionId: null })
    expect(await plan(THREAD, talked)).toMatchObject({ kind: 'restart', sessionId: null })
    expect(await plan(null)).toMatchObject({ kind: 'restart', sessionId: null })
    await store('2026/11/21', '')
    expect(await plan(THREAD)).toMatchObject({ kind: 'restart' })
  })

  it('never does work twice: the record is gone, or the id', async () => {
    expect(await plan(THREAD, worked)).toMatchObject({
      kind: 'impossible',
      hint: expect.stringContaining('CODEX_HOME'),
    })
    expect(await plan(null, worked)).toMatchObject({ kind: 'impossible' })
  })

  it('an id that is no UUID would silently begin a new thread', async () => {
    expect(await plan('not-a-uuid', worked)).toMatchObject({ kind: 'impossible' })
  })
})

describe('environment', () => {
  it('finds the variables that config.toml names', () => {
    const toml = `
model_provider = "corp"
# env_key = "OLD_KEY"
[model_providers.corp]
env_key = "CORP_LLM_KEY"
env_http_headers = { "X-Team" = "CORP_TEAM", 'X-B' = 'CORP_B' }
[mcp_servers.db]
bearer_token_env_var = "DB_TOKEN"
env_vars = ["PGHOST", "PGUSER"]
[model_providers.two.env_http_headers]
"X-Two" = "TWO_HEADER"
[other]
name = "not this"
`
    expect(envNamesFromConfig(toml).sort()).toEqual(
      ['CORP_B', 'CORP_LLM_KEY', 'CORP_TEAM', 'DB_TOKEN', 'PGHOST', 'PGUSER', 'TWO_HEADER'].sort(),
    )
  })
})
