import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../config.ts'
import { NO_NOTIFY, type NotifyConfig } from './config.ts'
import { channelOf } from './index.ts'
import { channelRecord, type NotifyFlags, notifySpec } from './settings.ts'

const bin = mkdtempSync(join(tmpdir(), 'rca-notify-'))
for (const name of ['told', 'openclaw']) {
  writeFileSync(join(bin, name), '#!/bin/sh\n')
  chmodSync(join(bin, name), 0o755)
}
afterAll(() => rmSync(bin, { recursive: true }))

const caller = {
  env: {
    PATH: bin,
    HOME: '/home/x',
    OPENAI_API_KEY: 'sk-1',
    HOOK_KEY: 'k3y',
    OPENCLAW_GATEWAY_TOKEN: 'gw-token',
  },
  cwd: '/',
  socket: '/tmp/tmux-1/default',
}
const config = (notify: unknown): NotifyConfig => parseConfig({ notify }, '/c.json').notify
const flags = (some: Partial<NotifyFlags> = {}): NotifyFlags => ({
  channels: [],
  on: null,
  progressEvery: null,
  ...some,
})
const spec = (some: Partial<NotifyFlags>, notify: unknown = {}) =>
  notifySpec(flags(some), config(notify), caller)
const USUAL = ['done', 'failed', 'gave-up']

describe('notifySpec', () => {
  it('is nothing where nobody wants to hear', () => {
    expect(spec({})).toBeUndefined()
    expect(spec({ channels: ['none'] }, { channels: { b: 'bell' }, default: ['b'] })).toBeUndefined()
  })

  it('keeps of each channel all that a delivery needs', () => {
    const given = {
      channels: ['bell', 'webhook:https://x/a', 'webhook:https://x/b', 'ntfy:builds', 'command:told --now'],
    }
    const env = { PATH: bin, HOME: '/home/x', OPENCLAW_GATEWAY_TOKEN: 'gw-token' }
    expect(spec(given)).toEqual({
      channels: [
        { name: 'bell', type: 'bell', socket: '/tmp/tmux-1/default', on: USUAL, timeoutMs: 10_000, env },
        { name: 'webhook', type: 'webhook', url: 'https://x/a', on: USUAL, timeoutMs: 10_000 },
        { name: 'webhook-2', type: 'webhook', url: 'https://x/b', on: USUAL, timeoutMs: 10_000 },
        { name: 'ntfy', type: 'ntfy', url: 'https://ntfy.sh/builds', on: USUAL, timeoutMs: 10_000 },
        {
          name: 'command',
          type: 'command',
          argv: [join(bin, 'told'), '--now'],
          on: USUAL,
          timeoutMs: 30_000,
          env,
        },
      ],
      progressEveryMs: 600_000,
    })
  })

  it('takes the default channels where none is named, and a name of config.json before a kind', () => {
    const notify = {
      channels: { desktop: 'slack:https://x/y', phone: 'ntfy:t' },
      default: ['phone', 'desktop'],
    }
    expect(spec({}, notify)?.channels.map(({ name, type }) => [name, type])).toEqual([
      ['phone', 'ntfy'],
      ['desktop', 'slack'],
    ])
    expect(spec({ channels: ['desktop', 'desktop'] }, notify)?.channels).toMatchObject([{ type: 'slack' }])
  })

  it('takes the events of the flag, of the channel, of config.json, or the usual ones', () => {
    const notify = {
      channels: { a: { type: 'bell', on: ['failures', 'stalled'] }, b: 'desktop' },
      on: ['all'],
    }
    const on = (some: Partial<NotifyFlags>) =>
      spec({ channels: ['a', 'b'], ...some }, notify)?.channels.map((one) => one.on)
    expect(on({})).toEqual([
      ['stalled', 'failed', 'gave-up'],
      expect.arrayContaining(['started', 'progress', 'killed']),
    ])
    expect(on({ on: 'done, failures' })).toEqual([USUAL, USUAL])
  })

  it('fixes what only the caller knows', () => {
    const channels = {
      hook: {
        type: 'webhook',
        url: 'https://x/',
        secret: { env: 'HOOK_KEY' },
        headers: { 'X-A': 'b' },
        timeout: '3s',
      },
      file: { type: 'slack', url: { file: '~/slack' } },
      claw: { type: 'openclaw', channel: 'telegram', to: '@me' },
    }
    expect(spec({ channels: ['hook', 'file', 'claw'] }, { channels })?.channels).toMatchObject([
      { secret: 'k3y', headers: { 'X-A': 'b' }, timeoutMs: 3_000 },
      { url: { file: '/home/x/slack' } },
      { program: join(bin, 'openclaw'), channel: 'telegram', to: '@me' },
    ])
  })

  it('knows what of a channel nobody may read', () => {
    const hook = { type: 'webhook', url: 'https://hooks.example/T0/s3cr3t', secret: 'k3y-k3y' }
    const shown = (text: string) => {
      const channel = channelOf(channelRecord(text, config({ channels: { hook } }), caller))
      return [channel?.address, channel?.secrets()]
    }
    expect(shown('hook')).toEqual(['https://hooks.example/…', ['https://hooks.example/T0/s3cr3t', 'k3y-k3y']])
    expect(shown('openclaw:slack:C1')).toEqual(['a message over slack', ['C1', 'gw-token']])
    expect(shown('bell')).toEqual(['whoever is attached to tmux (/tmp/tmux-1/default)', ['gw-token']])
  })

  it.each<[Partial<NotifyFlags>, unknown, string, string, string]>([
    [
      { channels: ['pager'] },
      {},
      'usage',
      '--notify: there is no channel "pager"',
      'config.json names none. Or a kind: desktop,',
    ],
    [
      { channels: ['phon'] },
      { channels: { phone: 'ntfy:x' } },
      'usage',
      'there is no channel "phon"',
      'Did you mean phone?',
    ],
    [
      {},
      { default: ['phone'] },
      'config',
      'config.json: notify.default: there is no channel "phone"',
      'config.json names none.',
    ],
    [{ channels: ['slack:nonsense'] }, {}, 'usage', '--notify slack: url: is not an address', 'Give a text,'],
    [{ channels: ['webhook'] }, {}, 'usage', 'webhook needs to know where', 'Like webhook:https://'],
    [{ channels: ['bell:x'] }, {}, 'usage', 'bell takes nothing behind it', ''],
    [{ channels: ['command:told; rm -rf x'] }, {}, 'usage', 'argv: null is not a list', ''],
    [{ channels: ['command:[]'] }, {}, 'usage', 'argv: [] names no program', ''],
    [{ channels: ['command:nothing-here'] }, {}, 'usage', 'There is no program nothing-here', ''],
    [
      { channels: ['h'] },
      { channels: { h: { type: 'slack', url: { env: 'NOT_SET' } } } },
      'usage',
      'There is no variable NOT_SET here',
      '',
    ],
    [
      { channels: ['bell'], on: 'done,faild' },
      {},
      'usage',
      '--notify-on: "faild" is none',
      'Did you mean failed?',
    ],
    [
      { channels: ['bell'], progressEvery: 'often' },
      {},
      'usage',
      '--progress-every: "often" is not a duration',
      '',
    ],
  ])('refuses %j with %j', (some, notify, code, message, hint) => {
    const refused = expect.objectContaining({
      code,
      message: expect.stringContaining(message),
      ...(hint ? { hint: expect.stringContaining(hint) } : {}),
    })
    expect(() => spec(some, notify)).toThrow(refused)
  })
})

describe('config.json', () => {
  it.each<[unknown, string, string]>([
    [{ channels: [] }, 'notify.channels: ', ''],
    [{ chanels: {} }, 'notify.chanels: no such setting', 'Did you mean channels?'],
    [
      { channels: { a: { type: 'pager' } } },
      'notify.channels.a: "pager" is no kind of channel',
      'One of: desktop,',
    ],
    [{ channels: { a: {} } }, 'notify.channels.a: "undefined" is no kind of channel', ''],
    [{ channels: { a: 7 } }, 'notify.channels.a: is no channel', 'Like {"type": "desktop"}.'],
    [{ channels: { a: { type: 'bell', urll: 1 } } }, 'notify.channels.a.urll: no such setting', ''],
    [
      { channels: { a: { type: 'webhook', url: 'https://s3cr3t', secret: 'a\nb' } } },
      'notify.channels.a.secret: is not one line',
      '',
    ],
    [{ channels: { a: { type: 'webhook', url: '/x' } } }, 'notify.channels.a.url: is not an address', ''],
    [
      { channels: { a: { type: 'slack', url: { file: 'slack' } } } },
      'notify.channels.a.url: "slack" is not an absolute path',
      '',
    ],
    [
      { channels: { a: { type: 'webhook', url: 'http://x', headers: { 'webhook-id': 'x' } } } },
      'notify.channels.a.headers.webhook-id',
      '',
    ],
    [
      { channels: { a: { type: 'bell', timeout: '1h' } } },
      'notify.channels.a.timeout: is more than ten minutes',
      '',
    ],
    [{ channels: { a: { type: 'bell', on: ['dnoe'] } } }, 'notify.channels.a.on[0]: "dnoe" is none', ''],
    [{ channels: { none: 'bell' } }, 'notify.channels.none', ''],
    [{ on: 'done' }, 'notify.on: "done" is not a list', 'Like ["done", "failed"].'],
    [{ progressEvery: 0 }, 'notify.progressEvery: 0 is not a duration', ''],
  ])('refuses %j', (notify, message, hint) => {
    const refused = expect.objectContaining({
      code: 'config',
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    })
    expect(() => config(notify)).toThrow(refused)
  })

  it('may be silent on notifications', () => {
    expect(parseConfig({}, '').notify).toEqual(NO_NOTIFY)
  })
})
