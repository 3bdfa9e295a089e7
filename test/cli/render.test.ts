import { describe, expect, it } from 'vitest'
import type { AgentEvent } from '../../src/agents/event.ts'
import type { StatusJson } from '../../src/commands/status.ts'
import { COLOURED } from '../../src/render/colour.ts'
import { renderError } from '../../src/render/error.ts'
import { renderList } from '../../src/render/list.ts'
import { renderLogItem } from '../../src/render/log.ts'
import { PLAIN, wantsColour } from '../../src/render/paint.ts'
import { renderBrief, renderStarted, renderStatus } from '../../src/render/task.ts'
import { harmless, harmlessJson, oneLine } from '../../src/render/text.ts'
import type { NextJson } from '../../src/supervise/why.ts'
import type { TaskJson } from '../../src/task/json.ts'

const NOW = Date.parse('2026-01-02T12:00:00Z')

function task(over: Partial<TaskJson> = {}): TaskJson {
  return {
    ...{
      schema: 1,
      name: 'codex-fix',
      agent: 'codex',
      task: 'fix',
      state: 'running',
      reason: null,
      cause: null,
      hint: null,
    },
    ...{ cwd: '/repo', taskDir: '/state/tasks/codex-fix.abc', agentSessionId: null, attempts: 1 },
    ...{
      startedAt: '2026-01-02T11:00:00Z',
      updatedAt: null,
      endedAt: null,
      lastActivityAt: '2026-01-02T11:59:30Z',
    },
    ...{ nextAttemptAt: null, deadlineAt: null, exit: null, usage: null, queuedFollowUps: 0, denials: [] },
    ...{ access: 'write', restart: 'never', pid: 1, terminal: 'tmux', tmuxSocket: null },
    ...over,
  }
}

const NO_MONITOR = { running: false, pid: null, version: null, since: null, origin: null }
const NOTHING: NextJson = {
  ...{ what: 'nothing', why: 'never', at: null, guess: false, failures: 0, blockedBy: null },
}

function status(over: Partial<StatusJson> = {}): StatusJson {
  return {
    ...task(),
    ...{
      attemptList: [],
      evidence: [],
      processes: [],
      session: null,
      problems: [],
      notices: [],
      lastMessage: null,
    },
    ...{ next: NOTHING, deaths: [], doing: null, followUps: [], policy: null, monitor: NO_MONITOR },
    ...over,
  }
}

describe('text', () => {
  it.each([
    ['\u001b]0;title\u0007x', ']0;titlex'],
    ['\u001b[31mred\u001b[0m', '[31mred[0m'],
    ['\u009b31m', '31m'],
    ['a\r\nb\rc', 'a\nb\nc'],
    ['tab\tkept', 'tab\tkept'],
    ['abc\u202edef\u2066', 'abcdef'],
    ['\u0000\u0008\u007f', ''],
    ['ünï 漢字 🦀', 'ünï 漢字 🦀'],
  ])('harmless(%j)', (text, wanted) => {
    expect(harmless(text)).toBe(wanted)
  })

  it('oneLine cuts and folds', () => {
    expect(oneLine('  a\n\n b  ', 80)).toBe('a b')
    expect(oneLine('abcdef', 4)).toBe('abc…')
    expect(oneLine('abcd', 4)).toBe('abcd')
  })

  it('JSON keeps the value and shows no control character', () => {
    const value = { text: 'a\u001b[2J\u009b\u202e\u007f"\\ ü\n' }
    expect(JSON.parse(harmlessJson(value))).toEqual(value)
    expect(harmlessJson(value)).toBe('{"text":"a\\u001b[2J\\u009b\\u202e\\u007f\\"\\\\ ü\\n"}')
  })
})

describe('colour', () => {
  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ TERM: 'dumb' }, true, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
  ])('%j on a terminal (%s): %s', (env, tty, wanted) => {
    expect(wantsColour(env, tty)).toBe(wanted)
  })

  it('none gives the text back', () => {
    expect(PLAIN.bold(PLAIN.dim(PLAIN.state('done')))).toBe('done')
    expect(COLOURED.state('done')).toContain('\u001b[')
  })
})

describe('list', () => {
  it('is a table without colours or blanks at the ends of lines', () => {
    const tasks = [
      task(),
      task({ name: 'pi-docs', state: 'failed', reason: 'no login', lastActivityAt: null }),
    ]
    expect(renderList(tasks, NOW, PLAIN, 120)).toBe(
      [
        'TASK       STATE    STARTED  ACTIVE   TRIES  NOTE',
        'codex-fix  running  1h ago   30s ago  1      /repo',
        'pi-docs    failed   1h ago   -        1      no login',
        '',
      ].join('\n'),
    )
  })

  it('tells what was used, as far as it is known', () => {
    const usage = (inputTokens: number | null, costUsd: number | null = null) => ({
      ...{ inputTokens, cachedInputTokens: null, outputTokens: 400, costUsd },
    })
    const tasks = [
      task({ usage: usage(12_000, 0.348) }),
      task({ name: 'codex-docs', usage: usage(1_999_600) }),
      task({ name: 'codex-new', usage: usage(null) }),
      task({ name: 'codex-other' }),
    ]
    expect(renderList(tasks, NOW, PLAIN, 120)).toBe(
      [
        'TASK         STATE    STARTED  ACTIVE   TRIES  TOKENS       NOTE',
        'codex-fix    running  1h ago   30s ago  1      12.4k $0.35  /repo',
        'codex-docs   running  1h ago   30s ago  1      2.0M         /repo',
        'codex-new    running  1h ago   30s ago  1      400          /repo',
        'codex-other  running  1h ago   30s ago  1      -            /repo',
        '',
      ].join('\n'),
    )
  })

  it('says of a task that waits when it goes on', () => {
    const waits = { state: 'waiting', reason: 'no answer', nextAttemptAt: '2026-01-02T12:02:10Z' } as const
    const shown = (over: Partial<TaskJson>, supervised = true) =>
      renderList([task({ ...waits, ...over })], NOW, PLAIN, 120, supervised)
    expect(shown({})).toMatch(/1 {6}resumes in 2m 10s: no answer\n$/)
    expect(shown({ nextAttemptAt: '2026-01-02T11:59:00Z' })).toContain('resumes now: no answer')
    expect(shown({}, false)).toContain('resumes in 2m 10s, once a monitor runs: no answer')
  })

  it('says what to do where there is nothing', () => {
    expect(renderList([], NOW, PLAIN, 80)).toContain('rca start')
  })

  it('takes control out of a reason', () => {
    expect(renderList([task({ reason: 'x\u001b]0;t\u0007\ny' })], NOW, PLAIN, 120)).toContain('x]0;t y')
  })
})

describe('task', () => {
  it('started: what it is and what to do next', () => {
    const text = renderStarted(task({ agentSessionId: 'id-1' }), 'started', PLAIN)
    expect(text).toMatch(/^codex-fix started: running {2}conversation id-1\n/)
    expect(text).toContain('rca logs -f codex-fix')
    expect(text).toContain('rca wait codex-fix')
  })

  it('brief', () => {
    expect(renderBrief(task({ state: 'done' }), PLAIN)).toBe('codex-fix done\n')
    expect(renderBrief(task({ state: 'failed', reason: 'a\nb' }), PLAIN)).toBe('codex-fix failed: a b\n')
  })

  it('status: verdict, evidence, attempts, what was refused', () => {
    const text = renderStatus(
      status({
        ...{
          state: 'failed',
          reason: 'exit code 1',
          hint: 'log in',
          exit: { code: 1 },
          denials: ['shell: rm'],
        },
        usage: { inputTokens: 10, cachedInputTokens: null, outputTokens: 2, costUsd: 0.5 },
        attemptList: [
          ...[
            {
              number: 1,
              how: 'start',
              startedAt: 'T1',
              endedAt: 'T2',
              outcome: 'failed',
              exit: null,
              reason: 'why',
            },
          ],
          ...[
            { number: 2, how: null, startedAt: null, endedAt: null, outcome: null, exit: null, reason: null },
          ],
        ],
        ...{ evidence: ['it was seen'], processes: [{ pid: 7, command: 'sleep 9' }], lastMessage: 'the end' },
      }),
      NOW,
      PLAIN,
    )
    for (const part of [
      'codex-fix  failed',
      'exit code 1',
      'log in',
      'code 1',
      '10 in, 2 out, $0.5000',
      '1h ago',
    ])
      expect(text).toContain(part)
    for (const part of [
      '1  start  T1  failed: why',
      '2  ?  ?  under way',
      'it was seen',
      'shell: rm',
      '7  sleep 9',
    ])
      expect(text.replaceAll(/ +/g, ' ')).toContain(part.replaceAll(/ +/g, ' '))
    expect(text).toContain('the end')
  })

  it('status: the tally of deaths, who supervises, at most ten of each', () => {
    const at = '2026-01-02T11:59:00Z'
    const death = {
      at,
      outcome: 'failed',
      exit: { code: 1 },
      cause: 'crashed',
      reason: 'x\u001b[2J',
    } as const
    const many = Array.from({ length: 12 }, (_, index) => ({ ...death, attempt: index + 1 }))
    const deaths = many.map((one) => ({ ...one, progress: false, ranMs: 1_000 }))
    const monitor = { running: true, pid: 7, version: '1', since: at, origin: 'a verb' }
    const text = renderStatus(status({ deaths, monitor, doing: 'it runs ls' }), NOW, PLAIN)
    expect(text).toContain('  12 deaths: 12 exit code 1\n    … 2 earlier\n    attempt 3 ')
    expect(text).toContain(`attempt 12 exit code 1 after 1s, no progress, 1m ago (${at}): x[2J\n`)
    expect(text).toMatch(/doing +it runs ls\n/)
    expect(text).toMatch(/monitor +runs for 1m \(pid 7, rca 1\)\n/)
    expect(renderStatus(status({ deaths, monitor, state: 'failed' }), NOW, PLAIN)).not.toContain('(pid 7')
  })

  it('error: a line and a hint, harmless', () => {
    expect(renderError('what', 'hint')).toBe('rca: what\n     hint\n')
    expect(renderError('\u001b[2Jwhat', null)).toBe('rca: [2Jwhat\n')
  })
})

describe('logs', () => {
  it.each<[AgentEvent, string]>([
    [{ kind: 'session', id: 'id-1' }, 'conversation id-1\n'],
    [{ kind: 'turn' }, ''],
    [{ kind: 'message', role: 'assistant', text: 'two\nlines\n' }, 'two\nlines\n'],
    [{ kind: 'message', role: 'user', text: 'two\nlines' }, '> two lines\n'],
    [{ kind: 'tool-started', id: '1', name: 'shell', input: 'ls\n-l' }, '• shell ls -l\n'],
    [{ kind: 'tool-finished', id: '1', name: 'shell', ok: true, output: 'a\nb\n' }, '  a\n  b\n'],
    [{ kind: 'tool-finished', id: '1', name: 'shell', ok: false, output: 'no' }, '  ✗ no\n'],
    [{ kind: 'retry', message: 'again', delayMs: null }, 'waiting again\n'],
    [{ kind: 'denied', message: 'rm' }, 'refused for lack of permission: rm\n'],
    [{ kind: 'error', message: 'bad' }, 'error: bad\n'],
    [{ kind: 'finished', outcome: 'completed', message: 'x' }, 'completed\n'],
    [{ kind: 'finished', outcome: 'failed', message: 'x' }, 'failed: x\n'],
  ])('%j', (event, text) => {
    expect(renderLogItem({ kind: 'event', attempt: 1, event }, PLAIN)).toBe(text)
  })

  it('cuts a long output and says so', () => {
    const output = Array.from({ length: 20 }, (_, index) => `line ${index}`).join('\n')
    const event: AgentEvent = { kind: 'tool-finished', id: '1', name: null, ok: true, output }
    expect(renderLogItem({ kind: 'event', attempt: 1, event }, PLAIN)).toMatch(/line 7\n.*12 more lines\n$/)
  })

  it('attempts and stderr', () => {
    expect(renderLogItem({ kind: 'attempt', number: 2, how: 'resume', at: 'T' }, PLAIN)).toBe(
      '── attempt 2 (resume) T\n',
    )
    expect(renderLogItem({ kind: 'stderr', attempt: 1, text: '\u001b[1mbad' }, PLAIN)).toBe('stderr [1mbad\n')
  })
})
