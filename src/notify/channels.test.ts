import { describe, expect, it } from 'vitest'
import { iso } from '../../test/fixtures/entries.ts'
import { specFixture } from '../../test/fixtures/spec.ts'
import { noticeVariables, wordsOf } from './command.ts'
import { desktopCommand } from './desktop.ts'
import { discordBody } from './discord.ts'
import { compose, type Notice, shorten } from './notice.ts'
import { ntfyBody, ntfyTarget } from './ntfy.ts'
import type { Occurrence } from './occurrences.ts'
import { eventArguments, messageArguments } from './openclaw.ts'
import { slackBody } from './slack.ts'
import { signature } from './webhook.ts'

const occurrence = (some: Partial<Occurrence> = {}): Occurrence => ({
  id: 'task-id.2.failed',
  event: 'failed',
  at: iso(720_000),
  attempt: 2,
  reason: 'not logged in',
  hint: 'codex login',
  cause: 'not-logged-in',
  until: null,
  ...some,
})
const noticed = (some: Partial<Occurrence> = {}, message: string | null = null): Notice =>
  compose(specFixture(), '/state/x', occurrence(some), { message, mask: (text) => text })
const NASTY = '<!channel> & *bold* `code` @everyone $(id) "q" \'q\' \\ \u001b[31m%'

describe('compose', () => {
  it.each<[Partial<Occurrence>, string | null, string, string]>([
    [
      { event: 'done', reason: null, hint: null },
      'All 3 pass.',
      'codex-x: done',
      'After 2 attempts, 12m.\nAll 3 pass.',
    ],
    [{}, 'Half way', 'codex-x: failed', 'not logged in. After 2 attempts, 12m.\ncodex login\nHalf way'],
    [{ event: 'gave-up', hint: null }, null, 'codex-x: given up', 'not logged in. After 2 attempts, 12m.'],
    [{ event: 'crashed' }, null, 'codex-x: broke off', 'not logged in. It goes on by itself.'],
    [{ event: 'resumed' }, null, 'codex-x: goes on', 'Attempt 2 of the same conversation.'],
    [{ event: 'waiting', until: iso(0), reason: 'limit' }, null, 'codex-x: waits', `Until ${iso(0)}: limit.`],
    [{ event: 'stalled', reason: 'silent!' }, null, 'codex-x: is silent', 'silent!'],
    [{ event: 'progress', reason: 'shell: ls' }, null, 'codex-x: at work', 'shell: ls'],
    [{ event: 'killed', reason: 'killed by ann' }, null, 'codex-x: killed', 'killed by ann.'],
    [{ event: 'started' }, null, 'codex-x: started', 'The agent is at work.'],
  ])('%j', (some, message, title, text) => {
    expect(noticed(some, message)).toMatchObject({ title, text })
  })

  it('masks before it shortens: a secret that is cut in two would be there in part', () => {
    const long = `${'x'.repeat(1_990)}sk-0123456789`
    const mask = (text: string) => text.replaceAll('sk-0123456789', '$KEY')
    const { message } = compose(specFixture(), '/x', occurrence(), { message: long, mask })
    expect(message).not.toContain('sk-')
  })

  it('holds nothing that a terminal would obey', () => {
    expect(JSON.stringify(noticed({ reason: 'a\u001b]0;x\u0007b' }))).not.toContain('\\u001b')
  })

  it('leaves no half character at the end', () => {
    expect(shorten('a😀b', 3)).toBe('a…')
  })
})

describe('webhook', () => {
  it('signs as the example of Standard Webhooks does', () => {
    const body = '{"event_type":"ping","data":{"success":true}}'
    expect(signature('whsec_plJ3nmyCDGBKInavdOK15jsl', 'msg_loFOjxBNrRLzqYUf', 1731705121, body)).toBe(
      'v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=',
    )
  })
})

describe('slack', () => {
  it('calls nobody and takes nothing for markup', () => {
    const body = slackBody(noticed({ reason: NASTY })) as { text: string; blocks: { type: string }[] }
    expect(body.text).toContain('&lt;!channel&gt; &amp; *bold*')
    expect(body.text).not.toMatch(/[<>]/)
    // In blocks plain text is plain.
    expect(JSON.stringify(body.blocks)).not.toContain('mrkdwn')
    expect(JSON.stringify(body.blocks)).toContain('task-id.2.failed')
  })

  it('stays below the length of a section', () => {
    const body = slackBody(noticed({ event: 'done' }, 'y'.repeat(9_000))) as {
      blocks: { text?: { text: string } }[]
    }
    for (const { text } of body.blocks) expect(text?.text.length ?? 0).toBeLessThan(3_000)
  })
})

describe('discord', () => {
  it('calls nobody and takes nothing for markup', () => {
    const body = discordBody(noticed({ reason: NASTY }))
    expect(body).toMatchObject({ allowed_mentions: { parse: [] } })
    const [{ description } = { description: '' }] = (body as { embeds: { description: string }[] }).embeds
    expect(description).toContain('\\*bold\\* \\`code\\` \\@everyone')
    expect(description).toContain('\\<!channel\\>')
  })

  it('stays below the length of an embed', () => {
    const [embed] = (
      discordBody(noticed({ event: 'done' }, '*'.repeat(9_000))) as { embeds: { description: string }[] }
    ).embeds
    expect(embed?.description.length).toBeLessThan(4_096)
  })
})

describe('ntfy', () => {
  it.each([
    ['https://ntfy.sh/builds', 'https://ntfy.sh/', 'builds'],
    ['https://x.example/ntfy/my%20builds?auth=1', 'https://x.example/ntfy', 'my builds'],
  ])('%s', (address, url, topic) => {
    expect(ntfyTarget(address)).toEqual({ url, topic })
  })

  it('needs a topic', () => {
    expect(() => ntfyTarget('https://ntfy.sh/')).toThrow('the address names no topic')
  })

  it('says how urgent it is, and stays below the length of a message', () => {
    expect(ntfyBody(noticed(), 't', undefined)).toMatchObject({
      topic: 't',
      priority: 4,
      tags: ['x'],
      title: 'codex-x: failed',
    })
    expect(ntfyBody(noticed({ event: 'done' }), 't', 1)).toMatchObject({
      priority: 1,
      tags: ['white_check_mark'],
    })
    const { message } = ntfyBody(noticed({}, '😀'.repeat(4_000)), 't', 1) as { message: string }
    expect(Buffer.byteLength(message)).toBeLessThan(4_096)
  })
})

describe('desktop', () => {
  it('hands words to AppleScript and never as a part of it', () => {
    const words = 'x" with title "y'
    const argv = desktopCommand('darwin', noticed({ event: 'stalled', reason: words }))
    const dashes = argv.indexOf('--')
    expect(argv.slice(0, dashes).join(' ')).not.toContain(words)
    expect(argv.slice(dashes + 1)).toEqual(['codex-x: is silent', `${words}.`])
  })

  it('escapes what notify-send and its daemon take for more than a letter', () => {
    const argv = desktopCommand('linux', noticed({ event: 'progress', reason: '--help <b>x</b> & \\n' }))
    expect(argv.slice(-3)).toEqual(['--', 'codex-x: at work', '--help &lt;b&gt;x&lt;/b&gt; &amp; \\\\n'])
  })
})

describe('command', () => {
  it.each<[string, unknown]>([
    ['/usr/bin/told --now a=b', ['/usr/bin/told', '--now', 'a=b']],
    ['  told  ', ['told']],
    ['["told","two words; $(id)"]', ['told', 'two words; $(id)']],
    ['told "two words"', null],
    ['told $HOME', null],
    ['told; rm x', null],
    ['', null],
    ['[told]', null],
  ])('%j', (text, words) => {
    expect(wordsOf(text)).toEqual(words)
  })

  it('sets no variable by which an agent’s processes are known', () => {
    const names = Object.keys(noticeVariables(noticed(), 1))
    expect(names).not.toContain('RCA_ATTEMPT')
    expect(names).toContain('RCA_NOTICE_ID')
  })
})

describe('openclaw', () => {
  it('is told in arguments that no text can break out of', () => {
    const notice = noticed({ event: 'progress', reason: '--mode=x "$(id)"' })
    expect(eventArguments(notice, {})).toEqual([
      ...[
        'system',
        'event',
        '--text=codex-x: at work\n--mode=x "$(id)"\n[rca task-id.2.failed]',
        '--mode=now',
      ],
    ])
    expect(messageArguments(notice, { channel: 'telegram', to: '-100', account: 'a', thread: '7' })).toEqual([
      ...['message', 'send', '--channel=telegram', '--target=-100'],
      ...[
        '--message=codex-x: at work\n--mode=x "$(id)"\n[rca task-id.2.failed]',
        '--account=a',
        '--thread-id=7',
      ],
    ])
  })
})
