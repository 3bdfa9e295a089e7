import { createHmac } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import type { Notice } from '../../src/notify/notice.ts'
import { end, holdAt, killAgent, releaseAt } from '../faults/inject.ts'
import { type FaultWorld, supervised, test as withWorld } from '../faults/world.ts'
import { isRunning, jsonError, until } from './harness.ts'
import { endless, hangs, type Received, Receiver, status } from './receiver.ts'

const START = ['start', 'codex', 'fix', '-p', 'do it']

const test = withWorld.extend<{ receiver: Receiver }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest wants to see a pattern
  receiver: async ({}, use) => {
    const receiver = new Receiver()
    await receiver.up()
    await use(receiver)
    await receiver.down()
  },
})

const NOTHING: Received = { path: '', headers: {}, body: '', at: 0 }

/** Starts a task whose notices go to the receiver. */
const begin = (world: FaultWorld, behaviour: string, receiver: Receiver, ...more: string[]) => {
  world.agent(behaviour)
  return world.json([...START, '--notify', `webhook:${receiver.url()}`, ...more])
}

const arrived = (receiver: Receiver, count: number) =>
  until(() => receiver.received.length >= count, `${count} notices to arrive`)

const recorded = (world: FaultWorld, outcome: string, count = 1) =>
  until(
    () => world.journal.filter((one) => one.type === 'notified' && one.outcome === outcome).length >= count,
    `${outcome} in the journal`,
  )

const outboxOf = (dir: string | null) => {
  const folder = join(dir ?? '', 'outbox')
  return existsSync(folder) ? readdirSync(folder).filter((one) => one.endsWith('.json')) : []
}

describe.concurrent('a notice', () => {
  test('was lost where the records were removed before anybody had delivered it', async ({
    world,
    receiver,
  }) => {
    await begin(world, 'done', receiver, '--no-monitor')
    expect((await world.rca(['wait', 'fix'])).code).toBe(0)
    expect(await world.rca(['rm', 'fix'])).toMatchObject({ code: 0, stderr: '' })
    expect(receiver.events).toEqual(['done'])
  })

  test('that does not get through is told of by who removes the records', async ({ world, receiver }) => {
    await begin(world, 'done', receiver, '--no-monitor')
    expect((await world.rca(['wait', 'fix'])).code).toBe(0)
    receiver.answer = hangs
    const { code, stderr } = await world.rca(['rm', 'fix'])
    expect(code).toBe(0)
    expect(stderr).toBe('rca: codex-fix: 1 of its notifications did not get through\n')
    expect(world.taskDirs).toEqual([])
  })

  test('arrives once, with everything a program needs, and status says so', async ({ world, receiver }) => {
    const task = await begin(world, 'done', receiver)
    await arrived(receiver, 1)
    await recorded(world, 'delivered')
    await world.lookOnce()
    expect(receiver.received).toHaveLength(1)
    const [{ headers } = { headers: {} }] = receiver.received
    const [body] = receiver.bodies as unknown as Notice[]
    expect(body).toMatchObject({
      schema: 1,
      event: 'done',
      name: 'codex-fix',
      agent: 'codex',
      task: 'fix',
      state: 'done',
      attempt: 1,
      title: 'codex-fix: done',
      message: 'ALL-DONE',
      cwd: world.project,
      taskDir: task.taskDir,
    })
    expect(body?.text).toContain('ALL-DONE')
    expect(headers).toMatchObject({
      'webhook-id': body?.id,
      'idempotency-key': body?.id,
      'x-rca-notice': body?.id,
      'x-rca-event': 'done',
      'x-rca-try': '1',
      'content-type': 'application/json',
    })
    const [notice] = (await world.status()).notices
    expect(notice).toMatchObject({
      id: body?.id,
      channel: 'webhook',
      state: 'delivered',
      tries: 1,
      error: null,
    })
    expect((await world.rca(['status', 'fix'])).stdout).toMatch(/done to webhook: delivered \d+s ago/)
    expect(outboxOf(task.taskDir)).toEqual([])
  })

  test('is told to several channels, each of what it wants to hear', async ({ world, receiver }) => {
    world.config({
      ...supervised(),
      notify: {
        channels: {
          all: { type: 'webhook', url: receiver.url('/all'), on: ['all'] },
          bad: { type: 'webhook', url: receiver.url('/bad'), on: ['failures'] },
          usual: `webhook:${receiver.url('/usual')}`,
        },
        default: ['all', 'bad', 'usual'],
      },
    })
    world.agent('kills-itself')
    await world.json(START)
    await arrived(receiver, 5)
    await recorded(world, 'delivered', 5)
    const told = (path: string) =>
      receiver.received.filter((one) => one.path === path).map((one) => JSON.parse(one.body).event)
    expect(told('/all')).toEqual(['started', 'crashed', 'resumed', 'done'])
    expect(told('/usual')).toEqual(['done'])
    expect(told('/bad')).toEqual([])
  })

  test('comes when the receiver is back that was down', async ({ world, receiver }) => {
    const address = receiver.url()
    await receiver.down()
    world.agent('done')
    const task = await world.json([...START, '--notify', `webhook:${address}`])
    await recorded(world, 'failed', 2)
    const [waiting] = (await world.status()).notices
    expect(waiting).toMatchObject({ state: 'pending', error: expect.stringContaining('ECONNREFUSED') })
    expect(waiting?.nextAt).not.toBeNull()
    expect(outboxOf(task.taskDir)).toHaveLength(1)
    await receiver.up()
    await recorded(world, 'delivered')
    expect(receiver.events).toEqual(['done'])
  })

  test('outlives the monitor, and a machine on which none runs', async ({ world, receiver }) => {
    const address = receiver.url()
    await receiver.down()
    world.agent('done')
    await world.json([...START, '--notify', `webhook:${address}`])
    await recorded(world, 'failed')
    await until(async () => {
      // Of two that were started at once the other may have taken its place.
      for (const { pid } of world.monitors) await end(pid, 'SIGKILL').catch(() => {})
      return world.monitors.length === 0
    }, 'every monitor to be gone')
    expect((await world.status()).notices[0]).toMatchObject({ state: 'pending', blockedBy: 'no-monitor' })
    await receiver.up()
    await until(async () => {
      await world.lookOnce()
      return receiver.received.length > 0
    }, 'the notice to be due')
    await recorded(world, 'delivered')
    await world.lookOnce()
    expect(receiver.received).toHaveLength(1)
  })

  test('that is not delivered keeps its task from being pruned', async ({ world, receiver }) => {
    await receiver.down()
    await begin(world, 'done', receiver)
    await recorded(world, 'failed')
    const pruned = await world.rca(['prune', '--older-than', '0', '--json'])
    expect(JSON.parse(pruned.stdout)).toMatchObject({
      removed: [],
      left: [{ reason: 'codex-fix: notifications of it are not delivered' }],
    })
    expect(world.taskDirs).toHaveLength(1)
    expect(await world.rca(['rm', 'fix'])).toMatchObject({ code: 0 })
    await until(() => world.taskDirs.length === 0, 'its records to be gone')
    await world.lookOnce()
    expect(world.taskDirs).toEqual([])
  })

  test('is delivered by a monitor that starts long after the task is over', async ({ world, receiver }) => {
    world.config({ ...supervised(), monitor: false })
    const task = await begin(world, 'done', receiver, '--no-monitor')
    expect(await world.rca(['wait', 'fix'])).toMatchObject({ code: 0 })
    // Everything that reads of it now reads its digest.
    expect((await world.json<{ state: string }[]>(['list']))[0]).toMatchObject({ state: 'done' })
    expect(outboxOf(task.taskDir)).toHaveLength(1)
    expect(existsSync(join(task.taskDir ?? '', 'env'))).toBe(false)
    expect(receiver.received).toEqual([])
    world.start(['monitor'])
    await arrived(receiver, 1)
    await recorded(world, 'delivered')
    expect(receiver.bodies[0]).toMatchObject({ message: 'ALL-DONE' })
  })

  test('comes again with the same id where the monitor is killed between delivery and record', async ({
    world,
    receiver,
  }) => {
    // The launch script may start the monitor.
    world.holdLaunchScripts()
    holdAt(world, 'notify-delivered')
    await begin(world, 'done', receiver)
    await world.killAt('notify-delivered')
    expect(receiver.received).toHaveLength(1)
    world.start(['monitor'])
    await recorded(world, 'delivered')
    expect(receiver.received).toHaveLength(2)
    expect(new Set(receiver.received.map((one) => one.headers['webhook-id'])).size).toBe(1)
    expect(receiver.received[0]?.body).toBe(receiver.received[1]?.body)
    await world.lookOnce()
    expect(receiver.received).toHaveLength(2)
  })

  test('comes once where two deliver at the same time', async ({ world, receiver }) => {
    // The launch script may start the monitor.
    world.holdLaunchScripts()
    holdAt(world, 'notify-delivered')
    await begin(world, 'done', receiver)
    await world.comesTo('notify-delivered')
    // The monitor has delivered it and not written that down.
    await world.lookOnce()
    await world.lookOnce()
    expect(receiver.received).toHaveLength(1)
    releaseAt(world, 'notify-delivered')
    await recorded(world, 'delivered')
    await world.lookOnce()
    expect(receiver.received).toHaveLength(1)
  })

  test('that nobody answers holds up neither another channel nor a recovery', async ({ world, receiver }) => {
    receiver.answer = (request, response) =>
      (request.path === '/deaf' ? hangs : status(204))(request, response)
    const deaf = { type: 'webhook', url: receiver.url('/deaf'), on: ['all'], timeout: '8s' }
    const good = { type: 'webhook', url: receiver.url('/good'), on: ['all'] }
    world.config({ ...supervised(), notify: { channels: { deaf, good }, default: ['deaf', 'good'] } })
    const task = await world.atWork()
    await until(() => receiver.received.some((one) => one.path === '/deaf'), 'the deaf one to be told')
    await killAgent('SIGKILL')(world, task)
    await until(() => world.runs.length === 2, 'the agent to be resumed')
    // It went on while the deaf receiver was waited for.
    expect(world.journal.filter((one) => one.channel === 'deaf')).toEqual([])
    world.go()
    await until(
      () => receiver.received.some((one) => one.path === '/good' && JSON.parse(one.body).event === 'done'),
      'the good one to hear of it',
    )
    await recorded(world, 'failed')
    const told = (await world.status()).notices.find((one) => one.channel === 'deaf' && one.tries > 0)
    expect(told).toMatchObject({ error: expect.stringMatching(/^no answer in time \(\d+ ms\)$/) })
  })

  test.for([
    ['an error', status(500), 'HTTP 500'],
    [
      'a redirect to another host',
      status(307, { location: 'http://127.0.0.2:9/elsewhere' }),
      'redirects to 127.0.0.2:9, which is not followed',
    ],
    ['a redirect to another port', status(302, { location: 'http://127.0.0.1:9/' }), 'not followed'],
    ['a redirect without end', status(308, { location: '/again' }), 'it redirects again and again'],
  ] as const)('is not delivered by %s', async ([, answer, error], { world, receiver }) => {
    receiver.answer = answer
    await begin(world, 'done', receiver)
    await recorded(world, 'failed')
    expect((await world.status()).notices[0]).toMatchObject({
      state: 'pending',
      error: expect.stringContaining(error),
    })
    receiver.answer = status(200)
    await recorded(world, 'delivered')
  })

  test('follows a redirect on the same host, with its body', async ({ world, receiver }) => {
    receiver.answer = (request, response) =>
      (request.path === '/hook' ? status(308, { location: '/moved' }) : status(204))(request, response)
    await begin(world, 'done', receiver)
    await recorded(world, 'delivered')
    expect(receiver.received.map((one) => one.path)).toEqual(['/hook', '/moved'])
    expect(receiver.events).toEqual(['done', 'done'])
  })

  test('counts as delivered where the answer never ends', async ({ world, receiver }) => {
    receiver.answer = endless
    await begin(world, 'done', receiver)
    await recorded(world, 'delivered')
    expect(receiver.received).toHaveLength(1)
  })

  test('is given up at once by who says that they are gone', async ({ world, receiver }) => {
    receiver.answer = status(410)
    await begin(world, 'done', receiver)
    await recorded(world, 'gave-up')
    expect((await world.status()).notices[0]).toMatchObject({
      state: 'gave-up',
      error: 'HTTP 410',
      nextAt: null,
    })
    await world.lookOnce()
    expect(receiver.received).toHaveLength(1)
  })

  test('of an end before a key was changed gave the old one away', async ({ world, receiver }) => {
    world.program(
      'codex',
      `. '${join(import.meta.dirname, '../fixtures/agents/codex.sh')}'
begin
echo '{"type":"turn.failed","error":{"message":"stream error: the key '"$OPENAI_API_KEY"' is not known today"}}'
exit 1`,
    )
    const notify = [
      '--notify',
      `webhook:${receiver.url()}`,
      '--notify-on',
      'crashed',
      '--env',
      'OPENAI_API_KEY',
    ]
    const more = [...notify, '--no-monitor', '--restart', 'on-failure']
    await world.rca([...START, ...more], { env: { OPENAI_API_KEY: 'sk-old-0123456789' } })
    world.agent('done')
    await world.rca(['resume', 'fix', '--env', 'OPENAI_API_KEY'], {
      env: { OPENAI_API_KEY: 'sk-new-0123456789' },
    })
    await world.lookOnce()
    await arrived(receiver, 1)
    expect(receiver.received[0]?.body).toContain('the key $OPENAI_API_KEY is not known')
  })

  test('holds nothing of the captured environment', async ({ world, receiver }) => {
    world.program(
      'codex',
      `. '${join(import.meta.dirname, '../fixtures/agents/codex.sh')}'
begin
say "the key is $OPENAI_API_KEY, the base $DATABASE_URL, the password hunter2secret"
complete`,
    )
    const env = { OPENAI_API_KEY: 'sk-live-0123456789', DATABASE_URL: 'postgres://ann:hunter2secret@db/app' }
    const address = receiver.url()
    await receiver.down()
    const task = await world.json(
      [...START, '--notify', `webhook:${address}`, '--env', 'DATABASE_URL', '--env', 'OPENAI_API_KEY'],
      { env },
    )
    await recorded(world, 'failed')
    const [name = ''] = outboxOf(task.taskDir)
    const kept = readFileSync(join(task.taskDir ?? '', 'outbox', name), 'utf8')
    await receiver.up()
    await recorded(world, 'delivered')
    for (const text of [kept, receiver.received[0]?.body ?? ''])
      for (const secret of ['sk-live', 'hunter2', 'postgres:']) expect(text).not.toContain(secret)
    expect(receiver.bodies[0]).toMatchObject({
      message: 'the key is $OPENAI_API_KEY, the base $DATABASE_URL, the password $DATABASE_URL',
    })
  })

  test('is signed, and the key is shown nowhere', async ({ world, receiver }) => {
    const key = 'whsec_c2VjcmV0LWJ5dGVzLW9mLXRoZS1rZXk='
    const secret = join(world.home, 'hook-key')
    writeFileSync(secret, `${key}\n`, { mode: 0o600 })
    const hook = {
      type: 'webhook',
      url: receiver.url('/s3cr3t-path'),
      secret: { file: secret },
      headers: { 'X-Team': 'blue' },
    }
    world.config({ ...supervised(), notify: { channels: { hook }, default: ['hook'] } })
    world.agent('done')
    const task = await world.json(START)
    await recorded(world, 'delivered')
    const [{ headers, body } = NOTHING] = receiver.received
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
    const bytes = Buffer.from(key.slice(6), 'base64')
    expect(headers['webhook-signature']).toBe(
      `v1,${createHmac('sha256', bytes).update(signed).digest('base64')}`,
    )
    expect(headers['x-team']).toBe('blue')
    const shown = [
      await world.rca(['status', 'fix', '--json']),
      await world.rca(['status', 'fix']),
      await world.rca(['events', 'fix']),
      await world.rca(['notify', 'list', '--json']),
    ].map((one) => one.stdout)
    expect(shown.join('')).toContain('hook')
    expect(shown.join('')).not.toContain('s3cr3t-path')
    expect(world.journalOf(task.taskDir)).not.toContain('s3cr3t-path')
  })

  test('tells of a kill to who wants to hear of it', async ({ world, receiver }) => {
    await begin(world, 'waits', receiver, '--notify-on', 'killed,done')
    await world.reaches('running')
    expect(await world.rca(['kill', 'fix'])).toMatchObject({ code: 0 })
    await recorded(world, 'delivered')
    expect(receiver.bodies).toMatchObject([
      { event: 'killed', state: 'killed', reason: expect.stringContaining('killed by') },
    ])
  })

  test('tells of a task that nobody is to go on with', async ({ world, receiver }) => {
    world.agent('kills-itself')
    const flags = ['--restart', 'never', '--notify', `webhook:${receiver.url()}`]
    // Whoever starts it may see its end, or not.
    await world.rca([...START, ...flags])
    await arrived(receiver, 1)
    expect(receiver.bodies[0]).toMatchObject({ event: 'failed', state: 'failed', message: 'half way' })
  })

  test('tells of progress, but not of all of it', async ({ world, receiver }) => {
    await begin(world, 'steps', receiver, '--notify-on', 'progress,done', '--progress-every', '1s')
    await arrived(receiver, 1)
    expect(receiver.bodies[0]).toMatchObject({ event: 'progress', text: expect.stringContaining('step 1') })
    for (const step of [1, 2, 3]) world.write(`go-${step}`)
    await until(() => receiver.events.includes('done'), 'the end to be told')
    const texts = receiver.bodies.filter((one) => one.event === 'progress').map((one) => one.text)
    expect(new Set(texts).size).toBe(texts.length)
  })
})

describe.concurrent('command', () => {
  test('gets the notice on its standard input and in variables, and no shell in between', async ({
    world,
  }) => {
    world.program('told', 'cat > "$HOME/told.json"; env > "$HOME/told.env"; echo "$#:$*" > "$HOME/told.args"')
    world.program(
      'codex',
      `. '${join(import.meta.dirname, '../fixtures/agents/codex.sh')}'\nbegin\nsay '$(touch pwned) ; touch pwned'\ncomplete`,
    )
    await world.json([...START, '--notify', 'command:["told","a b"]'], {
      env: { OPENAI_API_KEY: 'sk-secret' },
    })
    await recorded(world, 'delivered')
    expect(JSON.parse(world.read('told.json'))).toMatchObject({
      event: 'done',
      message: '$(touch pwned) ; touch pwned',
    })
    expect(world.read('told.args')).toBe('1:a b\n')
    const env = world.read('told.env')
    expect(env).toContain('RCA_EVENT=done\n')
    expect(env).toContain('RCA_TASK=codex-fix\n')
    expect(env).not.toMatch(/^(RCA_ATTEMPT|OPENAI_API_KEY|RCA_HOME)=/m)
    expect(existsSync(join(world.project, 'pwned'))).toBe(false)
  })

  test('that hangs is ended with all that it has started', async ({ world }) => {
    world.program(
      'hangs',
      'setsid sleep 987 & echo $! >> "$HOME/child"; echo $$ >> "$HOME/child"; trap "" TERM; while :; do sleep 1; done',
    )
    world.config({
      ...supervised(),
      notify: { channels: { slow: { type: 'command', argv: ['hangs'], timeout: '4s' } }, default: ['slow'] },
    })
    world.agent('done')
    await world.json(START)
    await recorded(world, 'failed')
    const pids = world.read('child').trim().split('\n').map(Number)
    expect(pids.length).toBeGreaterThanOrEqual(2)
    await until(() => pids.slice(0, 2).every((pid) => !isRunning(pid)), 'it to be gone')
    expect((await world.status()).notices[0]).toMatchObject({
      error: expect.stringContaining('did not end in time'),
    })
  })
})

describe.concurrent('rca notify', () => {
  test('test sends a notice and says what came of it', async ({ world, receiver }) => {
    const good = await world.rca(['notify', 'test', `webhook:${receiver.url()}`, '--json'])
    expect(good).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(good.stdout)).toMatchObject({ channel: 'webhook', delivered: true, error: null })
    expect(receiver.bodies[0]).toMatchObject({ event: 'test', id: JSON.parse(good.stdout).notice })
    receiver.answer = status(403)
    const bad = await world.rca(['notify', 'test', `webhook:${receiver.url('/s3cr3t')}`])
    expect(bad).toMatchObject({ code: 1, stdout: expect.stringContaining('not delivered') })
    expect(bad.stdout).toContain('HTTP 403')
    expect(bad.stdout).not.toContain('s3cr3t')
    expect(world.taskDirs).toEqual([])
  })

  test.for<[string[], string, string]>([
    [['--notify', 'webhok:http://x/'], '--notify: there is no channel "webhok"', 'Did you mean webhook?'],
    [['--notify', 'webhook'], '--notify webhook: webhook needs to know where', 'Like webhook:'],
    [['--notify', 'webhook:ftp://x/'], '--notify webhook: url: is not an address of http or https', ''],
    [['--notify', 'desktop:x'], '--notify desktop: desktop takes nothing behind it', ''],
    [['--notify', 'command:no-such-program'], 'There is no program no-such-program', ''],
    [['--notify', "command:sh -c 'x'"], '--notify command: argv: null is not a list', ''],
    [['--notify', 'openclaw:telegram'], 'openclaw: give a channel and a recipient', ''],
    [['--notify', 'bell', '--notify-on', 'don'], '--notify-on: "don" is none', 'Did you mean done?'],
    [['--notify', 'bell', '--progress-every', 'x'], '--progress-every: "x" is not a duration', ''],
  ])('a start with %j is refused, and nothing is left behind', async ([flags, message, hint], { world }) => {
    world.agent('done')
    const result = await world.rca([...START, ...flags, '--json'])
    expect(jsonError(result)).toMatchObject({ code: 'usage', message: expect.stringContaining(message) })
    expect(jsonError(result).hint ?? '').toContain(hint)
    expect(world.taskDirs).toEqual([])
  })
})
