// @ts-check
/**
 * Runs the real agents against the scripted model and keeps what they print, as fixtures for the parsers:
 *   node test/agents/record.mjs [--agent NAME]... [--case NAME]... [--jobs N] [--timings FILE]
 */
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startModelServer } from '../model-server/server.mjs'
import { cases } from './cases.mjs'
import { installAgents } from './install.mjs'
import { makeLab } from './lab.mjs'
import { launch, runToEnd } from './launch.mjs'

/**
 * @typedef {import('./lab.mjs').AgentName} AgentName
 * @typedef {import('./cases.mjs').Case} Case
 * @typedef {import('./launch.mjs').Ended} Ended
 * @typedef {import('../model-server/server.mjs').ModelServer} ModelServer
 */

const FIXTURES = fileURLToPath(new URL('../fixtures/events/', import.meta.url))
/** @type {AgentName[]} */
const AGENTS = ['codex', 'claude', 'opencode', 'pi']

const { values: options } = parseArgs({
  options: {
    agent: { type: 'string', multiple: true, default: AGENTS },
    case: { type: 'string', multiple: true },
    jobs: { type: 'string', default: '3' },
    timings: { type: 'string' },
  },
})

await main()

async function main() {
  const binDir = await installAgents()
  const server = await startModelServer({ scripts: { default: { steps: 3 } } })
  const jobs = AGENTS.filter((agent) => options.agent.includes(agent)).flatMap((agent) =>
    chosen(agent).map(
      ([name, one]) =>
        () =>
          record(server, binDir, agent, name, one),
    ),
  )
  await Promise.all(Array.from({ length: Number(options.jobs) }, () => work(jobs)))
  await server.close()
}

/** @param {(() => Promise<void>)[]} jobs */
async function work(jobs) {
  for (let job = jobs.shift(); job; job = jobs.shift()) await job()
}

/** @param {AgentName} agent */
function chosen(agent) {
  return Object.entries(cases).filter(
    ([name, { only }]) => (!options.case || options.case.includes(name)) && (!only || only.includes(agent)),
  )
}

/**
 * @param {ModelServer} server
 * @param {string} binDir
 * @param {AgentName} agent
 * @param {string} name
 * @param {Case} one
 */
async function record(server, binDir, agent, name, one) {
  const script = `${agent}-${name}`
  server.setScript(script, one.script ?? { steps: 3 })
  const lab = makeLab(agent, server.port, { binDir, login: one.login ?? true })
  one.prepare?.(agent, lab, server.port)
  const neutral = neutraliser(binDir, server.port, lab)
  // pi prints it on stderr
  const asked = await runToEnd({ lab, argv: [agent, '--version'], stdin: '' })
  const version = (asked.stdout + asked.stderr).trim()
  /** @param {string} label @param {string} what @param {Ended} ended */
  const keep = (label, what, ended) => write(agent, label, { version, what }, ended, neutral)

  const prompt = one.prompt ?? `Do the three steps. [[script:${script}]]`
  const first = launch(agent, lab, { ...one, args: one.args?.(agent) ?? [] })
  const ended = await runToEnd({ lab, argv: first.argv, stdin: prompt, kill: one.kill ?? null })
  keep(name, one.what, ended)
  if (one.sequel) {
    const argv = launch(agent, lab, { resume: first.sessionIdOf(ended.stdout) }).argv
    keep(one.sequel.name, one.sequel.what, await runToEnd({ lab, argv, stdin: one.sequel.prompt }))
  }
  lab.cleanup()
}

/**
 * @param {AgentName} agent
 * @param {string} name
 * @param {{ version: string, what: string }} about
 * @param {Ended} ended
 * @param {(text: string) => string} neutral
 */
function write(agent, name, { version, what }, ended, neutral) {
  const dir = join(FIXTURES, agent)
  mkdirSync(dir, { recursive: true })
  // pi repeats the whole message with every delta.
  const lines = ended.stdout.split('\n').filter((line) => !line.includes('"type":"message_update"'))
  writeFileSync(join(dir, `${name}.jsonl`), neutral(lines.join('\n')))
  rmSync(join(dir, `${name}.stderr`), { force: true })
  if (ended.stderr) writeFileSync(join(dir, `${name}.stderr`), neutral(ended.stderr))
  const about = {
    exit: ended.exit,
    version: /\d+\.\d+\.\d+/.exec(version)?.[0] ?? version,
    what: what + ended.note,
  }
  writeFileSync(join(dir, `${name}.json`), `${JSON.stringify(about, null, 2)}\n`)
  const timing = { agent, name, exit: ended.exit, ...ended.ms }
  console.log(JSON.stringify(timing))
  if (options.timings) appendFileSync(options.timings, `${JSON.stringify(timing)}\n`)
}

/**
 * Nothing of the machine that recorded stays in a fixture.
 * @param {string} binDir
 * @param {number} port
 * @param {import('./lab.mjs').Lab} lab
 */
function neutraliser(binDir, port, lab) {
  const pairs = [
    [lab.project, '/home/u/project'],
    [lab.home, '/home/u'],
    [join(lab.home, '..'), '/home/u'],
    [join(binDir, '..'), '/usr/local/lib/node_modules'],
    [`127.0.0.1:${port}`, '127.0.0.1:4000'],
  ]
  // claude names directories after paths, with a dash for everything else.
  const dashed = pairs.map((pair) => pair.map((text) => text.replace(/[^A-Za-z0-9]/g, '-')))
  return (/** @type {string} */ text) =>
    [...pairs, ...dashed].reduce((all, [from = '', to = '']) => all.replaceAll(from, to), text)
}
