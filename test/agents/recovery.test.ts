import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, type TestContext } from 'vitest'
import type { StatusJson } from '../../src/commands/status.ts'
import {
  agentBeganMs,
  agentOf,
  deadly,
  harmless,
  type Inject,
  monitorOf,
  newestAttempt,
  type Scene,
} from './faults.mjs'
import { helpers, isStoppedOrGone, signalIfThere } from './processes.mjs'
import { gated, noted, readLedger, repeats, watchAttempts, wrongIn } from './witness.mjs'
import {
  AGENTS,
  type AgentName,
  carriers,
  type Fault,
  makeWorld,
  type Script,
  until,
  type World,
} from './world.ts'

const PROMPT = 'Do the three steps, one after the other.'
const STEPS = [noted(1), gated(2), noted(3)]

const supervised = (policy: object = {}) => ({ monitor: true, policy: { backoff: '500ms', ...policy } })

interface Admission {
  readonly config?: object
  readonly agentArgs?: string[]
  /** Over the world's; undefined takes a name out. */
  readonly env?: Record<string, string | undefined>
}

/** A task under the real monitor. Nobody calls `rca resume` in this file. */
interface Patient {
  readonly world: World
  readonly name: string
  readonly scene: Scene
  readonly first: StatusJson
  /** Ends the watch over its processes; it must not have seen two attempts at once. */
  readonly expectOneAtATime: () => void
}

async function admit(
  agent: AgentName,
  test: TestContext,
  script: Script = { steps: STEPS },
  { config = supervised(), agentArgs = [], env = {} }: Admission = {},
): Promise<Patient> {
  const world = await makeWorld(agent, { default: script }, test, config)
  const options = Object.keys(env).flatMap((key) => (env[key] === undefined ? [] : ['--env', key]))
  const all = Object.entries({ ...world.env, ...env }).filter((pair): pair is [string, string] => !!pair[1])
  const name = await world.start('heal', PROMPT, { options, agentArgs, env: Object.fromEntries(all) })
  const first = await world.status(name)
  const { state, socket } = world
  const scene = { taskDir: first.taskDir ?? '', state, socket, env: world.env }
  const watch = watchAttempts(scene.taskDir)
  test.onTestFinished(() => void watch.stop())
  return { world, name, scene, first, expectOneAtATime: () => expect(watch.stop()).toEqual([]) }
}

const inStepTwo = ({ world }: Patient) =>
  until('step 2', () => readLedger(world.project).some((one) => one.step === 2))

const pass = ({ world }: Patient) => writeFileSync(join(world.project, 'pass-2'), '')

/** A socket that was deleted is put back by the monitor, without haste. */
const sessionReached = ({ world, name }: Patient) =>
  until('the session to be reached', async () => (await world.status(name)).session?.exists === true)

/** Waits until the agent has been started again. Gives how long after the fault that was, ms. */
async function startedAgain({ scene }: Patient, attempt: number, sinceMs: number): Promise<number> {
  await until(`attempt ${attempt}`, () => agentBeganMs(scene.taskDir, attempt) !== null)
  return Math.round((agentBeganMs(scene.taskDir, attempt) ?? 0) - sinceMs)
}

/** The task has come to a good end in the same conversation; no step was done twice and nothing of it is left. */
async function expectHealed(
  patient: Patient,
  { attempts, timeout = '100s' }: { attempts: number; timeout?: string },
): Promise<StatusJson> {
  const { world, name, scene } = patient
  const status = await world.done(name, timeout)
  expect(status).toMatchObject({ state: 'done', attempts, problems: [] })
  if (patient.first.agentSessionId) expect(status.agentSessionId).toBe(patient.first.agentSessionId)
  expect(status.lastMessage).toContain('ALL-DONE after 3 steps.')
  patient.expectOneAtATime()
  expect(wrongIn(readLedger(world.project), 3)).toEqual([])
  await until('the end of all that it started', () => carriers(status).length === 0)
  await until('the end of the helpers', () => helpers(scene.taskDir).length === 0)
  expect(new Set(world.requestsSince(0).map((one) => one.conversation)).size).toBe(1)
  return status
}

/** For the table. */
function report(test: TestContext, patient: Patient, ms: number | null): void {
  const again = repeats(readLedger(patient.world.project))
  const when = ms === null ? 'went on' : `again after ${ms} ms`
  Object.assign(test.task.meta, { note: `${when}, ${again} repeated` })
}

/** What went on knows the first step and was told to go on. */
function expectContinued({ world }: Patient, asked: number): void {
  const [next] = world.requestsSince(asked)
  expect(next).toMatchObject({ answer: 'step 2', done: ['STEP-OK-1'] })
  expect(next?.userTexts.join('\n')).toContain(PROMPT)
}

async function surviveInStepTwo(agent: AgentName, inject: Inject, test: TestContext): Promise<void> {
  const patient = await admit(agent, test)
  await inStepTwo(patient)
  const asked = patient.world.server.requests.length
  const faultMs = Date.now()
  await inject(patient.scene)
  const ms = await startedAgain(patient, 2, faultMs)
  // Something woke the monitor; its slow timer, the safety net, takes up to ten seconds.
  expect(ms).toBeLessThan(5_000)
  await sessionReached(patient)
  pass(patient)
  await expectHealed(patient, { attempts: 2 })
  expectContinued(patient, asked)
  expect(monitorOf(patient.scene.state)).not.toBeNull()
  report(test, patient, ms)
}

describe.concurrent.each(AGENTS)('%s', (agent) => {
  for (const [what, inject] of Object.entries(deadly)) {
    it(`${what}: goes on by itself`, (test) => surviveInStepTwo(agent, inject, test))
  }

  it('SIGTERM, then SIGKILL two steps later: goes on from the second', async (test) => {
    const steps = [noted(1), gated(2), noted(3), gated(4)]
    const patient = await admit(agent, test, { steps })
    const { world, name, scene } = patient
    await inStepTwo(patient)
    await deadly['agent SIGTERM']?.(scene)
    await startedAgain(patient, 2, 0)
    pass(patient)
    await until('step 4', () => readLedger(world.project).some((one) => one.step === 4))
    // Claude Code 2.1.197 keeps the newest tenth of a second of its conversation in memory.
    await sleep(1_000)
    const asked = world.server.requests.length
    const faultMs = Date.now()
    signalIfThere(agentOf(scene))
    const ms = await startedAgain(patient, 3, faultMs)
    writeFileSync(join(world.project, 'pass-4'), '')
    expect(await world.done(name)).toMatchObject({ attempts: 3 })
    expect(world.requestsSince(asked)[0]).toMatchObject({ answer: 'step 4' })
    expect(wrongIn(readLedger(world.project), 4)).toEqual([])
    patient.expectOneAtATime()
    report(test, patient, ms)
  })

  for (const [what, inject] of Object.entries(harmless)) {
    it(`${what}: not doubled, and its end is seen`, async (test) => {
      const patient = await admit(agent, test)
      const { world, name, scene } = patient
      await inStepTwo(patient)
      const pid = agentOf(scene)
      await inject(scene)
      // Whatever starts the monitor again (a service, cron, the next verb); the launch script does it only after a bad end.
      if (what === 'monitor SIGKILL') await world.ok(['monitor', '--once'])
      await sleep(1_500)
      expect(await world.status(name)).toMatchObject({ state: 'running', attempts: 1, pid })
      await until(
        'the session to be reached',
        async () => (await world.status(name)).session?.exists === true,
      )
      pass(patient)
      await until('the end of the agent', () => agentOf(scene) === null)
      const endMs = Date.now()
      await expectHealed(patient, { attempts: 1 })
      const seenMs = Math.round(statSync(join(scene.taskDir, 'done')).mtimeMs - endMs)
      Object.assign(test.task.meta, { note: `end seen after ${seenMs} ms` })
    })
  }

  it('SIGKILL before the first answer: goes on by itself', async (test) => {
    const script = { steps: [noted(1), noted(2), noted(3)], faults: { kind: 'hold', times: 1 } as const }
    const patient = await admit(agent, test, script)
    const { world, scene } = patient
    await world.server.waitFor((one) => one.held)
    const asked = world.server.requests.length
    const faultMs = Date.now()
    signalIfThere(agentOf(scene))
    const ms = await startedAgain(patient, 2, faultMs)
    await world.done(patient.name)
    const [next] = world.requestsSince(asked)
    expect(next?.userTexts.filter((text) => text.includes(PROMPT))).toHaveLength(1)
    patient.expectOneAtATime()
    expect(wrongIn(readLedger(world.project), 3)).toEqual([])
    report(test, patient, ms)
  })

  it('the API connection cut in an answer: goes on by itself', async (test) => {
    const cut = { kind: 'cut', step: 2, times: 1 } as const
    const steps = [noted(1), noted(2), noted(3)]
    const patient = await admit(agent, test, { steps, faults: cut })
    const { at } = await patient.world.server.waitFor((one) => one.answer === 'cut')
    // The others ask again by themselves.
    const attempts = agent === 'claude' ? 2 : 1
    await expectHealed(patient, { attempts })
    report(test, patient, attempts === 1 ? null : await startedAgain(patient, 2, Date.parse(at)))
  })

  it('an API that fails until the agent gives up, then is mended: goes on by itself', async (test) => {
    const down = { kind: 'status', status: 500, step: 2 } as const
    const steps = [noted(1), noted(2), noted(3)]
    const patient = await admit(agent, test, { steps, faults: down }, FEW_RETRIES[agent])
    const { world, scene } = patient
    const ended = () => journal(scene.taskDir).find((one) => one.type === 'attempt-ended')
    await until('the end of the agent', () => ended() !== undefined, 120_000)
    world.server.setFaults('default', [])
    expect(ended()).toMatchObject({ cause: 'api-error' })
    const ms = await startedAgain(patient, 2, exitMs(scene.taskDir, 1))
    await expectHealed(patient, { attempts: newestAttempt(scene.taskDir) })
    report(test, patient, ms)
  })

  it('a usage limit with a stated end: waits for it, then goes on', async (test) => {
    const faults = { ...LIMITS[agent].fault, step: 2 }
    const steps = [noted(1), noted(2), noted(3)]
    const patient = await admit(agent, test, { steps, faults }, LIMITS[agent])
    const { world, name } = patient
    if (agent === 'opencode') {
      // It waits by itself, for as long as the provider said.
      await world.server.waitFor((one) => one.answer === 'limit')
      world.server.setFaults('default', [])
      await expectHealed(patient, { attempts: 1 })
      return report(test, patient, null)
    }
    await until('the wait', async () => (await world.status(name)).state === 'waiting', 90_000)
    const waiting = await world.status(name)
    expect(waiting).toMatchObject({ attempts: 1, cause: 'usage-limit', processes: [] })
    world.server.setFaults('default', [])
    const dueMs = Date.parse(waiting.nextAttemptAt ?? '')
    // Half a minute and up to a minute more after the stated moment.
    expect(dueMs - Date.now()).toBeLessThan(170_000)
    await expectHealed(patient, { attempts: 2, timeout: '200s' })
    const ms = await startedAgain(patient, 2, dueMs)
    expect(ms).toBeGreaterThan(-1_000)
    Object.assign(test.task.meta, { note: `${ms} ms after the announced moment` })
  }, 300_000)

  it('a login that is refused in the middle: failed at once, with a hint', async (test) => {
    const steps = [noted(1), gated(2), noted(3)]
    const refused = { kind: 'status', status: 401, step: 3 } as const
    const patient = await admit(agent, test, { steps, faults: refused }, FEW_RETRIES[agent])
    pass(patient)
    const { world, name, scene } = patient
    const failed = await world.failed(name)
    const asked = world.server.requests.length
    expect(failed).toMatchObject({ state: 'failed', attempts: 1, nextAttemptAt: null })
    expect(failed.hint).toMatch(/login/)
    await sleep(3_000)
    expect(newestAttempt(scene.taskDir)).toBe(1)
    expect(carriers(failed)).toEqual([])
    expect(world.server.requests).toHaveLength(asked)
    patient.expectOneAtATime()
    Object.assign(test.task.meta, { note: `${asked} requests, ${failed.reason}`.slice(0, 60) })
  })

  it('rca kill while the monitor makes the next attempt: never revived', async (test) => {
    const patient = await admit(agent, test)
    const { world, name, scene } = patient
    await inStepTwo(patient)
    signalIfThere(agentOf(scene))
    await until('the claim of attempt 2', () => newestAttempt(scene.taskDir) === 2)
    await world.ok(['kill', name])
    expect(carriers({ taskDir: scene.taskDir })).toEqual([])
    await sleep(2_000)
    expect(await world.status(name)).toMatchObject({ state: 'killed', processes: [], pid: null })
    expect(newestAttempt(scene.taskDir)).toBe(2)
    expect(carriers({ taskDir: scene.taskDir })).toEqual([])
    patient.expectOneAtATime()
  })

  it('an agent that has finished and stays: ended, and done', async (test) => {
    const steps = [noted(1), gated(2), noted(3)]
    const config = supervised({ exitGrace: '1s' })
    const patient = await admit(agent, test, { steps }, { config })
    const { scene } = patient
    await inStepTwo(patient)
    pass(patient)
    await untilFinalEvent(agent, scene.taskDir)
    const stopped = carriers({ taskDir: scene.taskDir })
    for (const { pid } of stopped) signalIfThere(pid, 'SIGSTOP')
    const stoppedMs = Date.now()
    test.onTestFinished(() => stopped.forEach(({ pid }) => void signalIfThere(pid, 'SIGCONT')))
    await until('all of it to stand still', () => stopped.every(({ pid }) => isStoppedOrGone(pid)))
    const staged = agentOf(scene) !== null
    await expectHealed(patient, { attempts: 1 })
    const ended = journal(scene.taskDir).some((one) => one.type === 'ending' && one.why === 'finished')
    const ms = Math.round(statSync(join(scene.taskDir, 'done')).mtimeMs - stoppedMs)
    Object.assign(test.task.meta, { note: staged ? `done after ${ms} ms` : 'it was quicker' })
    expect(ended).toBe(staged)
  })
})

/** Enough for an agent to give up soon; how many there are by default is no concern of ours. */
const FEW_RETRIES: Record<AgentName, Admission> = {
  codex: {
    agentArgs: ['request_max_retries', 'stream_max_retries'].flatMap((one) => [
      '-c',
      `model_providers.lab.${one}=1`,
    ]),
  },
  claude: { env: { CLAUDE_CODE_MAX_RETRIES: '1' } },
  opencode: {},
  pi: {},
}

/** Each in a form in which the agent, or its provider, states when the limit ends. */
const LIMITS: Record<AgentName, { fault: Fault; env?: Record<string, string | undefined> }> = {
  // It names the minute, seconds cut off.
  codex: { fault: { kind: 'limit', resetsIn: 65 } },
  claude: {
    fault: { kind: 'limit', resetsIn: 5 },
    env: { ANTHROPIC_API_KEY: undefined, CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-lab' },
  },
  opencode: { fault: { kind: 'limit', resetsIn: 5 } },
  pi: { fault: { kind: 'status', status: 429, message: 'Usage limit reached. Try again in 5 seconds.' } },
}

/** The last event that each prints in a turn, as it stands in its line. */
const FINAL: Record<AgentName, RegExp> = {
  codex: /"type":"turn\.completed"/,
  claude: /"type":"result"/,
  opencode: /"reason":"stop"/,
  pi: /"type":"agent_end"/,
}

/** Looks closely: an agent exits some 50 ms after it. */
async function untilFinalEvent(agent: AgentName, taskDir: string): Promise<void> {
  const path = join(taskDir, 'events.jsonl')
  const giveUpMs = Date.now() + 60_000
  while (!FINAL[agent].test(readFileSync(path, 'utf8'))) {
    if (Date.now() > giveUpMs) throw new Error('there is no final event')
    await sleep(1)
  }
}

function journal(taskDir: string): { at: string; type: string; [key: string]: unknown }[] {
  const path = join(taskDir, 'journal.jsonl')
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
  return lines.map((line) => JSON.parse(line))
}

const exitMs = (taskDir: string, attempt: number) =>
  statSync(join(taskDir, 'attempts', String(attempt), 'exit.json')).mtimeMs
