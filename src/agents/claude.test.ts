import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claude } from './claude.ts'
import type { AttemptEnd, Exit, LaunchRequest, Run } from './driver.ts'
import { EMPTY_SUMMARY, summarize } from './summary.ts'

const FIXTURES = join(import.meta.dirname, '../../test/fixtures/events/claude')
const ID = '3f1c2f4e-6a4b-4c1d-9e57-0c8f2b1a7d10'
const noRun: Run = async () => ({ exit: { code: 0 }, stdout: '', stderr: '' })

function request(over: Partial<LaunchRequest> = {}): LaunchRequest {
  return {
    session: 'claude-x',
    cwd: '/repo',
    taskDir: '/state/x',
    access: 'write',
    agentArgs: [],
    env: { HOME: '/home/u' },
    taskId: ID,
    root: false,
    promptStart: 'go',
    ...over,
  }
}

const bytes = (text: string) => new TextEncoder().encode(text)
const parse = (event: object) => claude.parse(JSON.stringify(event))

describe('argv', () => {
  const READ = [
    '--permission-mode',
    'dontAsk',
    '--tools=Read,Glob,Grep,WebFetch,WebSearch,Agent,TaskCreate,TaskGet,TaskList,TaskUpdate',
    '--allowedTools=Read,Glob,Grep,WebFetch,WebSearch',
  ]
  const WRITE = [
    '--permission-mode',
    'acceptEdits',
    '--allowedTools=Bash,Read,Glob,Grep,WebFetch,WebSearch,Skill',
  ]

  it.each([
    ['read', READ],
    ['write', WRITE],
    ['full', ['--dangerously-skip-permissions']],
  ] as const)('%s, on start and resume', (level, flags) => {
    const common = ['claude', '-p', '--output-format', 'stream-json', '--verbose', ...flags]
    const asked = request({ access: level })
    expect(claude.start(asked, ID)).toEqual({ argv: [...common, '--session-id', ID], env: {} })
    expect(claude.resume(asked, ID).argv).toEqual([...common, '--resume', ID])
  })

  it('lifts the refusal of root for full access only', () => {
    expect(claude.start(request({ access: 'full', root: true }), ID).env).toEqual({ IS_SANDBOX: '1' })
    expect(claude.start(request({ access: 'write', root: true }), ID).env).toEqual({})
  })

  it('keeps a list option of the user away from the session id', () => {
    const { argv } = claude.start(request({ agentArgs: ['--model', 'm', '--allowedTools', 'mcp__db'] }), ID)
    expect(argv.slice(2, 7)).toEqual(['--model', 'm', '--allowedTools', 'mcp__db', '--output-format'])
    expect(argv.slice(-2)).toEqual(['--session-id', ID])
  })

  it('puts a blank in front of a prompt that would be a command', () => {
    const slash = request({ promptStart: '/help me' })
    expect(claude.start(slash, ID).argv.slice(-3)).toEqual(['--session-id', ID, ' '])
    expect(claude.resume(slash, ID).argv.slice(-3)).toEqual(['--resume', ID, ' '])
    expect(claude.start(request({ promptStart: ' /help' }), ID).argv.at(-1)).toBe(ID)
  })

  it('presets the id of the task', async () => {
    expect(await claude.presetSession(request())).toBe(ID)
  })
})

describe('refuse', () => {
  const refusal = (agentArgs: string[], prompt = 'go') => claude.refuse(request({ agentArgs }), bytes(prompt))

  it.each([
    [['--session-id', ID], 'rca resume'],
    [['--resume=x'], 'rca resume'],
    [['-r', 'x'], 'rca resume'],
    [['-c'], 'rca resume'],
    [['--fork-session'], 'rca resume'],
    [['--no-session-persistence'], 'rca resume'],
    [['--output-format', 'json'], 'leave it out'],
    [['--input-format=stream-json'], 'leave it out'],
    [['-p'], 'leave it out'],
    [['--permission-mode', 'plan'], '--access'],
    [['--dangerously-skip-permissions'], '--access'],
    [['--worktree'], '-C DIR'],
    [['--bg'], 'leave it out'],
    [['doctor'], '--prompt'],
    [['--model', 'm', '--', 'x'], '--prompt'],
  ])('%j', (args, hint) => {
    expect(refusal(args)?.hint).toContain(hint)
  })

  it.each([
    [['--model', 'opus', '--verbose']],
    [['--append-system-prompt', '-c is a flag']],
    [['--max-turns=3']],
  ])('lets %j pass', (args) => expect(refusal(args)).toBeNull())

  it('a blank prompt, bytes that are not UTF-8, and a command that the launch cannot defuse', () => {
    expect(refusal([], ' \n ')?.message).toBe('the prompt is blank')
    expect(claude.refuse(request(), Uint8Array.of(0x63, 0xe9))?.message).toContain('UTF-8')
    expect(refusal([], '/help me')).toBeNull()
    const { promptStart: _, ...blind } = request()
    expect(claude.refuse(blind, bytes('/help me'))?.message).toContain('commands')
    expect(claude.refuse(blind, bytes('help me'))).toBeNull()
  })
})

describe('parse', () => {
  it('the words of the program in the model’s place are no answer', () => {
    const content = [{ type: 'text', text: 'Not logged in · Please run /login' }]
    expect(parse({ type: 'assistant', message: { model: '<synthetic>', content } })).toEqual([
      { kind: 'error', message: 'Not logged in · Please run /login' },
    ])
  })

  it('a subagent’s tools count, its words do not', () => {
    const content = [
      { type: 'text', text: 'inner' },
      { type: 'tool_use', id: 't', name: 'Bash', input: { description: 'd', command: 'ls' } },
    ]
    expect(parse({ type: 'assistant', parent_tool_use_id: 'p', message: { model: 'm', content } })).toEqual([
      { kind: 'tool-started', id: 't', name: 'Bash', input: 'ls' },
    ])
  })

  it('the result of a tool, with its time', () => {
    const content = [
      { type: 'tool_result', tool_use_id: 't', is_error: true, content: [{ type: 'text', text: 'no' }] },
    ]
    expect(parse({ type: 'user', timestamp: '2026-11-21T01:07:30.671Z', message: { content } })).toEqual([
      { kind: 'tool-finished', id: 't', name: null, ok: false, output: 'no', at: '2026-11-21T01:07:30.671Z' },
    ])
  })

  it('a retry with its delay in whole milliseconds', () => {
    const retry = {
      type: 'system',
      subtype: 'api_retry',
      retry_delay_ms: 529.7,
      error_status: 401,
      error: 'authentication_failed',
    }
    expect(parse(retry)).toEqual([{ kind: 'retry', message: 'authentication_failed (401)', delayMs: 530 }])
  })

  it('usage once, with the cache counted in, then what was denied, then the end', () => {
    const usage = {
      input_tokens: 100,
      cache_creation_input_tokens: 3,
      cache_read_input_tokens: 40,
      output_tokens: 7,
    }
    const denial = { tool_name: 'Write', tool_use_id: 't', tool_input: { file_path: '/etc/x', content: 'y' } }
    const result = {
      type: 'result',
      subtype: 'success',
      is_error: false,
      result: 'ok',
      usage,
      total_cost_usd: 0.5,
    }
    expect(parse({ ...result, permission_denials: [denial] })).toEqual([
      { kind: 'usage', usage: { inputTokens: 143, cachedInputTokens: 40, outputTokens: 7, costUsd: 0.5 } },
      { kind: 'denied', message: 'Write: /etc/x' },
      { kind: 'finished', outcome: 'completed', message: 'ok' },
    ])
    expect(parse({ type: 'assistant', message: { model: 'm', usage, content: [] } })).toEqual([])
  })

  it('success in the subtype is not success', () => {
    expect(parse({ type: 'result', subtype: 'success', is_error: true, result: 'API Error: 500' })).toEqual([
      { kind: 'finished', outcome: 'failed', message: 'API Error: 500' },
    ])
    const turns = {
      type: 'result',
      subtype: 'error_max_turns',
      is_error: true,
      errors: ['Reached maximum number of turns (1)'],
    }
    expect(parse(turns)).toEqual([
      { kind: 'finished', outcome: 'failed', message: 'Reached maximum number of turns (1)' },
    ])
  })

  it.each([
    '',
    'Error: words',
    '{"type":"assist',
    '[]',
    '{"type":"assistant","message":{"content":"text"}}',
    '{"type":"user","message":null}',
    '{"type":"user","message":{"content":[null,1,{"type":"tool_result"}]}}',
    '{"type":"result"}',
    '{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1e300}}',
    '{"type":"system","subtype":"init"}',
  ])('never throws: %s', (line) => {
    expect(Array.isArray(claude.parse(line))).toBe(true)
  })
})

/** The events, the exit and stderr of a recorded run of Claude Code 2.1.197. */
function recorded(name: string): AttemptEnd {
  const file = join(FIXTURES, name)
  const { exit } = JSON.parse(readFileSync(`${file}.json`, 'utf8')) as { exit: Exit }
  const stderrTail = existsSync(`${file}.stderr`) ? readFileSync(`${file}.stderr`, 'utf8') : ''
  const events = readFileSync(`${file}.jsonl`, 'utf8').split('\n')
  return { summary: summarize(events.flatMap((line) => claude.parse(line))), exit, stderrTail }
}

describe('judge', () => {
  it.each([['done'], ['resumed'], ['resumed-after-sigint'], ['api-429'], ['api-500-recovered']])(
    '%s completed',
    (name) => {
      const end = recorded(name)
      expect(claude.judge(end)).toEqual({ outcome: 'completed' })
      expect(claude.judge({ ...end, exit: { code: 143 } })).toEqual({ outcome: 'completed' })
    },
  )

  it.each([
    ['api-400', 'failed', 'api-error', 'API Error: 400'],
    ['api-401', 'failed', 'not-logged-in', 'Failed to authenticate'],
    ['api-500', 'failed', 'api-error', 'API Error: 500'],
    ['bad-flag', 'failed', 'bad-arguments', "unknown option '--no-such-flag'"],
    ['bad-model', 'failed', 'bad-arguments', 'selected model'],
    ['cut', 'failed', 'api-error', 'Connection closed mid-response'],
    ['killed-mid-tool', 'failed', 'crashed', 'ended by SIGKILL'],
    ['limit', 'failed', 'usage-limit', '429'],
    ['limit-plan', 'failed', 'usage-limit', ', resets at 20'],
    ['not-logged-in', 'failed', 'not-logged-in', 'Not logged in'],
    ['sigint', 'interrupted', 'interrupted', 'aborted_tools'],
    ['sigterm', 'failed', 'crashed', 'ended by SIGTERM (exit code 143)'],
    ['unknown-session', 'failed', 'no-such-session', 'No conversation found'],
  ])('%s: %s, %s', (name, outcome, cause, reason) => {
    expect(claude.judge(recorded(name))).toMatchObject({
      outcome,
      cause,
      reason: expect.stringContaining(reason),
    })
  })

  it('every recording parses, and what ended with 0 is complete', () => {
    const names = readdirSync(FIXTURES).filter((name) => name.endsWith('.jsonl'))
    for (const name of names.map((file) => file.slice(0, -'.jsonl'.length))) {
      const end = recorded(name)
      const wellEnded = end.exit && 'code' in end.exit && end.exit.code === 0
      if (wellEnded && end.summary.final?.outcome !== 'interrupted') {
        expect(claude.judge(end), name).toEqual({ outcome: 'completed' })
      }
    }
    expect(names.length).toBeGreaterThan(10)
  })

  it('failures before the first answer count no progress', () => {
    for (const name of ['api-400', 'api-401', 'not-logged-in'])
      expect(recorded(name).summary.messages, name).toBe(0)
  })

  const ended = (exit: Exit | null, stderrTail = '', summary = EMPTY_SUMMARY) =>
    claude.judge({ summary, exit, stderrTail })

  it('SIGINT before the first answer: exit 0 and no result', () => {
    const summary = summarize(parse({ type: 'system', subtype: 'init', session_id: ID }))
    expect(ended({ code: 0 }, '', summary)).toMatchObject({ outcome: 'interrupted' })
    expect(ended({ code: 0 })).toMatchObject({ outcome: 'unfinished' })
    expect(ended({ signal: 'SIGINT' }, '', summary)).toMatchObject({ outcome: 'interrupted' })
  })

  it('a bound on turns can be raised', () => {
    const summary = summarize([
      { kind: 'finished', outcome: 'failed', message: 'Reached maximum number of turns (1)' },
    ])
    expect(ended({ code: 1 }, '', summary)).toMatchObject({ outcome: 'failed', cause: 'unfinished' })
  })

  it('root with full access', () => {
    const said =
      '--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons\n'
    expect(ended({ code: 1 }, said)).toMatchObject({ cause: 'permission', reason: said.trim() })
  })

  it('denials do not spoil a completed run', () => {
    const result = {
      type: 'result',
      subtype: 'success',
      is_error: false,
      permission_denials: [{ tool_name: 'Bash' }],
    }
    const summary = summarize(parse(result))
    expect(ended({ code: 0 }, '', summary)).toEqual({ outcome: 'completed' })
    expect(summary.denials).toEqual(['Bash: '])
  })
})

describe('planResume', () => {
  let home: string
  const talked = summarize([{ kind: 'message', role: 'assistant', text: 'hi' }])
  const worked = summarize([{ kind: 'tool-started', id: 't', name: 'shell', input: 'make' }])
  const QUEUED = '{"type":"queue-operation","operation":"enqueue","content":"go"}\n'
  const USER = '{"type":"user","message":{"role":"user","content":"go"}}\n'

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'rca-claude-'))
  })
  afterEach(() => rm(home, { recursive: true }))

  async function store(text: string, dir = '.claude'): Promise<string> {
    const file = join(home, dir, 'projects/-repo', `${ID}.jsonl`)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
    return file
  }
  const plan = (id: string | null, summary = EMPTY_SUMMARY, env: Record<string, string> = { HOME: home }) =>
    claude.planResume(request({ env }), id, async () => summary, noRun)

  it('resumes what holds a message, a torn last line included', async () => {
    await store(`${QUEUED}${USER}{"type":"assis`)
    expect(await plan(ID)).toEqual({ kind: 'resume', sessionId: ID, note: null })
    expect(await plan(null, worked)).toMatchObject({ kind: 'resume', sessionId: ID })
  })

  describe('a run that was killed after one that claude lived to end was forgotten and done again', () => {
    const message = (uuid: string, more = {}) =>
      `${JSON.stringify({ type: 'user', uuid, parentUuid: null, message: { role: 'user', content: 'go' }, ...more })}\n`
    const mark = (leafUuid: string) =>
      `${JSON.stringify({ type: 'last-prompt', lastPrompt: 'go', leafUuid, sessionId: ID })}\n`

    it.each([
      ['messages after the mark', `${message('a')}${mark('a')}${message('b')}${message('c')}`, 'c'],
      ['the torn line of one', `${message('a')}${mark('a')}${message('b')}{"type":"assis`, 'b'],
      [
        "a subagent's message",
        `${message('a')}${mark('a')}${message('b')}${message('s', { isSidechain: true })}`,
        'b',
      ],
    ])('%s: claude is told where the conversation ends', async (_, text, leaf) => {
      const file = await store(text)
      expect(await plan(ID)).toMatchObject({ kind: 'resume', note: expect.stringContaining('ends') })
      const now = await readFile(file, 'utf8')
      expect(now.startsWith(text)).toBe(true)
      expect(now.slice(text.length)).toBe(text.endsWith('\n') ? mark(leaf) : `\n${mark(leaf)}`)
      expect(await plan(ID)).toMatchObject({ kind: 'resume', note: null })
      expect(await readFile(file, 'utf8')).toBe(now)
    })

    it.each([
      ['a mark at the end', `${message('a')}${mark('a')}`],
      ['no mark at all', `${message('a')}${message('b')}`],
    ])('%s: nothing is written', async (_, text) => {
      const file = await store(text)
      expect(await plan(ID)).toMatchObject({ kind: 'resume', note: null })
      expect(await readFile(file, 'utf8')).toBe(text)
    })

    it('a long file whose mark is out of sight', async () => {
      const file = await store(
        `${message('a')}${mark('a')}${message('b', { text: 'x'.repeat(9 << 20) })}${message('c')}`,
      )
      await plan(ID)
      expect((await readFile(file, 'utf8')).endsWith('"leafUuid":"c","sessionId":"'.concat(ID, '"}\n'))).toBe(
        true,
      )
    })
  })

  it('looks under CLAUDE_CONFIG_DIR', async () => {
    await store(USER, 'elsewhere')
    expect(await plan(ID)).toMatchObject({ kind: 'restart' })
    const env = { HOME: home, CLAUDE_CONFIG_DIR: join(home, 'elsewhere') }
    expect(await plan(ID, EMPTY_SUMMARY, env)).toMatchObject({ kind: 'resume' })
  })

  it('starts again under the same id where nothing was stored', async () => {
    expect(await plan(ID)).toMatchObject({ kind: 'restart', sessionId: ID })
    expect(await plan(ID, talked)).toMatchObject({ kind: 'restart', sessionId: ID })
  })

  it.each([
    ['only the queue', QUEUED],
    ['nothing', ''],
    ['half a prompt', `${QUEUED}{"type":"user","mess`],
  ])('moves a file aside that can be neither resumed nor started again: %s', async (_, text) => {
    const file = await store(text)
    expect(await plan(ID)).toMatchObject({
      kind: 'restart',
      sessionId: ID,
      why: expect.stringContaining('moved'),
    })
    await expect(access(file)).rejects.toThrow('ENOENT')
    expect(readFileSync(`${file}.unused`, 'utf8')).toBe(text)
  })

  it('never does work twice: the record is gone', async () => {
    expect(await plan(ID, worked)).toMatchObject({ kind: 'impossible' })
    const file = await store(QUEUED)
    expect(await plan(ID, worked)).toMatchObject({ kind: 'impossible' })
    expect(readFileSync(file, 'utf8')).toBe(QUEUED)
  })
})
