// @ts-check
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installAgents } from '../agents/install.mjs'
import { startModelServer } from '../model-server/server.mjs'

/**
 * Where the demo plays: one directory for everything that it makes (home, state, project, agent, tmux socket), a model
 * server on loopback, and an environment in which `rca` and its agent see nothing else.
 *
 * @typedef {object} Stage
 * @property {string} dir
 * @property {string} project
 * @property {import('../model-server/server.mjs').ModelServer} server
 * @property {(args: string[], out?: (text: string) => void) => Promise<Ran>} rca   Runs rca in the project.
 * @property {() => Promise<void>} close   Ends everything that was started and removes the directory. Harmless twice.
 *
 * @typedef {{ code: number|null, stdout: string }} Ran   `code` null: died of a signal.
 *
 * @typedef {object} StageOptions
 * @property {Record<string, string>} files   Of the project.
 * @property {import('../model-server/script.mjs').Script} script
 * @property {boolean} colour
 * @property {string|null} agentDir    A folder that has pi already; null: it is installed from npm.
 */

const RCA = fileURLToPath(new URL('../../bin/rca.js', import.meta.url))
const DEMO = fileURLToPath(new URL('.', import.meta.url))

/** Whether tmux can be run. */
export function hasTmux() {
  return spawnSync('tmux', ['-V']).error === undefined
}

/**
 * @param {StageOptions} options
 * @param {AbortSignal} signal   Gives up building; what there is by then is removed.
 * @returns {Promise<Stage>}
 */
export async function openStage(options, signal) {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'rca-demo-')))
  try {
    const cache = join(dir, 'agent')
    const binDir = options.agentDir ?? (await installAgents({ from: DEMO, cache, signal }))
    const server = await startModelServer({ scripts: { default: options.script } })
    return build(dir, binDir, server, options)
  } catch (error) {
    remove(dir)
    throw error
  }
}

/**
 * @param {string} dir
 * @param {string} binDir
 * @param {Stage['server']} server
 * @param {StageOptions} options
 * @returns {Stage}
 */
function build(dir, binDir, server, { files, colour }) {
  const project = join(dir, 'shop')
  writeAll(project, files)
  writeAll(join(dir, 'home'), piSettings(server.port))
  writeAll(dir, { 'tmp/.keep': '' })
  const env = environment(dir, binDir, colour)
  /** @type {Map<import('node:child_process').ChildProcess, Promise<Ran>>} */
  const running = new Map()
  /** @type {Promise<void>|undefined} */
  let closed
  /** @param {string[]} argv @param {(text: string) => void} [out] */
  const run = (argv, out = () => {}) => runProgram(argv, { cwd: project, env }, running, out)
  /** @param {string[]} args */
  const rca = (args) => [process.execPath, RCA, ...args]
  const close = async () => {
    for (const child of running.keys()) child.kill('SIGTERM')
    await Promise.allSettled(running.values())
    const names = (await run(rca(['list', '--all', '--quiet']))).stdout.split('\n').filter(Boolean)
    if (names.length > 0) await run(rca(['kill', '--grace', '1s', ...names]))
    await run(rca(['monitor', 'stop']))
    await run(['tmux', '-S', join(dir, 'tmux'), 'kill-server'])
    await server.close()
    remove(dir)
  }
  return {
    dir,
    project,
    server,
    rca: async (args, out) => {
      if (closed) throw new Error('the stage is closed')
      return run(rca(args), out)
    },
    close: () => {
      closed ??= close()
      return closed
    },
  }
}

/**
 * @param {string} dir
 * @param {string} binDir
 * @param {boolean} colour
 * @returns {Record<string, string>}
 */
function environment(dir, binDir, colour) {
  return {
    PATH: [binDir, dirname(process.execPath), process.env.PATH ?? '/usr/bin:/bin'].join(delimiter),
    HOME: join(dir, 'home'),
    TMPDIR: join(dir, 'tmp'),
    LANG: process.env.LANG ?? 'C.UTF-8',
    TERM: 'xterm-256color',
    RCA_HOME: join(dir, 'state'),
    RCA_TMUX_SOCKET: join(dir, 'tmux'),
    PI_OFFLINE: '1',
    ...(colour ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }),
  }
}

/**
 * A home in which pi's one model is the scripted one. (Settings as of pi 0.74.2.)
 * @param {number} port
 */
function piSettings(port) {
  const demo = {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    api: 'openai-completions',
    apiKey: 'demo',
    models: [{ id: 'scripted' }],
  }
  return {
    '.pi/agent/models.json': JSON.stringify({ providers: { demo } }),
    '.pi/agent/settings.json': JSON.stringify({ defaultProvider: 'demo', defaultModel: 'scripted' }),
  }
}

/**
 * @param {string} root
 * @param {Record<string, string>} files   By their paths below `root`.
 */
function writeAll(root, files) {
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content, { mode: 0o644 })
    if (content.startsWith('#!')) chmodSync(file, 0o755)
  }
}

/**
 * @param {string[]} argv
 * @param {{ cwd: string, env: Record<string, string> }} options
 * @param {Map<import('node:child_process').ChildProcess, Promise<Ran>>} running
 * @param {(text: string) => void} out   Gets what it prints, as it comes.
 * @returns {Promise<Ran>}
 */
function runProgram([file = '', ...args], options, running, out) {
  const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
    out(text)
  })
  child.stderr.setEncoding('utf8').on('data', out)
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout }))
  })
  running.set(child, ended)
  return ended.finally(() => running.delete(child))
}

/** @param {string} dir */
function remove(dir) {
  rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}
