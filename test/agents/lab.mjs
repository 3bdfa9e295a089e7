// @ts-check
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { agentsBinDir, cacheDir } from './install.mjs'

/**
 * A home of its own for one agent, whose only model is the scripted server on loopback.
 *
 * @typedef {'codex'|'claude'|'opencode'|'pi'} AgentName
 *
 * @typedef {object} Lab
 * @property {string} home
 * @property {string} project                  An empty directory to work in; not a git repository.
 * @property {Record<string, string>} env      Everything the agent needs, to be used as the whole environment.
 * @property {string[]} modelArgs              What must be on the command line besides (pi only).
 * @property {() => void} cleanup              Removes home and project.
 *
 * @typedef {object} LabOptions
 * @property {string} [binDir]                 Where the agents' binaries are; default: what install.mjs installed.
 * @property {string} [root]                   Parent of the lab's directory.
 * @property {boolean} [login]                 False: no key and no provider, as on a new machine.
 * @property {object} [config]                 rca's settings; default: nothing goes on by itself.
 */

/** Most scenarios resume by hand. */
const BY_HAND = { monitor: false, policy: { restart: 'never' } }

/**
 * @param {AgentName} agent
 * @param {number} port   of the model server
 * @param {LabOptions} [options]
 * @returns {Lab}
 */
export function makeLab(agent, port, options = {}) {
  const { binDir = agentsBinDir(), root = join(cacheDir(), 'labs'), login = true, config = BY_HAND } = options
  // Not under /tmp by default: codex warns on stderr when its home is there.
  mkdirSync(root, { recursive: true })
  const dir = mkdtempSync(join(root, `${agent}-`))
  const [home, project] = [join(dir, 'home'), join(dir, 'project')]
  for (const path of [home, project]) mkdirSync(path)
  const { files, env, modelArgs } = settings[agent](port, login)
  for (const [path, content] of Object.entries(files)) write(join(home, path), content)
  write(join(home, '.config/rca/config.json'), config)
  return {
    home,
    project,
    env: { HOME: home, PATH: pathOf(binDir), LANG: 'C.UTF-8', TERM: 'xterm-256color', ...env },
    modelArgs,
    cleanup: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  }
}

/** The node that runs the tests also runs codex's and pi's launchers. @param {string} binDir */
function pathOf(binDir) {
  return [binDir, dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(':')
}

/**
 * @param {string} path
 * @param {string|object} content
 */
function write(path, content) {
  mkdirSync(dirname(path), { recursive: true })
  const text = typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`
  writeFileSync(path, text, { mode: 0o644 })
}

/**
 * @typedef {object} Settings
 * @property {Record<string, string|object>} files   Below the home.
 * @property {Record<string, string>} env
 * @property {string[]} modelArgs
 */

/** @type {Record<AgentName, (port: number, login: boolean) => Settings>} */
const settings = { codex, claude, opencode, pi }

/** @type {typeof settings[AgentName]} */
function codex(port, login) {
  const config = `model = "scripted"
model_provider = "lab"

[model_providers.lab]
name = "lab"
base_url = "http://127.0.0.1:${port}/v1"
wire_api = "responses"
env_key = "LAB_API_KEY"
`
  return { files: { '.codex/config.toml': config }, env: login ? { LAB_API_KEY: 'lab' } : {}, modelArgs: [] }
}

/** @type {typeof settings[AgentName]} */
function claude(port, login) {
  const env = {
    ANTHROPIC_BASE_URL: `http://127.0.0.1:${port}`,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_ERROR_REPORTING: '1',
    // Lets root run it without permission prompts.
    IS_SANDBOX: '1',
    ...(login && { ANTHROPIC_API_KEY: 'sk-ant-lab' }),
  }
  return { files: { '.claude.json': { hasCompletedOnboarding: true } }, env, modelArgs: [] }
}

/** @type {typeof settings[AgentName]} */
function opencode(port, login) {
  const options = { baseURL: `http://127.0.0.1:${port}/v1` }
  const config = { model: 'anthropic/claude-sonnet-4-5', provider: { anthropic: { options } } }
  // Its first run installs @opencode-ai/plugin (63 MB) here in the background and swallows signals meanwhile, unless
  // there is a node_modules and a lock file that names it (seen on 1.18.33). Nothing of ours needs the package.
  const lock = { packages: { '': { dependencies: { '@opencode-ai/plugin': '*' } } } }
  const files = {
    '.config/opencode/opencode.json': config,
    '.config/opencode/package-lock.json': lock,
    '.config/opencode/node_modules/.keep': '',
  }
  const env = {
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    ...(login && { ANTHROPIC_API_KEY: 'sk-lab' }),
  }
  return { files, env, modelArgs: [] }
}

/** @type {typeof settings[AgentName]} */
function pi(port, login) {
  const models = [{ id: 'scripted' }]
  const lab = {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    api: 'openai-completions',
    apiKey: 'LAB_API_KEY',
    models,
  }
  return {
    files: login ? { '.pi/agent/models.json': { providers: { lab } } } : {},
    env: { PI_OFFLINE: '1', ...(login && { LAB_API_KEY: 'lab' }) },
    modelArgs: login ? ['--provider', 'lab', '--model', 'scripted'] : [],
  }
}
