// @ts-check
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startModelServer } from '../model-server/server.mjs'
import { agentBeganMs, agentOf, deadly, harmless, launcherOf, monitorOf, newestAttempt } from './faults.mjs'
import { makeLab } from './lab.mjs'
import { carriers, helpers, processesWith, signalIfThere } from './processes.mjs'
import { gated, readLedger, repeats, watchAttempts, wrongIn } from './witness.mjs'

/**
 * One agent's part of the soak: tasks one after the other until enough faults have been injected.
 *
 * Each step of a task waits to be let go. Before that, chance says whether something happens to it first, and what: while the
 * agent is in the step, or at some moment of the start that follows, or after the step was let go.
 *
 * @typedef {import('./lab.mjs').AgentName} AgentName
 * @typedef {import('./faults.mjs').Scene} Scene
 *
 * @typedef {object} Injected
 * @property {string} kind
 * @property {number|null} ms      From the fault to the next agent's start; null: none had to be started.
 * @property {boolean} healed
 *
 * @typedef {object} Soaked
 * @property {AgentName} agent
 * @property {number} tasks
 * @property {number} steps
 * @property {number} repeated    Steps begun again.
 * @property {number} forgotten   Of them those that had just ended, which their agent had not kept yet.
 * @property {Injected[]} injected
 * @property {string[]} violations
 *
 * @typedef {object} Bed
 * @property {AgentName} agent
 * @property {ReturnType<typeof makeLab>} lab
 * @property {Awaited<ReturnType<typeof startModelServer>>} server
 * @property {string} state
 * @property {string} socket
 * @property {Readonly<Record<string, string>>} env
 * @property {() => number} random
 * @property {Map<number, number>} cut   How often a step's end was too fresh to be kept when its agent died.
 * @property {Soaked} result
 */

const RCA = fileURLToPath(new URL('../../bin/rca.js', import.meta.url))
const STEPS = 12
/** A step takes a fault with this chance, and after it another one. */
const CHANCE = 0.6
/** The chance of one that comes after the step was let go, and how long after, ms. */
const CHANCE_OF_ANY_MOMENT = 0.2
const ANY_MOMENT_MS = 400
/** What the model heard so long ago, its agent has kept, ms. */
const KEPT_MS = 1_000
/** So many in a row at one step. */
const MOST_AT_A_STEP = 3
/** About how long each takes to get to work, ms. */
const EARLY_MS = { codex: 600, claude: 1_500, opencode: 5_000, pi: 1_500 }
const PATIENCE_MS = 90_000
const CONFIG = {
  monitor: true,
  policy: { backoff: '200ms', jitter: 0, maxResumesPerHour: 10_000, deadline: 'none' },
}
const CUT = 'API connection cut'
const AGENT_SIGKILL = deadly['agent SIGKILL'] ?? (() => {})

/**
 * @param {AgentName} agent
 * @param {{ seed: number, faults: number, keep: boolean }} options
 * @returns {Promise<Soaked>}
 */
export async function runSoak(agent, { seed, faults, keep }) {
  const server = await startModelServer({ scripts: {} })
  const lab = makeLab(agent, server.port, { config: CONFIG })
  const socket = join(mkdtempSync('/tmp/rca-soak-'), 's')
  const state = join(dirname(lab.home), 'state')
  const env = { ...lab.env, RCA_HOME: state, RCA_TMUX_SOCKET: socket }
  /** @type {Soaked} */
  const result = { agent, tasks: 0, steps: 0, repeated: 0, forgotten: 0, injected: [], violations: [] }
  const random = randomFrom(seed, agent)
  const bed = { agent, lab, server, state, socket, env, random, cut: new Map(), result }
  try {
    while (result.injected.length < faults && result.violations.length === 0) await runTask(bed)
  } catch (error) {
    result.violations.push(error instanceof Error ? error.message : String(error))
  }
  await takeDown(bed, keep)
  return result
}

/** @param {Bed} bed */
async function runTask(bed) {
  const { agent, lab, server, state, socket, env, result } = bed
  const task = `soak-${++result.tasks}`
  for (const name of readdirSync(lab.project)) rmSync(join(lab.project, name), { recursive: true })
  server.requests.length = 0
  bed.cut.clear()
  server.setScript('default', { steps: Array.from({ length: STEPS }, (_, i) => gated(i + 1)) })
  const key = agent === 'pi' ? ['--env', 'LAB_API_KEY'] : []
  const args = ['start', agent, task, '-p', 'Do the steps.', ...key, '--json', '--', ...lab.modelArgs]
  const started = await rca(bed, args)
  if (started.code !== 0) throw new Error(`${task} did not start: ${started.stderr}`)
  const taskDir = JSON.parse(started.stdout).taskDir
  const scene = { taskDir, state, socket, env }
  const watch = watchAttempts(taskDir)
  try {
    await playSteps(bed, scene)
    await expectDone(bed, `${agent}-${task}`, scene)
  } finally {
    result.violations.push(...watch.stop().slice(0, 3))
  }
}

/** Steps with a fault now and then. @param {Bed} bed @param {Scene} scene */
async function playSteps(bed, scene) {
  for (let step = 1; step <= STEPS; step++) {
    await untilAt(bed, scene, step)
    for (let n = 0; n < MOST_AT_A_STEP && bed.random() < CHANCE; n++) {
      await injectOne(bed, scene, step)
      await untilAt(bed, scene, step)
    }
    writeFileSync(join(bed.lab.project, `pass-${step}`), '')
    bed.result.steps++
    // Not in the last one: the task may be done before.
    if (step === STEPS || bed.random() >= CHANCE_OF_ANY_MOMENT) continue
    await sleep(bed.random() * ANY_MOMENT_MS)
    await kill(bed, scene, 'agent SIGKILL at any moment', AGENT_SIGKILL)
  }
}

/** Waits until the newest attempt is in that step. @param {Bed} bed @param {Scene} scene @param {number} step */
async function untilAt(bed, { taskDir }, step) {
  await until(`${taskDir}: step ${step} in attempt ${newestAttempt(taskDir)}`, () => {
    const attempt = newestAttempt(taskDir)
    return readLedger(bed.lab.project).some((one) => one.step === step && one.attempt === attempt)
  })
}

/** Does one thing to the task while its agent is in a step. @param {Bed} bed @param {Scene} scene @param {number} step */
async function injectOne(bed, scene, step) {
  const { random, result } = bed
  const kind = choose(bed, scene)
  const inject = deadly[kind]
  if (kind === CUT) bed.server.setFaults('default', { kind: 'cut', step: step + 1, times: 1 })
  if (!inject) {
    await harmless[kind]?.(scene)
    result.injected.push({ kind, ms: null, healed: true })
    if (monitorOf(scene.state) === null) await startMonitor(bed)
    return
  }
  await kill(bed, scene, kind, inject)
  // Now and then the next one dies on its way as well.
  if (random() < 0.3) {
    await sleep(random() * EARLY_MS[bed.agent])
    await kill(bed, scene, 'agent SIGKILL while it starts', AGENT_SIGKILL)
  }
}

/** @param {Bed} bed @param {Scene} scene */
function choose({ random }, scene) {
  const kinds = [...Object.keys(deadly), ...Object.keys(harmless), CUT]
  const kind = kinds[Math.floor(random() * kinds.length)] ?? ''
  // Without its launch script no hangup reaches the agent, and nobody but the monitor sees its end.
  if (launcherOf(scene) === null && /^(pane|tmux (kill|server)|monitor SIGKILL,)/.test(kind))
    return 'agent SIGKILL'
  if (kind === 'tmux kill-session' && !existsSync(scene.socket)) return 'pane shell SIGKILL'
  return kind
}

/** As a service would. @param {Bed} bed */
async function startMonitor(bed) {
  void rca(bed, ['monitor'])
  await until('a monitor', () => monitorOf(bed.state) !== null)
}

/**
 * Notes which steps' ends are so fresh that their agent may not have kept them. Until the model has heard of it, none has; and
 * Claude Code 2.1.197 writes its conversation down a tenth of a second later, more where the machine is busy.
 * @param {Bed} bed
 */
function noteFresh({ lab, server, cut }) {
  for (const { step } of readLedger(lab.project).filter(({ what }) => what === 'ended')) {
    const heard = server.requests.findLast(({ done }, i, all) => {
      const token = `STEP-OK-${step}`
      return done.includes(token) && !all[i - 1]?.done.includes(token)
    })
    if (!heard || Date.now() - Date.parse(heard.at) < KEPT_MS) cut.set(step, (cut.get(step) ?? 0) + 1)
  }
}

/**
 * @param {Bed} bed
 * @param {Scene} scene
 * @param {string} kind
 * @param {import('./faults.mjs').Inject} inject
 */
async function kill(bed, scene, kind, inject) {
  const attempt = newestAttempt(scene.taskDir)
  await until('the agent to be there', () => agentOf(scene) !== null)
  /** @type {Injected} */
  const injected = { kind, ms: null, healed: false }
  bed.result.injected.push(injected)
  noteFresh(bed)
  const faultMs = Date.now()
  await inject(scene)
  const began = () => agentBeganMs(scene.taskDir, attempt + 1)
  await until(`${scene.taskDir}: an attempt after ${attempt} (${kind})`, () => began() !== null)
  injected.ms = Math.round((began() ?? 0) - faultMs)
  injected.healed = true
}

/** @param {Bed} bed @param {string} name @param {Scene} scene */
async function expectDone(bed, name, { taskDir }) {
  const { violations } = bed.result
  const waited = await rca(bed, ['wait', name, '--timeout', `${PATIENCE_MS / 1000}s`])
  if (waited.code !== 0) violations.push(`${name}: wait ended with ${waited.code}: ${waited.stdout}`)
  const lines = readLedger(bed.lab.project)
  bed.result.repeated += repeats(lines)
  bed.result.forgotten += repeats(lines, 'ended')
  violations.push(...wrongIn(lines, STEPS, bed.cut).map((one) => `${name}: ${one}`))
  const left = () => [...carriers({ taskDir }), ...helpers(taskDir)]
  await until('its processes to be gone', () => left().length === 0, 10_000).catch(() => {})
  violations.push(...left().map((one) => `${name}: left over: ${one.pid} ${one.command}`))
  violations.push(...litter(bed.state, taskDir).map((one) => `${name}: left over: ${one}`))
}

/** What is half written or held, once a task is over. @param {string} state @param {string} taskDir */
function litter(state, taskDir) {
  const files = [join(state, 'locks'), taskDir].flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true }).map((one) => ({
      path: join(one.parentPath, one.name),
      inLocks: folder !== taskDir,
      file: !one.isDirectory(),
      name: one.name,
    })),
  )
  return files
    .filter(({ inLocks, file, name, path }) =>
      inLocks ? file && !path.includes('/locks/monitor/') : /^\.|\.tmp$/.test(name),
    )
    .map(({ path }) => path)
}

/** @param {{ command: string }} one */
const isTmux = ({ command }) => command.startsWith('tmux ')

/** @param {Bed} bed @param {boolean} keep */
async function takeDown(bed, keep) {
  const { lab, server, socket, env, result } = bed
  await rca(bed, ['monitor', 'stop'])
  spawnSync('tmux', ['-S', socket, 'kill-server'], { env })
  // Its socket may have been deleted after the last task was done.
  for (const { pid } of processesWith((variables) => variables.includes(`HOME=${lab.home}`)).filter(isTmux))
    signalIfThere(pid, 'SIGTERM')
  const mine = () => processesWith((variables) => variables.includes(`HOME=${lab.home}`))
  await until('the end of everything', () => mine().length === 0, 8_000).catch(() => {})
  for (const { pid, command } of mine()) {
    result.violations.push(`left over at the end: ${pid} ${command}`)
    signalIfThere(pid)
  }
  await server.close()
  if (keep || result.violations.length > 0) return console.log(`${bed.agent}: kept ${dirname(lab.home)}`)
  rmSync(dirname(socket), { recursive: true, force: true })
  lab.cleanup()
}

/**
 * @param {Bed} bed
 * @param {string[]} args
 * @returns {Promise<{ code: number|null, stdout: string, stderr: string }>}
 */
function rca({ lab, env }, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [RCA, ...args], {
      cwd: lab.project,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const out = { stdout: '', stderr: '' }
    for (const name of /** @type {const} */ (['stdout', 'stderr'])) {
      child[name].setEncoding('utf8').on('data', (text) => {
        out[name] += text
      })
    }
    child.on('error', reject).on('close', (code) => resolve({ code, ...out }))
  })
}

/** @param {string} what @param {() => boolean} check @param {number} [timeoutMs] */
async function until(what, check, timeoutMs = PATIENCE_MS) {
  const deadline = Date.now() + timeoutMs
  while (!check()) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await sleep(20)
  }
}

/** The same numbers for the same seed and agent. (mulberry32) @param {number} seed @param {string} agent */
function randomFrom(seed, agent) {
  let state = [...agent].reduce((sum, char) => Math.imul(sum, 31) + char.charCodeAt(0), seed) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
