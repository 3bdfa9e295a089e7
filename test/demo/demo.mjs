// @ts-check
/**
 * The main job, for real and without any account: rca runs the agent pi (from npm) against a scripted model server on
 * loopback, the agent is killed half-way, and rca resumes it by itself: the same conversation is finished. `npm run demo`.
 */
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { wantsColour } from './colour.mjs'
import { hasTmux, openStage } from './stage.mjs'
import { FILES, LEDGER, PROMPT, SCRIPT, SESSION, TASK } from './story.mjs'

/** @typedef {import('./stage.mjs').Stage} Stage */

const colour = wantsColour(process.stdout)
/** @param {number} code */
const style = (code) => (/** @type {string} */ text) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)
const [bold, green, red, blue] = [style(1), style(32), style(31), style(34)]

/** For people to read along; programs need no pauses. */
const PAUSE_MS = process.stdout.isTTY ? 900 : 0

/** Fires when a person or a program wants the demo to end. */
const stop = new AbortController()

async function main() {
  if (!hasTmux()) {
    console.error('The demo needs tmux, which is not installed (or not on PATH): sudo apt-get install tmux')
    process.exitCode = 69
    return
  }
  for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(name, () => {
      process.exitCode = 128 + constants.signals[name]
      stop.abort()
    })
  }
  /** @type {Stage|undefined} */
  let stage
  try {
    stage = await open()
    await Promise.race([play(stage), interrupted()])
  } catch (error) {
    process.exitCode ||= 1
    if (!stop.signal.aborted) console.error(`\n${red('The demo failed:')} ${messageOf(error)}`)
  } finally {
    await stage?.close()
    console.log('\nEverything that the demo made is ended and removed.')
  }
}

async function open() {
  const agentDir = process.env.RCA_DEMO_AGENT_DIR || null
  const begun = Date.now()
  if (!agentDir) process.stdout.write('Installing the agent pi from npm into a temporary directory …')
  const stage = await openStage({ files: FILES, script: SCRIPT, colour, agentDir }, stop.signal)
  if (!agentDir) console.log(` done in ${Math.ceil((Date.now() - begun) / 1000)} s.`)
  return stage
}

/** @returns {Promise<never>} */
function interrupted() {
  return new Promise((_, reject) => {
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason))
  })
}

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error))

/** @param {Stage} stage */
async function play(stage) {
  say('A task for an agent: it runs in tmux and outlives this terminal.')
  await show(stage, ['start', 'pi', TASK, '-p', PROMPT])
  await until('the second step', async () => ledger(stage).length >= 2)
  await show(stage, ['list'])
  await show(stage, ['logs', SESSION])

  const agent = await untilSlowTest(stage)
  say('Half-way, while it runs the slow tests, the agent is killed.')
  const before = stage.server.requests.length
  command(`kill -9 ${agent.pid}`)
  process.kill(agent.pid, 'SIGKILL')
  await until('the monitor to go on with it', async () => (await status(stage)).attempts === 2)

  say('Nobody has to do anything: its own conversation goes on where it stopped.')
  await show(stage, ['list'])
  await show(stage, ['wait', SESSION])
  await show(stage, ['logs', SESSION, '--attempt', '2'])
  await show(stage, ['status', SESSION])
  command('cat steps.log')
  process.stdout.write(readFileSync(join(stage.project, 'steps.log')))
  prove(stage, agent.conversation, before, await status(stage))
}

/** @param {string} text */
function say(text) {
  stop.signal.throwIfAborted()
  console.log(`\n${blue(`# ${text}`)}`)
}

/** @param {string} text */
function command(text) {
  stop.signal.throwIfAborted()
  console.log(`${green('$')} ${bold(text)}`)
}

/**
 * Runs one rca command and shows both, it and what it prints.
 * @param {Stage} stage
 * @param {string[]} args
 */
async function show(stage, args) {
  command(['rca', ...args.map(asTyped)].join(' '))
  const { code } = await stage.rca(args, (text) => void process.stdout.write(text))
  check(code === 0, `rca ${args[0]} ended with exit code ${code}`)
  await sleep(PAUSE_MS)
}

/** @param {string} word */
const asTyped = (word) => (/^[\w./:=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** @param {Stage} stage */
async function status(stage) {
  const { stdout } = await stage.rca(['status', SESSION, '--json'])
  return JSON.parse(stdout)
}

/** @param {Stage} stage */
function ledger(stage) {
  try {
    return readFileSync(join(stage.project, 'steps.log'), 'utf8').trim().split('\n')
  } catch {
    return []
  }
}

/**
 * @param {Stage} stage
 * @returns {Promise<{ pid: number, conversation: string }>}   The agent in the midst of its third step.
 */
async function untilSlowTest(stage) {
  let task = await status(stage)
  await until('the slow tests', async () => {
    task = await status(stage)
    return task.processes.some((/** @type {{ command: string }} */ one) =>
      /test\.mjs --all/.test(one.command),
    )
  })
  return { pid: task.pid, conversation: task.agentSessionId }
}

/**
 * @param {string} what
 * @param {() => Promise<boolean>} seen
 */
async function until(what, seen) {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(50)) if (await seen()) return
  throw new Error(`waited 30 s for ${what}`)
}

/**
 * @param {boolean} holds
 * @param {string} otherwise
 */
function check(holds, otherwise) {
  if (!holds) throw new Error(otherwise)
}

/**
 * @param {Stage} stage
 * @param {string} conversation   Before the kill.
 * @param {number} before         Model requests until the kill.
 * @param {{ state: string, attempts: number, agentSessionId: string }} task
 */
function prove(stage, conversation, before, task) {
  const [first, next] = [stage.server.requests[0], stage.server.requests[before]]
  say('What has become of it')
  verdict(task.state === 'done' && task.attempts === 2, 'the task is done, in two attempts')
  verdict(String(ledger(stage)) === String(LEDGER), 'each of the four steps was done exactly once, in order')
  verdict(task.agentSessionId === conversation, `it is one conversation: ${conversation}`)
  verdict(
    next?.userTexts[0] === first?.userTexts[0] && String(next?.done) === String(LEDGER.slice(0, 2)),
    'the first model request after the kill held the prompt and the results of steps 1 and 2',
  )
}

/**
 * @param {boolean} holds
 * @param {string} claim
 */
function verdict(holds, claim) {
  console.log(`${holds ? green('✓') : red('✗')} ${claim}`)
  check(holds, `this is not true: ${claim}`)
}

await main()
