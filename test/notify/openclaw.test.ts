import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until as soon } from '../e2e/harness.ts'
import { FaultWorld } from '../faults/world.ts'
import { startModelServer } from '../model-server/server.mjs'

/** Made by run.mjs. */
const BIN = process.env.RCA_OPENCLAW_BIN ?? ''
const PORT = 18_931
/** OpenClaw takes seconds for what others do in one, and two cores are few. */
const PATIENCE_MS = 180_000

interface Sent {
  readonly chat_id: string
  readonly text: string
}

/** As much of Telegram's Bot API as sending a message takes. */
async function telegram() {
  const sent: Sent[] = []
  const results: Record<string, unknown> = {
    getMe: { id: 1, is_bot: true, first_name: 'rca', username: 'rca_bot' },
    sendMessage: { message_id: 7, date: 1, chat: { id: 42, type: 'private' }, text: '' },
  }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const method = /\/(\w+)(\?|$)/.exec(request.url ?? '')?.[1] ?? ''
      if (method === 'sendMessage') sent.push(JSON.parse(body) as Sent)
      const answer = () =>
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ ok: true, result: method === 'getUpdates' ? [] : (results[method] ?? true) }))
      // Polling for updates is to take a while.
      if (method === 'getUpdates') setTimeout(answer, 5_000)
      else answer()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { sent, url: `http://127.0.0.1:${port}`, close }
}

/** Waits longer than the other tests do. */
async function until<T>(check: () => T | Promise<T>, what: string): Promise<NonNullable<T>> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    try {
      return await soon(check, what)
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
  }
}

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.end() !== undefined)).on('error', () =>
      resolve(false),
    )
  })

/** The Node that came with it: the packages are named for their machines. */
function nodeOf(modules: string): string {
  const name = readdirSync(modules).find(
    (one) => existsSync(join(modules, one, 'bin/node')) && one.startsWith('node-linux'),
  )
  return join(modules, name ?? '', 'bin/node')
}

describe('openclaw', () => {
  let world: FaultWorld
  let chat: Awaited<ReturnType<typeof telegram>>
  let model: Awaited<ReturnType<typeof startModelServer>>

  beforeAll(async () => {
    world = new FaultWorld()
    chat = await telegram()
    model = await startModelServer({ scripts: { default: { steps: 0, final: 'HEARTBEAT_OK' } } })
    const modules = join(BIN, '..')
    world.program('openclaw', `exec '${nodeOf(modules)}' '${join(modules, 'openclaw/openclaw.mjs')}' "$@"`)
    mkdirSync(join(world.home, '.openclaw'))
    const settings = {
      gateway: {
        mode: 'local',
        port: PORT,
        bind: 'loopback',
        auth: { mode: 'token', token: 'gateway-token' },
      },
      update: { checkOnStart: false },
      models: {
        catalogRefresh: { enabled: false },
        mode: 'replace',
        providers: {
          scripted: {
            baseUrl: `${model.url}/v1`,
            apiKey: 'none',
            api: 'openai-completions',
            models: [
              { id: 'scripted', name: 'scripted', input: ['text'], contextWindow: 128_000, maxTokens: 8_000 },
            ],
          },
        },
      },
      agents: { defaults: { model: { primary: 'scripted/scripted' } } },
      channels: {
        telegram: {
          enabled: true,
          botToken: '123456:AA-not-a-real-token-0000000000000000',
          apiRoot: chat.url,
          dmPolicy: 'disabled',
        },
      },
    }
    writeFileSync(join(world.home, '.openclaw/openclaw.json'), JSON.stringify(settings))
    const gateway = world.run(['openclaw', 'gateway', 'run'])
    await until(() => answers(PORT), `the gateway to be there: ${gateway.output.stderr}`)
    world.agent('done')
  }, 2 * PATIENCE_MS)

  afterAll(async () => {
    chat.close()
    await model.close()
    await world.dispose()
  }, PATIENCE_MS)

  const noticeOf = async (task: string) => {
    const { notices } = await world.status(task)
    return notices[0]
  }
  const delivered = (task: string) =>
    until(async () => {
      const notice = await noticeOf(task)
      return notice?.state === 'delivered' ? notice : null
    }, `${task} to be told of`)

  test('its agent hears of the end in a system event, at once', async () => {
    await world.json(['start', 'codex', 'event', '-p', 'do it', '--notify', 'openclaw'])
    const notice = await delivered('event')
    const heard = await until(
      () => model.requests.flatMap((one) => one.userTexts).find((text) => text.includes(notice.id)),
      'the agent to be asked about it',
    )
    expect(heard).toContain('codex-event: done')
    expect(heard).toContain('ALL-DONE')
    expect(notice).toMatchObject({ tries: 1, error: null })
  })

  test('a person gets a message where there is somebody to send it to', async () => {
    await world.json(['start', 'codex', 'message', '-p', 'do it', '--notify', 'openclaw:telegram:42'])
    const notice = await delivered('message')
    expect(chat.sent).toHaveLength(1)
    expect(chat.sent[0]).toMatchObject({ chat_id: '42', text: expect.stringContaining(`[rca ${notice.id}]`) })
    expect(chat.sent[0]?.text).toContain('codex-message: done')
    expect(notice.error).toBeNull()
  })

  test('what cannot be sent becomes a system event, and status says why', async () => {
    await world.json(['start', 'codex', 'fallback', '-p', 'do it', '--notify', 'openclaw:slack:C0'])
    const notice = await delivered('fallback')
    expect(notice.error).toMatch(/^as a system event, for message send: it ended with exit code 1: .*slack/)
    await until(
      () => model.requests.some((one) => one.userTexts.some((text) => text.includes(notice.id))),
      'the agent to be asked about it',
    )
  })

  test('notify test says whether it gets through', async () => {
    const result = await world.json<{ delivered: boolean }>(['notify', 'test', 'openclaw:telegram:42'])
    expect(result.delivered).toBe(true)
    expect(chat.sent.at(-1)?.text).toContain('Notifications reach you here.')
  })
})
