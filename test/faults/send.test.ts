import { readFileSync } from 'node:fs'
import { describe, expect } from 'vitest'
import type { SendResult } from '../../src/commands/send.ts'
import type { TaskJson } from '../../src/task/json.ts'
import { type Running, until } from '../e2e/harness.ts'
import { holdAt, killAgent, killTerminal, newest, releaseAt } from './inject.ts'
import { type FaultWorld, test } from './world.ts'

/** Starts a conversation whose first turn, "one", waits for `go` once it has answered. */
async function talks(world: FaultWorld, ...more: string[]): Promise<TaskJson> {
  world.agent('turns')
  world.write('hold', 'answered one\n')
  const task = await world.json(['start', 'codex', 'fix', '-p', 'one', ...more])
  await comes(world, 'answered one')
  return task
}

/** The same, and it is done. */
async function hasTalked(world: FaultWorld, ...more: string[]): Promise<TaskJson> {
  const task = await talks(world, ...more)
  world.go()
  await world.reaches('done')
  world.forget('hold')
  return task
}

const comes = (world: FaultWorld, line: string) =>
  until(() => world.read('turns').split('\n').includes(line), `the agent to come to ${line}`)

const send = (world: FaultWorld, text: string): Running =>
  world.start(['send', 'fix', text, '--key', text, '--json'])

async function answerOf(sending: Running): Promise<SendResult> {
  const { code, stdout, stderr } = await sending.done
  if (code !== 0) throw new Error(`rca send: ${code} ${stderr}`)
  return JSON.parse(stdout)
}

const isKept = (world: FaultWorld) => world.entered('follow-up-queued')

/** What a user has said in the conversation that is on disk. */
function saidIn(world: FaultWorld, id: string | null): string[] {
  const text = readFileSync(
    `${world.home}/.codex/sessions/2026/01/02/rollout-2026-01-02T03-04-05-${id}.jsonl`,
    'utf8',
  )
  return text.split('\n').flatMap((line) => /"role":"user".*"text":"(.*)"\}\]/.exec(line)?.[1] ?? [])
}

/** All must have been said in this order, once, in one conversation; and been answered. Requests to go on do not count. */
async function hasSaid(world: FaultWorld, ...texts: string[]): Promise<void> {
  expect(await world.rca(['wait', 'fix', '--timeout', '60s'])).toMatchObject({ code: 0 })
  const status = await world.status()
  expect(status).toMatchObject({ state: 'done', queuedFollowUps: 0 })
  const isAsked = (text: string) => !text.startsWith('The previous run')
  expect(saidIn(world, status.agentSessionId).filter(isAsked)).toEqual(texts)
  expect(status.followUps.filter((one) => one.state !== 'done')).toEqual([])
  expect(new Set(world.runs.map((one) => one.split(' ')[1])).size).toBe(1)
  expect(world.agents()).toEqual([])
  await world.leavesNothing('fix')
}

const LAUNCHING = ['ground-cleared', 'claim-entered', 'claim-filled', 'claimed', 'typed', 'begun']

describe.concurrent('a follow-up that is sent', () => {
  test('in the moment in which the turn ends, before that is seen: it is begun at once', async ({
    world,
  }) => {
    await talks(world)
    await world.watched()
    holdAt(world, 'send-locked')
    const sending = send(world, 'two')
    await world.comesTo('send-locked')
    world.go()
    await world.reaches('done')
    releaseAt(world, 'send-locked')
    expect(await answerOf(sending)).toMatchObject({ answer: 'started' })
    await hasSaid(world, 'one', 'two')
  })

  test('in the moment in which the turn ends, once it is kept: nobody says that all is done', async ({
    world,
  }) => {
    const task = await talks(world)
    await world.watched()
    holdAt(world, 'send-kept')
    const sending = send(world, 'two')
    await world.comesTo('send-kept')
    world.go()
    await until(() => newest(task).exit, 'the end of the turn')
    await world.lookOnce()
    expect(await world.status()).toMatchObject({
      state: 'waiting',
      queuedFollowUps: 1,
      next: { why: 'follow-up' },
    })
    releaseAt(world, 'send-kept')
    expect(['queued', 'started']).toContain((await answerOf(sending)).answer)
    await hasSaid(world, 'one', 'two')
  })

  test('while the launch script is about to say that all is done', async ({ world }) => {
    world.holdLaunchScripts()
    await talks(world, '--no-monitor')
    holdAt(world, 'before-done')
    world.go()
    await world.comesTo('before-done')
    const sending = send(world, 'two')
    await isKept(world)
    releaseAt(world, 'before-done')
    expect(await answerOf(sending)).toMatchObject({ answer: 'started' })
    await hasSaid(world, 'one', 'two')
  })

  test('while the launch script is about to write down the end of the turn', async ({ world }) => {
    world.holdLaunchScripts()
    await talks(world, '--no-monitor')
    holdAt(world, 'before-attempt-ended')
    world.go()
    await world.comesTo('before-attempt-ended')
    const sending = send(world, 'two')
    await until(() => world.waitingAt('before-attempt-ended').length === 2, 'the sender to see the end, too')
    releaseAt(world, 'before-attempt-ended')
    await answerOf(sending)
    await hasSaid(world, 'one', 'two')
  })

  test.for([[], ['--no-monitor']])(
    'by two at once, %j: both, one after the other',
    async (more, { world }) => {
      await talks(world, ...more)
      const both = await Promise.all([answerOf(send(world, 'two')), answerOf(send(world, 'three'))])
      expect(both.map((one) => one.answer)).toEqual(['queued', 'queued'])
      world.go()
      const texts = both[0].followUp.id < both[1].followUp.id ? ['two', 'three'] : ['three', 'two']
      await hasSaid(world, 'one', ...texts)
    },
  )

  test('by two at once to a task that is done: one is begun, the other follows', async ({ world }) => {
    await hasTalked(world)
    const both = await Promise.all([answerOf(send(world, 'two')), answerOf(send(world, 'three'))])
    const texts = both[0].followUp.id < both[1].followUp.id ? ['two', 'three'] : ['three', 'two']
    await hasSaid(world, 'one', ...texts)
  })
})

describe.concurrent('a sender that is killed', () => {
  test.for(['send-locked', 'send-written'])(
    'at %s has sent nothing, and may do so again',
    async (point, { world }) => {
      await hasTalked(world)
      holdAt(world, point)
      const sending = send(world, 'two')
      await world.killAt(point)
      await sending.done
      await world.lookOnce()
      expect(await world.status()).toMatchObject({ state: 'done', followUps: [] })
      expect(await answerOf(send(world, 'two'))).toMatchObject({ answer: 'started', repeated: false })
      await hasSaid(world, 'one', 'two')
    },
  )

  test.for(['send-kept', ...LAUNCHING])(
    'at %s, by what is done: the monitor begins the turn, and asking again sends nothing twice',
    async (point, { world }) => {
      await hasTalked(world)
      await world.watched()
      holdAt(world, point)
      const sending = send(world, 'two')
      await world.killAt(point)
      await sending.done
      await world.lookOnce()
      expect(await answerOf(send(world, 'two'))).toMatchObject({ repeated: true })
      await hasSaid(world, 'one', 'two')
    },
  )

  test.for(['send-kept', ...LAUNCHING])(
    'at %s, where nobody supervises: whoever sends it again begins it, once',
    async (point, { world }) => {
      await hasTalked(world, '--no-monitor')
      holdAt(world, point)
      const sending = send(world, 'two')
      await world.killAt(point)
      await sending.done
      expect(await answerOf(send(world, 'two'))).toMatchObject({ repeated: true, answer: 'started' })
      await hasSaid(world, 'one', 'two')
    },
  )

  test.for([[], ['--no-monitor']])(
    'once it is kept, while a turn runs, %j: it is delivered',
    async (more, { world }) => {
      await talks(world, ...more)
      holdAt(world, 'send-kept')
      const sending = send(world, 'two')
      await world.killAt('send-kept')
      await sending.done
      world.go()
      await hasSaid(world, 'one', 'two')
    },
  )
})

describe.concurrent('the monitor is killed when a turn has ended and another is queued', () => {
  test.for(['monitor-recover', 'monitor-locked', 'monitor-before-recover', ...LAUNCHING])(
    'at %s: the next one begins the turn, once',
    async (point, { world }) => {
      await talks(world)
      await world.watched()
      await answerOf(send(world, 'two'))
      holdAt(world, point)
      world.go()
      await world.killAt(point)
      world.start(['monitor'])
      await hasSaid(world, 'one', 'two')
    },
  )

  test.for(['monitor-locked', 'claim-entered', 'claimed', 'begun'])(
    'or what begins it without one, at %s: resume does',
    async (point, { world }) => {
      world.holdLaunchScripts()
      await talks(world, '--no-monitor')
      await answerOf(send(world, 'two'))
      holdAt(world, point)
      world.go()
      await world.killAt(point)
      expect((await world.rca(['resume', 'fix'])).code).toBe(0)
      await hasSaid(world, 'one', 'two')
    },
  )
})

describe.concurrent('an agent that is killed', () => {
  test.for(['fed', 'stored', 'answered'])(
    'in the turn of a follow-up, when that is %s',
    async (point, { world }) => {
      const task = await hasTalked(world)
      world.forget('go')
      world.write('hold', `${point} two\n`)
      await answerOf(send(world, 'two'))
      await answerOf(send(world, 'three'))
      await comes(world, `${point} two`)
      await killAgent('SIGKILL')(world, task)
      await until(() => newest(task).number >= 3, 'the third attempt')
      world.go()
      await hasSaid(world, 'one', 'two', 'three')
    },
  )

  test('in the turn before it: that is mended first', async ({ world }) => {
    const task = await talks(world)
    await answerOf(send(world, 'two'))
    await killAgent('SIGKILL')(world, task)
    await until(() => world.runs.length >= 2, 'the second run')
    world.go()
    await hasSaid(world, 'one', 'two')
    expect(
      world
        .read('turns')
        .match(/^end .*/gm)
        ?.map((line) => line.slice(4, 20)),
    ).toEqual(['The previous run', 'two'])
  })

  test('with its terminal, while one is queued', async ({ world }) => {
    const task = await talks(world)
    await world.watched()
    await answerOf(send(world, 'two'))
    await killTerminal('SIGKILL')(world, task)
    world.go()
    await hasSaid(world, 'one', 'two')
  })
})

test('the moment of the end, again and again: whatever the order, it is delivered once', async ({
  world,
}) => {
  await hasTalked(world)
  const texts = ['one']
  for (let turn = 2; turn < 10; turn++) {
    texts.push(`turn ${turn}`)
    const { answer } = await answerOf(send(world, `turn ${turn}`))
    expect(['queued', 'started']).toContain(answer)
  }
  await hasSaid(world, ...texts)
})
