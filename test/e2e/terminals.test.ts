import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import type { TaskJson } from '../../src/task/json.ts'
import { isRunning, jsonError, RCA, test, until, type World } from './harness.ts'

const START = ['start', 'codex', 'fix', '-p', 'do it']
const OLD_TMUX =
  'case "$*" in -V) echo "tmux 2.9" ;; *) echo "new-session: unknown option -- e" >&2; exit 1 ;; esac'

const inScreen = { env: { RCA_TERMINAL: 'screen' } }

function journal(world: World): { readonly type: string; readonly [key: string]: unknown }[] {
  const text = readFileSync(join(world.taskDirs[0] ?? '', 'journal.jsonl'), 'utf8')
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

describe.concurrent('in what a task runs', () => {
  test('without tmux: in screen, and that is said', async ({ world }) => {
    world.agent('hangs')
    const env = { PATH: world.pathWithout('tmux') }
    const result = await world.rca([...START, '--json'], { env })
    expect(result).toMatchObject({
      code: 0,
      stderr: 'rca: tmux is not installed: codex-fix runs in screen\n',
    })
    expect(JSON.parse(result.stdout)).toMatchObject({
      terminal: 'screen',
      tmuxSocket: null,
      state: 'running',
    })
    expect(world.screenOf()).not.toBeNull()
    expect((await world.rca(['list', '--all'], { env })).code).toBe(0)
    expect((await world.rca(['kill', 'fix'], { env })).code).toBe(0)
    expect(world.screenOf()).toBeNull()
  })

  test('without tmux and screen: in none, and that is said', async ({ world }) => {
    world.agent('waits')
    const env = { PATH: world.pathWithout('tmux', 'screen') }
    const result = await world.rca(START, { env })
    expect(result.code, result.stderr).toBe(0)
    expect(result.stderr).toBe(
      'rca: neither tmux nor screen is installed: codex-fix runs without a terminal\n',
    )
    expect(await world.status()).toMatchObject({ terminal: 'plain', session: null, tmuxSocket: null })
    expect(await world.rca(['attach', 'fix'], { env })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/runs without a terminal\n.*rca logs -f codex-fix/),
    })
    expect((await world.rca(['list', '--all'], { env })).code).toBe(0)
    world.write('go')
    expect((await world.rca(['wait', 'fix'], { env })).code).toBe(0)
    const shown = async () => (await world.rca(['logs', 'fix', '--pane'], { env })).stdout
    await until(async () => (await shown()).includes('__TASK_DONE__'), 'the marker')
    await until(() => world.processes().length === 0, 'all to end')
  })

  test('with a tmux that is too old: in screen, and why is said', async ({ world }) => {
    world.agent('hangs')
    world.program('tmux', OLD_TMUX)
    const result = await world.rca(START)
    expect(result.code, result.stderr).toBe(0)
    expect(result.stderr).toBe(
      'rca: codex-fix runs in screen, not in tmux: tmux 2.9 is too old: rca needs tmux 3.2 or newer\n',
    )
    const status = await world.status()
    expect(status).toMatchObject({ terminal: 'screen', state: 'running', attempts: 1 })
    expect(status.evidence.join('\n')).toMatch(/from attempt 2 on it runs in screen: tmux 2\.9 is too old/)
  })

  test('with a tmux that does not answer: in screen, and why is said', async ({ world }) => {
    world.agent('done')
    world.program('tmux', 'exec sleep 1000')
    const result = await world.rca(START)
    expect(result.code, result.stderr).toBe(0)
    expect(result.stderr).toContain('runs in screen, not in tmux: tmux did not answer within 20 s\n')
    await world.reaches('done')
    expect(world.runs).toHaveLength(1)
    // Whoever takes this world down asks it once more, and holds up all other tests for as long as it does not answer.
    world.program('tmux', 'exit 1')
  })

  test('with a socket for tmux that cannot be made: in screen, and why is said', async ({ world }) => {
    world.agent('done')
    const result = await world.rca(START, { env: { RCA_TMUX_SOCKET: '/proc/nowhere/socket' } })
    expect(result.code, result.stderr).toBe(0)
    expect(result.stderr).toMatch(/runs in screen, not in tmux: tmux: .*\/proc\/nowhere\/socket/)
    await world.reaches('done')
  })

  test('with a tmux and a screen that refuse: in none, and the agent is run once', async ({ world }) => {
    world.agent('done')
    world.program('tmux', 'echo "no, thank you" >&2; exit 1')
    world.program('screen', 'echo "me neither"; exit 1')
    const result = await world.rca(START)
    expect(result.code, result.stderr).toBe(0)
    expect(result.stderr).toBe(
      'rca: codex-fix runs in screen, not in tmux: tmux: no, thank you\n' +
        'rca: codex-fix runs without a terminal, not in screen: screen: me neither\n',
    )
    await world.reaches('done')
    expect(world.runs).toHaveLength(1)
    const changes = journal(world).filter((one) => one.type === 'terminal-changed')
    expect(changes).toMatchObject([
      { attempt: 2, terminal: { kind: 'screen' }, reason: 'tmux: no, thank you' },
      { attempt: 3, terminal: { kind: 'plain' }, reason: 'screen: me neither' },
    ])
    // A terminal that does not work is in nobody's way.
    expect((await world.rca(['kill', 'fix'])).code).toBe(0)
  })

  test.for(['tmux', 'screen'])(
    '--terminal %s, which is not there: 69, and nothing is made',
    async (kind, { world }) => {
      world.agent('done')
      world.program('apt-get', 'exit 0')
      const env = { PATH: world.pathWithout('tmux', 'screen') }
      const result = await world.rca([...START, '--terminal', kind, '--json'], { env })
      expect(result.code).toBe(69)
      expect(jsonError(result)).toMatchObject({
        code: 'unavailable',
        message: `${kind} is not installed (or not on PATH)`,
        hint: `Install it: sudo apt-get install ${kind}`,
      })
      expect(world.taskDirs).toEqual([])
    },
  )

  test('--terminal tmux, which is too old: 69, and nothing is made', async ({ world }) => {
    world.agent('done')
    world.program('tmux', OLD_TMUX)
    const result = await world.rca([...START, '--terminal', 'tmux'])
    expect(result.code).toBe(69)
    expect(result.stderr).toMatch(/tmux 2\.9 is too old: rca needs tmux 3\.2 or newer[\s\S]*Install it/)
    expect(world.taskDirs).toEqual([])
  })

  test('--terminal tmux, which refuses: the start fails, and nothing is left', async ({ world }) => {
    world.agent('done')
    world.program('tmux', 'case "$*" in -V) echo tmux 3.4 ;; *) echo "no, thank you" >&2; exit 1 ;; esac')
    const result = await world.rca([...START, '--terminal', 'tmux'])
    expect(result).toMatchObject({ code: 1, stderr: 'rca: tmux: no, thank you\n' })
    expect(world.taskDirs).toEqual([])
    expect(world.runs).toEqual([])
  })

  test('the flag goes before the environment, that before config.json', async ({ world }) => {
    world.agent('done')
    world.config({ monitor: false, policy: { restart: 'never' }, terminal: 'plain' })
    const kinds: unknown[] = []
    for (const [name, env, flags] of [
      ['a', {}, []],
      ['b', { RCA_TERMINAL: 'screen' }, []],
      ['c', { RCA_TERMINAL: 'screen' }, ['--terminal', 'tmux']],
    ] as const) {
      const task = await world.json(['start', 'codex', name, '-p', 'x', ...flags], { env })
      kinds.push(task.terminal)
    }
    expect(kinds).toEqual(['plain', 'screen', 'tmux'])
  })

  test('what is no terminal is refused', async ({ world }) => {
    expect(await world.rca(START, { env: { RCA_TERMINAL: 'xterm' } })).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('RCA_TERMINAL: "xterm" is none'),
    })
    expect((await world.rca([...START, '--terminal', 'xterm'])).code).toBe(2)
    world.config({ terminal: 'xterm' })
    expect(await world.rca(START)).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('config.json: terminal: "xterm" is none'),
    })
  })

  test('on Windows: what to do is said', async ({ world }) => {
    const windows = "data:text/javascript,Object.defineProperty(process,'platform',{value:'win32'})"
    const result = await world.rca(START, { env: { NODE_OPTIONS: `--import=${windows}` } })
    expect(result).toMatchObject({ code: 69, stderr: expect.stringMatching(/Windows.*\n.*WSL/) })
  })
})

describe.concurrent('a task whose terminal is not there any more', () => {
  test('goes on without one where the name is taken in the next', async ({ world }) => {
    const { pid } = await world.begin('hangs')
    process.kill(pid ?? 0, 'SIGKILL')
    await world.reaches('failed')
    world.screen('-dmS', 'codex-fix', 'sleep', '1000')
    const other = await until(() => world.screenOf(), "somebody's session")
    const result = await world.rca(['resume', 'fix'], { env: { PATH: world.pathWithout('tmux') } })
    expect(result.code, result.stderr).toBe(0)
    expect(await world.reaches('done')).toMatchObject({ terminal: 'plain' })
    expect(world.runs).toHaveLength(2)
    await world.rca(['kill', 'fix'])
    expect(isRunning(other)).toBe(true)
  })

  test.for([
    ['screen', ['tmux']],
    ['plain', ['tmux', 'screen']],
  ] as const)('goes on, %s, without being run twice, and says so', async ([kind, missing], { world }) => {
    const { pid, agentSessionId } = await world.begin('hangs')
    process.kill(pid ?? 0, 'SIGKILL')
    await world.reaches('failed')
    const env = { PATH: world.pathWithout(...missing) }
    const result = await world.rca(['resume', 'fix'], { env })
    const how = kind === 'plain' ? 'without a terminal' : 'in screen'
    expect(result).toMatchObject({
      code: 0,
      stderr: `rca: codex-fix runs ${how}, not in tmux: tmux is not installed any more\n`,
    })
    expect(await world.reaches('done')).toMatchObject({ terminal: kind, agentSessionId, attempts: 2 })
    expect(world.runs).toHaveLength(2)
    // Both of its sessions are closed.
    await world.rca(['kill', 'fix'])
    expect(world.hasSession()).toBe(false)
    expect(world.screenOf()).toBeNull()
  })
})

/** A task that was working in screen, whose agent is then killed: the session with its idle shell stays. */
async function interrupted(world: World): Promise<{ screen: number; shell: number }> {
  world.agent('hangs')
  const { pid } = await world.json(START, inScreen)
  process.kill(pid ?? 0, 'SIGKILL')
  await world.reaches('failed')
  const screen = world.screenOf() ?? 0
  const [shell = 0] = childrenOf(screen)
  await until(() => childrenOf(shell).length === 0, 'the shell to be idle')
  return { screen, shell }
}

function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`
  return existsSync(path) ? readFileSync(path, 'utf8').split(' ').filter(Boolean).map(Number) : []
}

const commandOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)

async function goesOn(world: World): Promise<void> {
  expect(await world.rca(['resume', 'fix'])).toMatchObject({ code: 0 })
  await world.reaches('done')
  expect(world.runs).toHaveLength(2)
}

/** Types into the session's window, as a person would. */
const type = (world: World, text: string) => world.screen('-S', 'codex-fix', '-p', '0', '-X', 'stuff', text)

describe.concurrent('where the next attempt is typed in screen', () => {
  test('into the same shell', async ({ world }) => {
    const { screen, shell } = await interrupted(world)
    await goesOn(world)
    expect(world.screenOf()).toBe(screen)
    expect(childrenOf(screen)).toEqual([shell])
  })

  test('somebody has typed half a line: it is not run', async ({ world }) => {
    await interrupted(world)
    type(world, `touch ${world.home}/half-typed `)
    const log = join(world.taskDirs[0] ?? '', 'terminal.log')
    await until(() => readFileSync(log, 'utf8').includes('half-typed'), 'the text to show')
    await goesOn(world)
    expect(existsSync(join(world.home, 'half-typed'))).toBe(false)
  })

  test("a person's program runs in the window: it is left alone", async ({ world }) => {
    const { screen, shell } = await interrupted(world)
    type(world, 'sleep 1000\\012')
    await until(() => childrenOf(shell).length === 1, 'the program to run')
    await goesOn(world)
    expect(childrenOf(screen)).toHaveLength(2)
    expect(childrenOf(shell).map(commandOf)).toEqual([['sleep', '1000']])
  })

  test('the shell of the window was killed, and the session with it: a new one', async ({ world }) => {
    const { screen, shell } = await interrupted(world)
    process.kill(shell, 'SIGKILL')
    await until(() => !isRunning(screen), 'the session to end')
    await goesOn(world)
    expect(world.screenOf()).not.toBeNull()
  })

  test('the shell was killed, a window that a person made is there: one more', async ({ world }) => {
    const { screen, shell } = await interrupted(world)
    world.screen('-S', 'codex-fix', '-X', 'screen', '/bin/sh', '-c', 'exec sleep 1000')
    await until(() => childrenOf(screen).length === 2, 'the second window')
    process.kill(shell, 'SIGKILL')
    await until(() => childrenOf(screen).length === 1, 'the first window to close')
    await goesOn(world)
    expect(world.screenOf()).toBe(screen)
    expect(childrenOf(screen).map(commandOf)).toContainEqual(['sleep', '1000'])
  })

  test('screen was killed, and left its socket: a new session, and nothing dead', async ({ world }) => {
    const { screen } = await interrupted(world)
    process.kill(screen, 'SIGKILL')
    await until(() => !isRunning(screen), 'screen to be gone')
    await goesOn(world)
    expect(readdirSync(world.screens)).toEqual([`${world.screenOf()}.codex-fix`])
  })

  test('the socket was deleted: it is made again, and the session is found', async ({ world }) => {
    const { screen } = await interrupted(world)
    rmSync(join(world.screens, `${screen}.codex-fix`))
    expect((await world.status()).session).toMatchObject({ exists: true })
    rmSync(join(world.screens, `${screen}.codex-fix`))
    await goesOn(world)
    expect(world.screenOf()).toBe(screen)
    rmSync(join(world.screens, `${screen}.codex-fix`))
    await world.rca(['kill', 'fix'])
    await until(() => !isRunning(screen), 'the session to end')
  })

  test('a session with a longer name is another session', async ({ world }) => {
    world.screen('-dmS', 'codex-fix-2', 'sleep', '1000')
    const other = await until(() => world.screenOf('codex-fix-2'), 'the other session')
    await interrupted(world)
    await goesOn(world)
    await world.rca(['kill', 'fix'])
    expect(world.screenOf()).toBeNull()
    expect(isRunning(other)).toBe(true)
    expect(childrenOf(other).map(commandOf)).toEqual([['sleep', '1000']])
  })

  test('a foreign session has the name: a conflict, and it is left alone', async ({ world }) => {
    world.screen('-dmS', 'codex-fix', 'sleep', '1000')
    const other = await until(() => world.screenOf(), 'the other session')
    world.agent('done')
    expect(await world.rca(START, inScreen)).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('codex-fix is taken by a screen session'),
    })
    expect(world.taskDirs).toEqual([])
    expect(await world.json<TaskJson[]>(['list', '--all'])).toMatchObject([
      { name: 'codex-fix', state: 'foreign', terminal: 'screen' },
    ])
    expect(isRunning(other)).toBe(true)
    expect(world.runs).toEqual([])
  })

  test('a process with a mark that is none of rca does no harm (bug)', async ({ world }) => {
    world.screen('-dmS', 'codex-fix', 'env', 'RCA_TASK=%zz', 'sleep', '1000')
    const other = await until(() => world.screenOf(), 'the other session')
    await until(() => childrenOf(other).some((pid) => commandOf(pid)[0] === 'sleep'), 'what runs in it')
    expect(await world.json<TaskJson[]>(['list', '--all'])).toMatchObject([
      { name: 'codex-fix', state: 'foreign', terminal: 'screen' },
    ])
    world.agent('done')
    expect(await world.rca(START, inScreen)).toMatchObject({ code: 5 })
    expect(isRunning(other)).toBe(true)
  })

  test("what somebody runs in an older task's session is not ended (bug)", async ({ world }) => {
    world.agent('done')
    await world.json(START, inScreen)
    await world.reaches('done')
    const first = world.screenOf() ?? 0
    const [shell = 0] = childrenOf(first)
    await until(() => commandOf(shell).includes('-i'), 'the shell to be there')
    world.screen('-S', `${first}.codex-fix`, '-p', '0', '-X', 'stuff', 'sleep 1000\\012')
    await until(() => childrenOf(shell).some((pid) => commandOf(pid)[0] === 'sleep'), 'the program')
    expect(await world.rca(START, inScreen)).toMatchObject({ code: 5 })
    expect(isRunning(first)).toBe(true)
    expect(childrenOf(shell).map(commandOf)).toEqual([['sleep', '1000']])
  })

  test('an older task of that name has left its session: it is taken over', async ({ world }) => {
    world.agent('done')
    await world.json(START, inScreen)
    await world.reaches('done')
    const first = world.screenOf()
    await world.json(START, inScreen)
    await world.reaches('done')
    expect(isRunning(first ?? 0)).toBe(false)
    expect(world.screenOf()).not.toBeNull()
  })
})

describe.concurrent('what a person may have configured for screen', () => {
  test('a hostile ~/.screenrc and $ENV are not read', async ({ world }) => {
    writeFileSync(
      join(world.home, '.screenrc'),
      `zombie kr\nexec touch ${world.home}/rc\nscreen touch ${world.home}/rc\nsessionname mine\n`,
    )
    world.write('rc', `touch ${world.home}/env-was-read\n`)
    world.agent('done')
    const env = { ...inScreen.env, SCREENRC: join(world.home, '.screenrc'), ENV: join(world.home, 'rc') }
    rmSync(join(world.home, 'rc'))
    await world.json(START, { env })
    await world.reaches('done')
    expect(existsSync(join(world.home, 'rc'))).toBe(false)
    expect(existsSync(join(world.home, 'env-was-read'))).toBe(false)
  })

  test.for([
    'a b',
    "it's",
    'say "no"',
    '$(touch x)',
    '$HOME',
    '%n %t',
    '`touch x`',
    '^A',
    '\\044HOME',
    'ünï',
  ])('a project and a state directory named %j', async (name, { world }) => {
    const folder = join(world.project, name)
    const state = join(world.home, name)
    mkdirSync(folder)
    const env = { ...inScreen.env, RCA_HOME: state }
    world.agent('steps')
    const { pid } = await world.json([...START, '-C', folder], { env })
    const [dir = ''] = readdirSync(join(state, 'tasks'))
    world.write('go-1')
    await until(() => world.read('ledger').includes('start 2'), 'the second step')
    process.kill(pid ?? 0, 'SIGKILL')
    const shell = childrenOf(world.screenOf() ?? 0)[0] ?? 0
    await until(() => childrenOf(shell).length === 0, 'the shell to be idle')
    expect(await world.rca(['resume', 'fix'], { env })).toMatchObject({ code: 0 })
    for (const step of [2, 3]) world.write(`go-${step}`)
    expect((await world.rca(['wait', 'fix'], { env })).code).toBe(0)
    const log = join(state, 'tasks', dir, 'terminal.log')
    await until(() => readFileSync(log, 'utf8').includes('__TASK_DONE__'), 'the marker in the log')
    expect(statSync(log).mode & 0o777).toBe(0o600)
    expect(readdirSync(world.project)).toEqual([name])
    expect(readdirSync(folder)).toEqual([])
    expect((await world.rca(['kill', 'fix'], { env })).code).toBe(0)
    expect(world.screenOf()).toBeNull()
  })

  test('attach shows the session in a terminal', async ({ world }) => {
    world.agent('hangs')
    await world.json(START, inScreen)
    // A terminal for it: a pane of a tmux server.
    const outer = ['tmux', '-S', join(world.root, 'outer'), 'new-session', '-d', 'env', '-u', 'TMUX']
    await world.run([...outer, process.execPath, RCA, 'attach', 'fix']).done
    await until(async () => (await world.status()).session?.attached, 'the client to be attached')
  })

  test('Ctrl-C at the window: killed by that person, and resume continues', async ({ world }) => {
    world.agent('hangs')
    const { agentSessionId } = await world.json(START, inScreen)
    type(world, '^C')
    expect(await world.reaches('killed')).toMatchObject({ agentSessionId, cause: 'interrupted' })
    await goesOn(world)
  })

  test('a session that nobody knows by its environment is not born with marks of its caller', async ({
    world,
  }) => {
    world.agent('hangs')
    const env = { ...inScreen.env, CLAUDECODE: '1', RCA_ATTEMPT: 'x:1', TMUX: 'x,1,0', STY: '1.x' }
    await world.json(START, { env })
    const [shell = 0] = childrenOf(world.screenOf() ?? 0)
    const marks = readFileSync(`/proc/${shell}/environ`, 'utf8')
    expect(marks).not.toMatch(/CLAUDECODE|RCA_ATTEMPT|TMUX=|STY=1\.x/)
  })
})
