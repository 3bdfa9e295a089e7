import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { isRunning, TERMINAL, test, until, type World } from './harness.ts'

const START = ['start', 'codex', 'fix', '-p', 'do it']
const orphan = (world: World) => Number(world.read('orphan'))

/** A task whose agent died by a signal and can go on. */
async function crashed(world: World): Promise<string> {
  world.agent('kills-itself')
  await world.rca(START)
  return (await world.reaches('failed')).agentSessionId ?? ''
}

describe.concurrent('resume', () => {
  test('ends what the dead agent left running first, also in a session of its own', async ({ world }) => {
    const { pid } = await world.begin('orphan-hangs')
    process.kill(pid ?? 0, 'SIGKILL')
    await world.reaches('failed')
    expect(isRunning(orphan(world))).toBe(true)
    expect((await world.status()).processes.map((one) => one.pid)).toContain(orphan(world))
    await world.rca(['resume', 'fix'])
    await world.reaches('done')
    expect(world.read('orphan-at-resume')).toBe('gone\n')
    expect(world.agents()).toEqual([])
  })

  test('leaves alone what a well-ended agent left running; status shows it, kill ends it', async ({
    world,
  }) => {
    await world.begin('orphan-done')
    await world.reaches('done')
    expect((await world.status()).processes).toEqual([{ pid: orphan(world), command: 'sleep 1000' }])
    await world.rca(['resume', 'fix', '-p', 'more'])
    await until(() => world.runs.length === 2, 'the follow-up')
    await world.reaches('done')
    expect(isRunning(orphan(world))).toBe(true)
    expect(await world.json(['kill', 'fix'])).toMatchObject([{ state: 'done' }])
    expect(isRunning(orphan(world))).toBe(false)
    expect((await world.status()).state).toBe('done')
  })

  test('an agent that opens another conversation is a failure; the id of the right one is kept', async ({
    world,
  }) => {
    world.agent('wrong-thread')
    await world.rca(START)
    const { agentSessionId } = await world.reaches('failed')
    const result = await world.rca(['resume', 'fix'])
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toContain(
      `conversation 00000000-0000-4000-8000-00000000dead instead of ${agentSessionId}`,
    )
    expect(world.agents()).toEqual([])
    const status = await world.status()
    expect(status).toMatchObject({ state: 'failed', agentSessionId })
    expect(readFileSync(join(status.taskDir ?? '', 'session-id'), 'utf8')).toBe(`${agentSessionId}\n`)
    world.agent('hangs')
    await world.rca(['resume', 'fix'])
    expect(await world.reaches('done')).toMatchObject({ agentSessionId })
  })

  test('code 0 without a final event is not done, and can go on', async ({ world }) => {
    world.agent('no-final-event')
    await world.rca(START)
    expect(await world.reaches('failed')).toMatchObject({
      exit: { code: 0 },
      reason: expect.stringContaining('no final event'),
    })
    expect((await world.status()).attemptList).toMatchObject([{ outcome: 'unfinished' }])
    await world.rca(['resume', 'fix'])
    await world.reaches('done')
    expect(world.runs).toHaveLength(2)
  })

  test('a launch script that is killed while its agent lives: still running, then the events tell the end', async ({
    world,
  }) => {
    await world.begin('waits')
    process.kill(launcher(world), 'SIGKILL')
    await until(() => !isRunning(launcher(world)), 'the launch script to be gone')
    expect(await world.status()).toMatchObject({ state: 'running' })
    expect(await world.rca(['resume', 'fix'])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('nothing to do'),
    })
    const wait = world.rca(['wait', 'fix'])
    world.write('go')
    expect(await wait).toMatchObject({ code: 0, stdout: 'codex-fix done\n' })
    expect(await world.status()).toMatchObject({ state: 'done', exit: null })
    expect(world.runs).toHaveLength(1)
  })

  test('what shows the pane its text held the FIFO of the launch script: its death was seen ten seconds late', async ({
    world,
  }) => {
    const { taskDir } = await world.begin('waits')
    await until(
      () => TERMINAL === 'plain' || world.processes().some((one) => one.command.startsWith('tail ')),
      'the pane to be shown it',
    )
    expect(holdersOf(join(taskDir ?? '', 'attempts/1/alive'))).toEqual([launcher(world)])
  })

  test('a launch script that is killed, then its agent: lost, and resume goes on', async ({ world }) => {
    const { pid } = await world.begin('hangs')
    process.kill(launcher(world), 'SIGKILL')
    const wait = world.rca(['wait', 'fix'])
    process.kill(pid ?? 0, 'SIGKILL')
    expect((await wait).code).toBe(1)
    expect(await world.status()).toMatchObject({ state: 'lost', exit: null })
    await world.rca(['resume', 'fix'])
    await world.reaches('done')
    expect(world.runs).toHaveLength(2)
  })

  test('a killed terminal: the agent is ended with it, and resume goes on in a new session', async ({
    world,
  }) => {
    await world.begin('hangs')
    killTerminal(world)
    await until(async () => ['failed', 'lost', 'killed'].includes((await world.status()).state), 'the end')
    expect((await world.rca(['resume', 'fix'])).code).toBe(0)
    await world.reaches('done')
    expect(world.hasSession()).toBe(TERMINAL !== 'plain')
    expect(world.runs).toHaveLength(2)
  })

  test('a killed task goes on when a person asks for it', async ({ world }) => {
    const { agentSessionId } = await world.begin('hangs')
    await world.rca(['kill', 'fix'])
    expect((await world.rca(['resume', 'fix'])).code).toBe(0)
    expect(await world.reaches('done')).toMatchObject({ attempts: 2, agentSessionId })
  })

  test('keeps the access and the arguments of the start', async ({ world }) => {
    world.agent('records')
    await world.rca([...START, '--access', 'read', '--', '-m', 'big one'])
    await world.reaches('done')
    const first = world.read('seen/argv')
    expect(first).toMatch(/-m\nbig one\n[\s\S]*-s\nread-only\n/)
    await world.rca(['resume', 'fix', '-p', 'more'])
    await until(() => world.runs.length === 2, 'the follow-up')
    await world.reaches('done')
    expect(world.read('seen/argv')).toBe(
      first.replace(/-\n$/, `resume\n${world.runs[0]?.split(' ')[1]}\n-\n`),
    )
  })

  test('a project folder that is gone is said so, and nothing is run', async ({ world }) => {
    await crashed(world)
    const folder = join(world.root, 'moved')
    rmSync(world.project, { recursive: true })
    const result = await world.rca(['resume', 'fix'], { cwd: world.root })
    expect(result).toMatchObject({ code: 1, stderr: expect.stringMatching(/project folder .* is gone/) })
    expect(existsSync(folder)).toBe(false)
    mkdirSync(world.project)
    expect((await world.rca(['resume', 'fix'])).code).toBe(0)
    await world.reaches('done')
  })

  test('an agent that was uninstalled is said so, and can go on later', async ({ world }) => {
    await crashed(world)
    rmSync(join(world.bin, 'codex'))
    expect(await world.rca(['resume', 'fix'])).toMatchObject({
      code: 69,
      stderr: expect.stringContaining('codex is not installed'),
    })
    world.agent('kills-itself')
    await world.rca(['resume', 'fix'])
    await world.reaches('done')
  })
})

describe.concurrent('kill', () => {
  test('ends an agent that ignores TERM', async ({ world }) => {
    await world.begin('ignores-term')
    expect(await world.json(['kill', 'fix', '--grace', '300ms'])).toMatchObject([
      { state: 'killed', exit: { signal: 'SIGKILL' } },
    ])
    expect(world.agents()).toEqual([])
    expect(world.processes().filter((one) => one.env.RCA_LAUNCH)).toEqual([])
  })

  test('ends what the agent started in a session of its own', async ({ world }) => {
    await world.begin('orphan-hangs')
    await world.rca(['kill', 'fix'])
    expect(isRunning(orphan(world))).toBe(false)
    expect(world.agents()).toEqual([])
  })

  test('may be repeated, and says the same', async ({ world }) => {
    await world.begin('hangs')
    const [first] = await world.json<unknown[]>(['kill', 'fix'])
    const [again] = await world.json<unknown[]>(['kill', 'fix'])
    expect(again).toEqual(first)
  })

  test('keeps what a task was that had ended', async ({ world }) => {
    await world.begin('done')
    await world.reaches('done')
    expect(await world.json(['kill', 'fix'])).toMatchObject([{ state: 'done' }])
    expect((await world.rca(['wait', 'fix'])).code).toBe(0)
  })

  test('of several goes on where one is unknown', async ({ world }) => {
    await world.begin('hangs', 'one')
    const result = await world.rca(['kill', 'none', 'one'])
    expect(result).toMatchObject({ code: 3, stderr: expect.stringContaining('No task "none"') })
    expect((await world.status('one')).state).toBe('killed')
  })

  test('leaves other tasks alone', async ({ world }) => {
    await world.begin('hangs', 'fix')
    await world.begin('hangs', 'fix-2')
    await world.rca(['kill', 'fix'])
    expect((await world.status('fix-2')).state).toBe('running')
    expect(world.hasSession()).toBe(false)
    expect(world.hasSession('codex-fix-2')).toBe(TERMINAL !== 'plain')
  })
})

/** The tmux server, the screen of the session, or without a terminal the process group. */
function killTerminal(world: World): void {
  if (TERMINAL === 'plain') process.kill(-launcher(world), 'SIGKILL')
  else process.kill((TERMINAL === 'tmux' ? world.server() : world.screenOf()) ?? 0, 'SIGKILL')
}

function launcher(world: World): number {
  const [dir = ''] = world.taskDirs
  const gate = readFileSync(join(dir, 'attempts/1/begun'), 'utf8')
  return Number(gate.split(' ')[2])
}

/** The processes that have a file open. */
function holdersOf(path: string): number[] {
  const open = (pid: string) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
    } catch {
      return []
    }
  }
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.filter((pid) => open(pid).includes(path)).map(Number)
}
