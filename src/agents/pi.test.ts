import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Exit, LaunchRequest, Run } from './driver.ts'
import { pi } from './pi.ts'
import { EMPTY_SUMMARY, summarize } from './summary.ts'

const ID = '1a2b3c4d-0000-4000-8000-000000000000'
const never: Run = () => Promise.reject(new Error('pi needs no other program'))
const worked = { ...EMPTY_SUMMARY, toolsStarted: 1 }

let taskDir: string
let request: LaunchRequest
let file: string

beforeEach(() => {
  taskDir = mkdtempSync(join(tmpdir(), 'pi-test-'))
  file = join(taskDir, 'pi-session.jsonl')
  const env = { PATH: '/bin' }
  request = {
    session: 'pi-fix',
    cwd: '/repo',
    taskDir,
    access: 'full',
    agentArgs: [],
    env,
    taskId: ID,
    root: false,
  }
})
afterEach(() => rmSync(taskDir, { recursive: true }))

const stored = (role: string, id: string) =>
  `${JSON.stringify({ type: 'message', id, message: { role, content: [{ type: 'text', text: 'é' }] } })}\n`
const entries = () => readFileSync(file, 'utf8').split('\n')
const plan = (summary = EMPTY_SUMMARY) => pi.planResume(request, ID, async () => summary, never)

describe('argv', () => {
  it('is the same for a start and a resume', () => {
    request = { ...request, agentArgs: ['--model', 'x'] }
    const expected = {
      argv: ['pi', '--mode', 'json', '--session', file, '--model', 'x'],
      env: {},
      dropLinesWith: '"type":"message_update"',
    }
    expect(pi.start(request, ID)).toEqual(expected)
    expect(pi.resume(request, ID)).toEqual(expected)
  })

  it('leaves `read` only the tools that look', () => {
    for (const launch of [pi.start, pi.resume]) {
      expect(launch({ ...request, access: 'read' }, ID).argv.slice(-2)).toEqual([
        '--tools',
        'read,grep,find,ls',
      ])
      expect(launch({ ...request, access: 'write' }, ID).argv).not.toContain('--tools')
    }
  })
})

describe('refuse', () => {
  const refused = (agentArgs: string[], prompt: Uint8Array = Buffer.from('do it'), access = request.access) =>
    pi.refuse({ ...request, agentArgs, access }, prompt)?.message ?? null

  it.each([
    [['--session', 'x'], '--session'],
    [['--session-dir', 'x'], '--session-dir'],
    [['--no-session'], '--no-session'],
    [['-c'], '-c'],
    [['--resume'], '--resume'],
    [['--fork=x'], '--fork'],
    [['--mode', 'text'], '--mode'],
    [['-p', 'do it'], '-p'],
    [['--print'], '--print'],
    [['--list-models'], '--list-models'],
    [['fix', 'it'], '"fix"'],
    [['@file.md'], '"@file.md"'],
    [['--verbose', 'fix'], '"fix"'],
    [['--model', 'x', 'fix'], '"fix"'],
  ])('%j', (args, word) => expect(refused(args)).toContain(word))

  it.each([
    [['--provider', 'lab', '--model', 'x', '--thinking', 'high']],
    [['-ne', '--tools', 'read,bash', '-e', './ext.ts']],
    [['--append-system-prompt', '- be brief', '--plan']],
  ])('lets %j through', (args) => expect(refused(args)).toBeNull())

  it('decides about the tools itself where the agent may only look', () => {
    expect(refused(['--tools', 'bash'], undefined, 'read')).toContain('--tools')
    expect(refused(['-t', 'bash'], undefined, 'read')).toContain('-t')
  })

  it('takes prompts that look like options, but none that is blank or not UTF-8', () => {
    for (const prompt of ['--help', '/help me', '@file', '-x'])
      expect(refused([], Buffer.from(prompt))).toBeNull()
    expect(refused([], Buffer.from(' \n\u00a0'))).toMatch(/empty/)
    expect(refused([], Buffer.from([0xff]))).toMatch(/UTF-8/)
  })
})

describe('the session file', () => {
  it('is there, private and with the id of the task before pi starts', async () => {
    expect(await pi.presetSession(request)).toBe(ID)
    const [header, ...rest] = entries()
    expect(JSON.parse(header ?? '')).toMatchObject({ type: 'session', version: 3, id: ID, cwd: '/repo' })
    expect(rest).toEqual([''])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('is resumed as it is when it is whole', async () => {
    await pi.presetSession(request)
    writeFileSync(file, stored('user', 'u') + stored('assistant', 'a'), { flag: 'a' })
    const before = readFileSync(file)
    expect(await plan(worked)).toEqual({ kind: 'resume', sessionId: ID, note: null })
    expect(readFileSync(file)).toEqual(before)
  })

  it('loses a partial last line to a file beside it', async () => {
    await pi.presetSession(request)
    writeFileSync(file, stored('assistant', 'a'), { flag: 'a' })
    const before = readFileSync(file)
    // Cut in the middle of a letter of two bytes.
    const torn = Buffer.concat([Buffer.from('{"type":"message","text":"'), Buffer.from([0xc3])])
    writeFileSync(file, torn, { flag: 'a' })
    expect(await plan(worked)).toMatchObject({ kind: 'resume', note: expect.stringContaining('27 bytes') })
    expect(readFileSync(file)).toEqual(before)
    const [aside = ''] = readdirSync(taskDir).filter((name) => name.startsWith('pi-session.cut-'))
    expect(readFileSync(join(taskDir, aside))).toEqual(torn)
    expect(await plan(worked)).toMatchObject({ note: null })
  })

  it('keeps a last line that lacks only its end', async () => {
    await pi.presetSession(request)
    writeFileSync(file, stored('user', 'u') + stored('assistant', 'a').trimEnd(), { flag: 'a' })
    expect(await plan(worked)).toMatchObject({ kind: 'resume', note: null })
    expect(entries().at(-2)).toBe(stored('assistant', 'a').trimEnd())
    expect(entries().at(-1)).toBe('')
  })

  it('gets a new header where pi would empty it for want of one', async () => {
    writeFileSync(file, `garbage\n${stored('assistant', 'a')}`)
    expect(await plan(worked)).toMatchObject({ kind: 'resume', note: expect.stringContaining('header') })
    expect(JSON.parse(entries()[0] ?? '')).toMatchObject({ type: 'session', id: ID })
    expect(readFileSync(file, 'utf8')).toContain(stored('assistant', 'a'))
  })

  it('is started afresh when no answer was stored, so that the prompt is not asked twice', async () => {
    await pi.presetSession(request)
    expect(await plan()).toMatchObject({ kind: 'restart', sessionId: ID })
    writeFileSync(file, stored('user', 'u'), { flag: 'a' })
    expect(await plan()).toMatchObject({ kind: 'restart', sessionId: ID })
    expect(readFileSync(file, 'utf8')).not.toContain('"role":"user"')
    expect(readdirSync(taskDir).some((name) => name.startsWith('pi-session.unanswered-'))).toBe(true)
  })

  it('is made again when it is gone, unless work was done', async () => {
    expect(await plan(worked)).toMatchObject({ kind: 'impossible', hint: expect.any(String) })
    expect(existsSync(file)).toBe(false)
    expect(await plan()).toMatchObject({ kind: 'restart', sessionId: ID })
    expect(await plan(worked)).toMatchObject({ kind: 'impossible' })
  })
})

const parseAll = (text: string) => text.split('\n').flatMap((line) => pi.parse(line))
const answer = (stopReason: string, rest: object = {}) => {
  const usage = { input: 10, output: 7, cacheRead: 5, cost: { total: 0.5 } }
  const content = [
    { type: 'text', text: 'Hi' },
    { type: 'toolCall', id: 'c', name: 'bash' },
  ]
  const message = { role: 'assistant', content, usage, stopReason, timestamp: 1795222963017, ...rest }
  return JSON.stringify({ type: 'message_end', message })
}

describe('events', () => {
  it('translates an answer', () => {
    const at = '2026-11-21T01:02:43.017Z'
    expect(pi.parse(answer('stop'))).toEqual([
      { at, kind: 'message', role: 'assistant', text: 'Hi' },
      { at, kind: 'usage', usage: { inputTokens: 15, cachedInputTokens: 5, outputTokens: 7, costUsd: 0.5 } },
      { at, kind: 'finished', outcome: 'completed', message: null },
    ])
  })

  it('translates a tool call', () => {
    const call = { toolCallId: 'c', toolName: 'bash' }
    const result = { content: [{ type: 'text', text: 'a\n' }] }
    const lines = [
      { type: 'tool_execution_start', ...call, args: { command: 'ls' } },
      { type: 'tool_execution_end', ...call, result, isError: true },
    ]
    expect(parseAll(lines.map((one) => JSON.stringify(one)).join('\n'))).toEqual([
      { kind: 'tool-started', id: 'c', name: 'bash', input: 'ls' },
      { kind: 'tool-finished', id: 'c', name: 'bash', ok: false, output: 'a\n' },
    ])
  })

  it.each([
    '',
    '{',
    'null',
    '{"type":"message_end"}',
    '{"type":"message_end","message":7}',
    '{"type":"session"}',
  ])('survives %j', (text) => expect(pi.parse(text)).toEqual([]))
})

describe('judge', () => {
  const session = JSON.stringify({ type: 'session', id: ID })
  const turn = '{"type":"turn_start"}'
  const end = '{"type":"agent_end","messages":[]}'
  const error = (errorMessage: string) => answer('error', { content: [], errorMessage })
  const retry = '{"type":"auto_retry_start","attempt":1,"delayMs":2000,"errorMessage":"500 oops"}'
  const gaveUp = '{"type":"auto_retry_end","success":false,"attempt":3,"finalError":"429 quota exceeded"}'
  const noKey = 'No API key found for the selected model.\n\nUse /login to log into a provider\n'

  it.each<[string, string[], Exit | null, string, object]>([
    ['done', [session, turn, answer('stop'), end], { code: 0 }, '', { outcome: 'completed' }],
    [
      'recovered',
      [turn, error('500 oops'), end, retry, turn, answer('stop')],
      { code: 0 },
      '',
      { outcome: 'completed' },
    ],
    ['in a retry', [turn, error('500 oops'), end, retry], { code: 0 }, '', { outcome: 'unfinished' }],
    ['gave up', [turn, retry, gaveUp], { code: 0 }, '', { outcome: 'failed', cause: 'usage-limit' }],
    [
      'mid-way',
      [turn, answer('toolUse')],
      { code: 0 },
      '',
      { outcome: 'unfinished', reason: 'ended without a final answer' },
    ],
    [
      'cut',
      [turn, answer('length')],
      { code: 0 },
      '',
      { reason: 'no final answer: the answer broke off: length' },
    ],
    ['401', [turn, error('401 no'), end], { code: 0 }, '', { cause: 'not-logged-in', reason: '401 no' }],
    ['400', [turn, error('400 no'), end], { code: 0 }, '', { cause: 'api-error', hint: null }],
    ['no key', [session], { code: 1 }, noKey, { cause: 'not-logged-in', reason: noKey.split('\n')[0] }],
    ['bad flag', [], { code: 1 }, 'Error: Unknown option: --x\n', { cause: 'bad-arguments' }],
    ['no session', [], { code: 1 }, "No session found matching 'x'\n", { cause: 'no-such-session' }],
    ['nothing asked', [session], { code: 0 }, '', { outcome: 'failed', cause: 'bad-prompt' }],
    ['SIGTERM', [turn, answer('toolUse')], { code: 143 }, '', { outcome: 'failed', cause: 'crashed' }],
    ['Ctrl-C', [turn], { signal: 'SIGINT' }, '', { outcome: 'interrupted' }],
    ['unrecorded', [turn], null, '', { outcome: 'unfinished' }],
  ])('%s', (_name, lines, exit, stderrTail, verdict) =>
    expect(pi.judge({ summary: summarize(parseAll(lines.join('\n'))), exit, stderrTail })).toMatchObject(
      verdict,
    ),
  )
})

describe('recorded runs', () => {
  const folder = new URL('../../test/fixtures/events/pi/', import.meta.url)
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : []
  /** What a recording's name says of its end. */
  const expected: [RegExp, object][] = [
    [/^(done|resumed|.*-recovered|cut|reset|api-429)/, { outcome: 'completed' }],
    [/^sigint/, { outcome: 'interrupted' }],
    [/^(killed|sig)/, { outcome: 'failed', cause: 'crashed' }],
    // OpenAI's words for an account that has nothing left to pay with.
    [/^limit/, { cause: 'usage-limit', resetsAt: null, hint: expect.stringContaining('credit') }],
    [/^(bad-flag|bad-model)/, { outcome: 'failed', cause: 'bad-arguments' }],
    [/^(api-401|not-logged-in)/, { outcome: 'failed', cause: 'not-logged-in' }],
    [/^api-(400|500)/, { outcome: 'failed', cause: 'api-error' }],
  ]

  it.each(names)('%s', (name) => {
    const read = (ending: string) => {
      const path = new URL(name.replace(/json$/, ending), folder)
      return existsSync(path) ? readFileSync(path, 'utf8') : ''
    }
    const { exit } = JSON.parse(read('json')) as { exit: Exit }
    const verdict = pi.judge({
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
    const home = mkdtempSync(join(tmpdir(), 'rca-pi-'))
    const folder = join(home, join('.pi', 'agent'))
    expect(pi.envNamesInConfig?.({ HOME: home })).toEqual([])
    mkdirSync(folder, { recursive: true })
    writeFileSync(
      join(folder, 'models.json'),
      '{"providers":{"lab":{"apiKey":"LAB_KEY"},"b":{"apiKey": "sk-not-a-name"}}}',
    )
    expect(pi.envNamesInConfig?.({ HOME: home })).toEqual(['LAB_KEY'])
    rmSync(home, { recursive: true })
  })
})
