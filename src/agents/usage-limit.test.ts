import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claude } from './claude.ts'
import { codex } from './codex.ts'
import type { AgentName, Driver, Exit, Verdict } from './driver.ts'
import { opencode } from './opencode.ts'
import { pi } from './pi.ts'
import { summarize } from './summary.ts'

const DRIVERS: Record<AgentName, Driver> = { codex, claude, opencode, pi }
const AGENTS = ['codex', 'claude', 'opencode', 'pi'] as const

/** A Saturday. */
const ENDED = Date.parse('2026-11-21T01:15:28Z')

const zone = process.env.TZ
beforeAll(() => {
  process.env.TZ = 'UTC'
})
afterAll(() => {
  if (zone === undefined) delete process.env.TZ
  else process.env.TZ = zone
})

/** What each agent prints at the end of a run that failed with these words. */
const LINES: Record<AgentName, (words: string) => object[]> = {
  codex: (message) => [
    { type: 'thread.started', thread_id: 't' },
    { type: 'error', message },
    { type: 'turn.failed', error: { message } },
  ],
  claude: (result) => [
    { type: 'system', subtype: 'init', session_id: 's' },
    { type: 'result', subtype: 'success', is_error: true, result },
  ],
  opencode: (message) => [{ type: 'error', sessionID: 's', error: { name: 'APIError', data: { message } } }],
  pi: (errorMessage) => [
    { type: 'session', id: 's' },
    { type: 'turn_start' },
    { type: 'message_end', message: { role: 'assistant', content: [], stopReason: 'error', errorMessage } },
  ],
}

function judge(agent: AgentName, lines: readonly object[], endedMs: number | null = ENDED): Verdict {
  const driver = DRIVERS[agent]
  const summary = summarize(lines.flatMap((line) => driver.parse(JSON.stringify(line))))
  const exit = { code: agent === 'pi' ? 0 : 1 }
  return driver.judge({ summary, exit, stderrTail: '', ...(endedMs === null ? {} : { endedMs }) })
}

const said = (agent: AgentName, words: string, endedMs: number | null = ENDED) =>
  judge(agent, LINES[agent](words), endedMs)

const limit = (resetsAt: string | null, hint = 'wait for the reset') => ({
  outcome: 'failed',
  cause: 'usage-limit',
  resetsAt,
  hint: expect.stringContaining(hint),
})

describe.each([
  ['codex', 'You’ve hit your usage limit. Try again at 2:12 AM.', '2026-11-21T02:12:00.000Z'],
  [
    'codex',
    "You've hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), visit https://chatgpt.com/codex/settings/usage to purchase more credits or try again at Nov 24th, 2026 3:45 PM.",
    '2026-11-24T15:45:00.000Z',
  ],
  [
    'codex',
    "You've hit your usage limit for gpt-x. Switch to another model now, or try again at 3:45 PM.",
    '2026-11-21T15:45:00.000Z',
  ],
  [
    'codex',
    "You've hit your usage limit. To get more access now, send a request to your admin or try again in 3 days 6 hours 57 minutes.",
    '2026-11-24T08:12:28.000Z',
  ],
  ['codex', "You've hit your usage limit. Try again later.", null],
  ['codex', 'exceeded retry limit, last status: 429 Too Many Requests, request id: x', null],
  ['claude', "You've hit your session limit · resets 3pm", '2026-11-21T15:00:00.000Z'],
  ['claude', "You've hit your weekly limit · resets Nov 24 at 7pm", '2026-11-24T19:00:00.000Z'],
  ['claude', "You've hit your Opus limit · resets Nov 24, 9am (Europe/Rome)", '2026-11-24T08:00:00.000Z'],
  [
    'claude',
    "You've hit your session limit · resets 5:40pm (Europe/Berlin)\n/login to switch to an API usage-billed account.",
    '2026-11-21T16:40:00.000Z',
  ],
  ['claude', '5-hour limit reached ∙ resets 3pm', '2026-11-21T15:00:00.000Z'],
  [
    'claude',
    'Claude usage limit reached. Your limit will reset at 3pm (America/New_York).',
    '2026-11-21T20:00:00.000Z',
  ],
  ['claude', 'Claude AI usage limit reached|1795227328', '2026-11-21T02:15:28.000Z'],
  ['claude', "You're out of extra usage · resets 9am (America/Cordoba)", '2026-11-21T12:00:00.000Z'],
  [
    'claude',
    "You've hit your monthly spend limit · your session limit resets 2:40pm (Asia/Jakarta)",
    '2026-11-21T07:40:00.000Z',
  ],
  ['claude', 'API Error: Request rejected (429) · this may be a temporary capacity issue.', null],
  [
    'claude',
    "API Error: 429 This request would exceed your account's rate limit. Please try again later.",
    null,
  ],
  ['opencode', 'Weekly usage limit reached. It will reset in 1 day 4 hours.', '2026-11-22T05:15:28.000Z'],
  ['opencode', 'Free usage exceeded, subscribe to Go', null],
  ['opencode', 'The usage limit has been reached', null],
  [
    'opencode',
    'Weekly/Monthly Limit Exhausted. Your limit will reset at 2026-11-25 02:06:16',
    '2026-11-25T02:06:16.000Z',
  ],
  ['opencode', 'Error from provider (Console): Rate limit exceeded. Please try again later.', null],
  [
    'pi',
    'You have hit your ChatGPT usage limit (plus plan). Try again in ~30 min.',
    '2026-11-21T01:45:28.000Z',
  ],
  [
    'pi',
    `Codex error: {"type":"error","error":{"type":"usage_limit_reached","resets_at":1795227328},"x":"${'-'.repeat(900)}"}`,
    '2026-11-21T02:15:28.000Z',
  ],
  [
    'pi',
    `Codex error: {"x":"${'-'.repeat(900)}","error":{"type":"usage_limit_reached","resets_at":1795227328}}`,
    '2026-11-21T02:15:28.000Z',
  ],
  [
    'pi',
    'Cloud Code Assist API error (429): You have exhausted your capacity on this model. Your quota will reset after 8h44m7s.',
    '2026-11-21T09:59:35.000Z',
  ],
  [
    'pi',
    'You exceeded your current quota, please check your plan and billing details. Please retry in 41s.',
    '2026-11-21T01:16:09.000Z',
  ],
  ['pi', '429 status code (no body)', null],
] as const)('%s: %s', (agent, words, resetsAt) => {
  it('is a usage limit, with its end where that is stated', () =>
    expect(said(agent, words)).toMatchObject(limit(resetsAt)))
})

describe.each(AGENTS)('%s', (agent) => {
  it.each([
    'insufficient_quota',
    '429 You exceeded your current quota, please check your plan and billing details.',
    'Quota exceeded. Check your plan and billing details.',
    'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
    'Credit balance is too low',
    'Insufficient Balance',
    'Insufficient credits. Add more using https://openrouter.ai/settings/credits',
    'Your workspace is out of credits. Ask your workspace owner to refill in order to continue.',
    'You hit your spend cap set in your workspace. Increase your spend cap to continue.',
    'To use Codex with your ChatGPT plan, upgrade to Plus: https://chatgpt.com/explore/plus.',
    '402 Payment Required',
  ])('a spent balance needs credit: %s', (words) =>
    expect(said(agent, words)).toMatchObject(limit(null, 'add credit')),
  )

  it.each(['Rate limit reached for requests', 'Too Many Requests', 'rate_limit_error'])(
    'a plain rate limit: %s',
    (words) => expect(said(agent, words)).toMatchObject(limit(null)),
  )

  it.each([
    'API Error: 529 Overloaded. This is a server-side issue, usually temporary — try again in a moment.',
    '529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
    'API Error: Server is temporarily limiting requests (not your usage limit) · Rate limited',
    'Selected model is at capacity. Please try a different model.',
    "We're currently experiencing high demand, which may cause temporary errors.",
    'Disk quota exceeded (os error 122)',
  ])('no limit of the account: %s', (words) => {
    const verdict = said(agent, words)
    expect(verdict).toMatchObject({ outcome: 'failed', cause: 'api-error' })
    expect(verdict).not.toHaveProperty('resetsAt')
  })

  it('reads no relative words where nobody knows when they were said', () => {
    expect(said(agent, "You've hit your usage limit. Try again in 2 hours.", null)).toMatchObject(limit(null))
    expect(said(agent, 'usage limit reached, resets at 2026-11-21T02:15:28Z', null)).toMatchObject(
      limit('2026-11-21T02:15:28.000Z'),
    )
  })

  it('shows the reason in one line, however long the words are', () => {
    const verdict = said(agent, `usage limit reached\n${'x'.repeat(2000)}\ntry again in 2 hours`)
    expect(verdict).toMatchObject({
      ...limit('2026-11-21T03:15:28.000Z'),
      reason: expect.not.stringContaining('\n'),
    })
  })
})

describe('claude', () => {
  const event = (resetsAt: unknown) => ({
    type: 'rate_limit_event',
    rate_limit_info: { status: 'rejected', resetsAt, rateLimitType: 'five_hour' },
  })
  const words = "You've hit your session limit · resets 2:15am (UTC)"

  it('told exactly, in the event before: that counts for more than the words', () =>
    expect(judge('claude', [event(1_795_227_328), ...LINES.claude(words)])).toMatchObject(
      limit('2026-11-21T02:15:28.000Z'),
    ))
  it('the words count where the event says nothing that can be', () => {
    for (const resetsAt of [undefined, 'soon', 1_795_220_000, 1e300])
      expect(judge('claude', [event(resetsAt), ...LINES.claude(words)]), String(resetsAt)).toMatchObject(
        limit('2026-11-21T02:15:00.000Z'),
      )
  })
  it('a full context is no usage limit', () =>
    expect(said('claude', 'Context limit reached · /compact or /clear to continue')).toMatchObject({
      cause: 'bad-prompt',
    }))
})

describe('opencode', () => {
  const failed = (data: object) => [
    { type: 'error', sessionID: 's', error: { name: 'APIError', data: { message: 'slow down', ...data } } },
  ]
  it.each([
    [{ responseHeaders: { 'retry-after': '3600' } }, '2026-11-21T02:15:28.000Z'],
    [{ responseHeaders: { 'retry-after': 'Sat, 21 Nov 2026 03:00:00 GMT' } }, '2026-11-21T03:00:00.000Z'],
    [
      {
        responseHeaders: { 'retry-after': '5' },
        responseBody: '{"error":{"type":"usage_limit_reached","resets_at":1795227328}}',
      },
      '2026-11-21T02:15:28.000Z',
    ],
    [{ responseHeaders: { date: 'Sat, 21 Nov 2026 01:15:54 GMT' }, responseBody: '<html>' }, null],
    [{ responseBody: '{"error":{"resets_at":1e300}}' }, null],
    [{ responseHeaders: 7, responseBody: 7 }, null],
  ])('finds in the answer of the provider when it will serve again: %j', (data, resetsAt) =>
    expect(judge('opencode', failed({ statusCode: 429, ...data }))).toMatchObject(limit(resetsAt)),
  )
  it('does not look there for other errors', () =>
    expect(
      judge('opencode', failed({ statusCode: 500, responseHeaders: { 'retry-after': '5' } })),
    ).toMatchObject({ cause: 'api-error', reason: 'slow down (HTTP 500)' }))
})

describe('recorded limits', () => {
  function recorded(agent: AgentName, name: string): Verdict {
    const file = join(import.meta.dirname, '../../test/fixtures/events', agent, name)
    const { exit } = JSON.parse(readFileSync(`${file}.json`, 'utf8')) as { exit: Exit }
    const stderrTail = existsSync(`${file}.stderr`) ? readFileSync(`${file}.stderr`, 'utf8') : ''
    const events = readFileSync(`${file}.jsonl`, 'utf8').split('\n').flatMap(DRIVERS[agent].parse)
    return DRIVERS[agent].judge({ summary: summarize(events), exit, stderrTail, endedMs: ENDED })
  }

  it.each([
    ['codex', 'limit', '2026-11-21T02:12:00.000Z', 'wait'],
    ['claude', 'limit', null, 'wait'],
    ['claude', 'limit-plan', '2026-11-21T02:15:28.000Z', 'wait'],
    ['pi', 'limit', null, 'add credit'],
  ] as const)('%s %s', (agent, name, resetsAt, hint) =>
    expect(recorded(agent, name)).toMatchObject(limit(resetsAt, hint)),
  )
  it('none of the other failures states a reset', () => {
    for (const agent of AGENTS)
      for (const name of ['api-400', 'api-500', 'api-401', 'sigterm'])
        expect(recorded(agent, name), `${agent} ${name}`).not.toHaveProperty('resetsAt')
  })
})
