import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import type { DoctorJson } from '../../src/commands/doctor.ts'
import type { Finding } from '../../src/doctor/findings.ts'
import { isRunning, test, until, type World } from './harness.ts'

interface Seen extends DoctorJson {
  readonly code: number | null
  /** The findings of one check that are not well. */
  readonly of: (check: string) => Finding[]
}

async function doctor(world: World, ...args: string[]): Promise<Seen> {
  const { code, stdout, stderr } = await world.rca(['doctor', '--json', ...args])
  if (stdout === '') throw new Error(stderr)
  const found = JSON.parse(stdout) as DoctorJson
  const of = (check: string) => found.findings.filter((one) => one.check === check && one.level !== 'ok')
  return { ...found, code, of }
}

/** A codex that answers the doctor; fake agents do not. */
const ANSWERS = 'case $1 in login) exit 0;; *) echo codex-cli 0.169.0;; esac'

async function begun(world: World, behaviour: string, task = 'fix') {
  const found = await world.begin(behaviour, task)
  world.program('codex', ANSWERS)
  return found
}

/** Sees the problem, has it repaired, and sees that it is gone. */
async function repaired(world: World, check: string, fix: string): Promise<void> {
  const before = await doctor(world)
  expect(before.of(check)).toMatchObject([{ fix }])
  const after = await doctor(world, '--fix')
  expect(after.repairs).toMatchObject([{ name: fix, done: true, error: null }])
  expect(after.of(check)).toEqual([])
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

/** A process id that was somebody's a moment ago. */
const deadPid = (world: World) =>
  Number(spawnSync('sh', ['-c', 'echo $$'], { env: world.env, encoding: 'utf8' }).stdout)

describe.concurrent('rca doctor', () => {
  test('where nothing is wrong: 0, and nothing is made', async ({ world }) => {
    world.program('codex', ANSWERS)
    const result = await world.rca(['doctor'])
    expect(result, result.stdout).toMatchObject({ code: 0, stderr: '' })
    expect(result.stdout).toMatch(/^ok rca .*\nok tmux +tmux \d/)
    expect(result.stdout).toMatch(/ok codex +codex-cli 0\.169\.0 \(.*\), logged in \(codex login status\)\n/)
    expect(result.stdout).toMatch(/- {2}pi +not installed\n +npm install -g/)
    expect(result.stdout).toMatch(/Nothing is wrong\.\n$/)
    expect(existsSync(world.state)).toBe(false)
  })

  test('no tmux, no agent: 1, and how to get them', async ({ world }) => {
    world.link('node', 'sh')
    const { code, stdout } = await world.rca(['doctor'], { env: { PATH: world.bin } })
    expect(code).toBe(1)
    expect(stdout).toMatch(/! {2}tmux +tmux is not installed.*without a terminal/)
    expect(stdout).toMatch(/!! agents +none is installed.*\n.*npm install -g @openai\/codex/)
    expect(stdout).toMatch(/There is a problem/)
  })

  test('agents: without a login, broken, hanging at their version', async ({ world }) => {
    world.program('codex', 'case $1 in login) exit 1;; *) echo codex-cli 0.169.0;; esac')
    world.program('claude', 'exit 3')
    world.program('pi', 'echo 0.74.2 >&2')
    const found = await doctor(world)
    expect(found.of('codex')).toMatchObject([
      { level: 'warning', message: expect.stringMatching(/not logged in/) },
    ])
    expect(found.of('claude')).toMatchObject([
      { level: 'problem', message: expect.stringMatching(/version/) },
    ])
    expect(found.of('pi')).toMatchObject([
      { level: 'note', message: expect.stringMatching(/^0\.74\.2 .*cannot be known/) },
    ])
  })

  test('reads no credential: a file of them that may not be read is seen by its name', async ({ world }) => {
    world.program('pi', 'echo 0.74.2')
    const file = join(world.home, '.pi/agent/auth.json')
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, '{"anthropic":{"key":"sk-very-secret"}}')
    const before = statSync(file).atimeMs
    utimesSync(file, 1, 1)
    const { stdout } = await world.rca(['doctor', '--json'], { env: { ANTHROPIC_API_KEY: undefined } })
    expect(stdout).toContain('logged in')
    expect(stdout).not.toContain('secret')
    // Under relatime a read would have set it.
    expect(statSync(file).atimeMs).toBe(1_000)
    expect(before).toBeGreaterThan(1_000)
  })

  test('an open state directory and open records are closed', async ({ world }) => {
    const { taskDir } = await begun(world, 'done')
    await world.reaches('done')
    chmodSync(world.state, 0o755)
    expect((await doctor(world)).code).toBe(1)
    chmodSync(taskDir ?? '', 0o750)
    const after = await doctor(world, '--fix')
    expect(after.repairs.map((one) => one.name)).toEqual(['private-folders'])
    expect([modeOf(world.state), modeOf(taskDir ?? '')]).toEqual(['700', '700'])
    expect([...after.of('state'), ...after.of('task')].filter((one) => one.level === 'problem')).toEqual([])
  })

  test('a folder of something else, to which RCA_HOME leads, was closed to others (bug)', async ({
    world,
  }) => {
    const folder = join(world.root, 'public')
    mkdirSync(folder)
    chmodSync(folder, 0o755)
    writeFileSync(join(folder, 'index.html'), '')
    const { code, stdout } = await world.rca(['doctor', '--fix', '--json'], { env: { RCA_HOME: folder } })
    expect(code).toBe(1)
    const { findings, repairs } = JSON.parse(stdout) as DoctorJson
    expect(modeOf(folder)).toBe('755')
    expect(findings.filter((one) => one.check === 'state')).toMatchObject([
      { level: 'problem', fix: null, message: expect.stringContaining('holds other things') },
    ])
    expect(repairs.map((one) => one.name)).not.toContain('private-folders')
  })

  test('a state directory that is none, and one that is a link', async ({ world }) => {
    writeFileSync(world.state, '')
    expect((await doctor(world)).of('state')).toMatchObject([{ level: 'problem', fix: null }])
    rmSync(world.state)
    mkdirSync(join(world.root, 'elsewhere'), { mode: 0o755 })
    symlinkSync(join(world.root, 'elsewhere'), world.state)
    const after = await doctor(world, '--fix')
    expect(after.of('state')).toMatchObject([
      { level: 'problem', message: expect.stringMatching(/not a folder/) },
    ])
    expect(modeOf(join(world.root, 'elsewhere'))).toBe('755')
  })

  test('a state directory in which nothing is as it should be', async ({ world }) => {
    mkdirSync(world.state, { mode: 0o700 })
    for (const name of ['tasks', 'locks', 'wake']) writeFileSync(join(world.state, name), '')
    mkdirSync(join(world.state, 'monitor'))
    const found = await doctor(world, '--fix')
    expect(found.code).toBe(1)
    expect(found.of('tasks')).toMatchObject([
      { level: 'problem', message: expect.stringMatching(/cannot be looked at/) },
    ])
    expect(found.of('monitor')).toMatchObject([{ level: 'problem' }])
  })

  test('config.json: a mistake in it, and one that others may write', async ({ world }) => {
    world.config('{ "policy": { "backof": "3m" } }')
    expect((await doctor(world)).of('config')).toMatchObject([
      { level: 'problem', fix: null, hint: expect.stringMatching(/backoff/) },
    ])
    world.config({})
    const path = join(world.home, '.config/rca/config.json')
    chmodSync(path, 0o666)
    await repaired(world, 'config', 'private-config')
    expect(modeOf(path)).toBe('644')
  })

  test('a monitor that was killed beside a task that needs one: begun again', async ({ world }) => {
    world.config({})
    await begun(world, 'hangs')
    const monitorPid = () =>
      Number(
        existsSync(join(world.state, 'monitor')) &&
          readFileSync(join(world.state, 'monitor'), 'utf8').split(' ')[1],
      )
    const pid = await until(monitorPid, 'the monitor')
    process.kill(pid, 'SIGKILL')
    await until(() => !isRunning(pid), 'its end')
    expect((await doctor(world)).of('monitor')).toMatchObject([
      { level: 'problem', message: expect.stringMatching(/was killed: nobody goes on with codex-fix/) },
    ])
    const { repairs } = await doctor(world, '--fix')
    expect(repairs.map((one) => [one.name, one.error])).toEqual([
      ['start-monitor', null],
      // Its lock was left as well.
      ['clear-locks', null],
    ])
    // It is announced a moment after it was begun.
    await until(async () => (await doctor(world)).of('monitor').length === 0, 'the new one')
    expect(world.processes().filter((one) => one.command.includes(' monitor '))).toHaveLength(1)
  })

  test('locks of the dead are cleared, those of the living and the unreadable are left', async ({
    world,
  }) => {
    await begun(world, 'done')
    await world.reaches('done')
    const folder = join(world.state, 'locks/codex-fix')
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const host = spawnSync('hostname', { encoding: 'utf8' }).stdout.trim()
    const holder = { pid: deadPid(world), start: '1', boot }
    writeFileSync(join(folder, 'dead'), JSON.stringify({ holder, host, what: 'rca start' }), { mode: 0o600 })
    await repaired(world, 'leftovers', 'clear-locks')
    expect(readdirSync(folder)).toEqual([])
    writeFileSync(join(folder, 'odd'), 'nonsense', { mode: 0o600 })
    expect((await doctor(world, '--fix')).of('lock')).toMatchObject([{ level: 'problem', fix: null }])
    expect(readdirSync(folder)).toEqual(['odd'])
  })

  test('what never became a task is removed once nobody makes it any more', async ({ world }) => {
    await begun(world, 'done')
    const half = join(world.state, 'tasks/codex-half.AAAAAA')
    mkdirSync(half, { mode: 0o700 })
    writeFileSync(join(half, 'prompt'), 'x')
    expect((await doctor(world, '--fix')).of('leftovers')).toEqual([])
    expect(existsSync(half)).toBe(true)
    utimesSync(half, 1, 1)
    await repaired(world, 'leftovers', 'clear-half-made')
    expect(existsSync(half)).toBe(false)
    expect(world.taskDirs).toHaveLength(1)
  })

  test('what a dead agent left running is ended, what a living or a well-ended one has is not', async ({
    world,
  }) => {
    await begun(world, 'orphan-done', 'well')
    await world.reaches('done', 'well')
    const server = Number(world.read('orphan'))
    await begun(world, 'hangs', 'alive')
    const { pid } = await begun(world, 'orphan-hangs', 'dead')
    const stray = Number(world.read('orphan'))
    process.kill(pid ?? 0, 'SIGKILL')
    await world.reaches('failed', 'dead')
    const [found] = (await doctor(world)).of('processes')
    expect(found).toMatchObject({ level: 'problem', fix: 'end-strays' })
    expect(found?.message).toMatch(new RegExp(`of codex-dead left running \\(pid ${stray}\\)`))
    await repaired(world, 'processes', 'end-strays')
    expect([isRunning(stray), isRunning(server)]).toEqual([false, true])
    expect((await world.status('alive')).state).toBe('running')
  })

  test('processes whose records somebody removed are named and left alone', async ({ world }) => {
    const { pid, taskDir } = await begun(world, 'hangs')
    rmSync(taskDir ?? '', { recursive: true })
    const found = (await doctor(world, '--fix')).of('processes')
    expect(found).toMatchObject([
      { level: 'problem', fix: null, hint: expect.stringContaining(`kill ${pid}`) },
    ])
    expect(isRunning(pid ?? 0)).toBe(true)
  })

  test('records that cannot be read are told and never touched', async ({ world }) => {
    const { taskDir } = await begun(world, 'done')
    await world.reaches('done')
    const spec = join(taskDir ?? '', 'spec.json')
    chmodSync(spec, 0o600)
    writeFileSync(spec, '{ torn')
    const found = await doctor(world, '--fix')
    expect(found).toMatchObject({ code: 1, repairs: [] })
    expect(found.of('task')).toMatchObject([
      { level: 'problem', hint: expect.stringContaining(taskDir ?? '?') },
    ])
    expect(readFileSync(spec, 'utf8')).toBe('{ torn')
  })

  test('of a task that does not run in tmux no socket of tmux is missed (bug)', async ({ world }) => {
    world.program('tmux', '[ "$1" = -V ] && exec echo tmux 3.3a; echo \'no, thank you\' >&2; exit 1')
    world.program('screen', 'exit 1')
    await begun(world, 'hangs')
    expect((await world.status()).state).toBe('running')
    expect((await doctor(world)).of('socket')).toEqual([])
  })

  test("a tmux socket that somebody deleted is the server's again", async ({ world }) => {
    const { pid } = await begun(world, 'hangs')
    rmSync(world.socket)
    await repaired(world, 'socket', 'restore-socket')
    expect(world.tmux('list-sessions', '-F', '#{session_name}')).toBe('codex-fix')
    expect(isRunning(pid ?? 0)).toBe(true)
  })
})
