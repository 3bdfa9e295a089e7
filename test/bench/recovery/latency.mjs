// @ts-check
/**
 * From an agent's death to its successor's process, beside pm2 restarting a plain process, in turns, in one run:
 *   node test/bench/recovery/latency.mjs [--kills 200] [--json FILE]
 * Both are measured alike: from the kill to the moment at which the successor has noted down its pid.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { installAgents } from '../../agents/install.mjs'
import { agentOf, end, pause, textOf, until, Yard } from './yard.mjs'

const { values: options } = parseArgs({
  options: { kills: { type: 'string', default: '200' }, json: { type: 'string' } },
})

const pm2 = await installPm2()
const yard = new Yard()
try {
  main()
} finally {
  if (pm2) spawnSync(pm2, ['kill'], { env: yard.env })
  yard.close()
}

/** Null: it could not be installed, and is named as missing. */
async function installPm2() {
  const from = fileURLToPath(new URL('../pm2/', import.meta.url))
  try {
    return join(await installAgents({ from }), 'pm2')
  } catch (error) {
    console.error(`pm2 is missing: ${error instanceof Error ? error.message.split('\n')[0] : error}`)
    return null
  }
}

function main() {
  const kills = Number(options.kills)
  const task = yard.rca('start', 'codex', 'bench', '-p', 'x', '--json')
  if (pm2) startPlain()
  /** @type {{ rca: number[], pm2: number[] }} */
  const times = { rca: [], pm2: [] }
  for (let round = 1; round <= kills; round++) {
    times.rca.push(killAgent(task, round))
    if (pm2) times.pm2.push(killPlain())
  }
  console.log(table(times))
  const survived = outlives(task, kills + 1)
  console.log(survived)
  if (options.json) writeFileSync(options.json, `${JSON.stringify({ times, survived })}\n`)
}

/**
 * @param {{ taskDir: string, name: string, pid: number }} task
 * @param {number} attempt
 */
function killAgent(task, attempt) {
  const pid = until(() => agentOf(task, attempt), `attempt ${attempt}`)
  const said = () => textOf(join(task.taskDir, 'events.jsonl')).split('hello').length - 1
  until(() => said() >= attempt, `attempt ${attempt} to say something`)
  // Long enough that it is known to run, and that pm2 does not take the process for one that crashes in a loop.
  pause(120)
  return timed(
    () => end(pid),
    () => agentOf(task, attempt + 1),
  )
}

/** @param {() => void} act @param {() => number} check */
function timed(act, check) {
  const begun = process.hrtime.bigint()
  act()
  until(check, 'the successor')
  return Number(process.hrtime.bigint() - begun) / 1e6
}

function pidFile() {
  return join(yard.dir, 'plain.pid')
}

function plainPid() {
  return Number(textOf(pidFile()).trim())
}

/** A shell that notes down its pid and becomes `sleep`, as the fake agent does. */
function startPlain() {
  const script = join(yard.dir, 'bin/plain')
  writeFileSync(script, `#!/bin/sh\necho $$ > '${pidFile()}'\nexec sleep 100000\n`, { mode: 0o755 })
  const app = { name: 'plain', script, interpreter: 'none', min_uptime: 100, max_restarts: 100_000 }
  const file = join(yard.dir, 'ecosystem.json')
  writeFileSync(file, JSON.stringify({ apps: [app] }))
  const args = ['start', file]
  const { status, stdout, stderr } = spawnSync(pm2 ?? '', args, { env: yard.env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`pm2: ${stdout}${stderr}`)
}

function killPlain() {
  const pid = until(plainPid, 'the plain process')
  pause(120)
  return timed(
    () => end(pid),
    () => (plainPid() === pid ? 0 : plainPid()),
  )
}

/**
 * What becomes of each one's process when its supervisor is killed.
 * @param {{ taskDir: string, name: string, pid: number }} task
 * @param {number} attempt
 */
function outlives(task, attempt) {
  const agent = until(() => agentOf(task, attempt), 'the agent')
  end(yard.monitor)
  const lines = [`monitor killed: the agent ${survives(agent)}`]
  if (pm2) {
    const plain = plainPid()
    end(Number(textOf(join(yard.dir, 'pm2/pm2.pid'))))
    lines.push(`pm2's daemon killed: the process ${survives(plain)}`)
    lines.push(
      `then killed too: ${resurrected(
        () => end(plain),
        () => plainPid() !== plain && plainPid(),
      )}`,
    )
  }
  lines.push(
    `the agent killed with no monitor: ${resurrected(
      () => end(agent),
      () => agentOf(task, attempt + 1),
    )}`,
  )
  return lines.join('\n')
}

/** @param {number} pid */
function survives(pid) {
  pause(500)
  return textOf(`/proc/${pid}/stat`) === '' ? 'died with it' : 'lives on'
}

/** @param {() => void} kill @param {() => number | false} check */
function resurrected(kill, check) {
  kill()
  const begun = Date.now()
  while (Date.now() < begun + 5_000) {
    if (check()) return `its successor was there after ${Date.now() - begun} ms`
    pause(5)
  }
  return 'nobody started it again within 5 s'
}

/** @param {{ rca: number[], pm2: number[] }} times */
function table({ rca, pm2: plain }) {
  const row = (/** @type {string} */ name, /** @type {number[]} */ list) => {
    const sorted = list.toSorted((a, b) => a - b)
    const at = (/** @type {number} */ part) =>
      (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN).toFixed(1)
    return `| ${name} | ${list.length} | ${at(0)} | ${at(0.5)} | ${at(0.9)} | ${at(0.99)} | ${at(1)} |`
  }
  const ratio = (/** @type {number} */ part) => {
    const at = (/** @type {number[]} */ list) =>
      list.toSorted((a, b) => a - b)[Math.floor(list.length * part)] ?? Number.NaN
    return (at(rca) / at(plain)).toFixed(2)
  }
  return [
    '| death to successor, ms | kills | min | median | p90 | p99 | max |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    row('rca', rca),
    plain.length > 0 ? row('pm2', plain) : '| pm2 | missing |',
    plain.length > 0 ? `rca / pm2: median ${ratio(0.5)}, p99 ${ratio(0.99)}` : '',
  ].join('\n')
}
