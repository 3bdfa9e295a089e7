import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { isRunning, RCA, test, until, type World } from './harness.ts'

const START = ['start', 'codex', 'fix', '-p', 'do it']

/** A task that was working, whose agent is then killed: the session with its idle shell stays. */
async function interrupted(world: World): Promise<void> {
  const { pid } = await world.begin('hangs')
  process.kill(pid ?? 0, 'SIGKILL')
  await world.reaches('failed')
  await until(() => shown(world, '#{pane_current_command}') === 'sh', 'the shell to be idle')
}

const shown = (world: World, format: string) =>
  world.tmux('display-message', '-p', '-t', '=codex-fix:', format)
const windows = (world: World) =>
  world.tmux('list-windows', '-t', '=codex-fix', '-F', '#{window_id}').split('\n')

function sessions(world: World): string[] {
  return world.server() === null
    ? []
    : world.tmux('list-sessions', '-F', '#{session_name}').split('\n').filter(Boolean)
}

async function goesOn(world: World): Promise<void> {
  expect(await world.rca(['resume', 'fix'])).toMatchObject({ code: 0 })
  await world.reaches('done')
  expect(world.runs).toHaveLength(2)
}

describe.concurrent('where the next attempt is typed', () => {
  test('into the same shell', async ({ world }) => {
    await interrupted(world)
    const pane = shown(world, '#{pane_id} #{pane_pid}')
    await goesOn(world)
    expect(shown(world, '#{pane_id} #{pane_pid}')).toBe(pane)
  })

  test('somebody has scrolled up (copy mode)', async ({ world }) => {
    await interrupted(world)
    world.tmux('copy-mode', '-t', '=codex-fix:')
    expect(shown(world, '#{pane_in_mode}')).toBe('1')
    await goesOn(world)
    expect(windows(world)).toHaveLength(1)
  })

  test('somebody has typed half a line: it is not run', async ({ world }) => {
    await interrupted(world)
    world.tmux('send-keys', '-t', '=codex-fix:', '-l', `touch ${world.home}/half-typed `)
    await until(() => world.pane('=codex-fix:').includes('half-typed'), 'the text to show')
    await goesOn(world)
    expect(existsSync(join(world.home, 'half-typed'))).toBe(false)
  })

  test.for(['sleep 1000', 'vi'])(
    "a person's %s runs in the pane: it is left alone",
    async (program, { world, skip }) => {
      if (program === 'vi' && !existsSync('/usr/bin/vi')) skip('no vi here')
      await interrupted(world)
      world.tmux('send-keys', '-t', '=codex-fix:', '-l', program)
      world.tmux('send-keys', '-t', '=codex-fix:', 'Enter')
      await until(() => shown(world, '#{pane_current_command}') !== 'sh', 'the program to run')
      const pane = shown(world, '#{pane_id}')
      const command = shown(world, '#{pane_current_command}')
      await goesOn(world)
      expect(windows(world)).toHaveLength(2)
      expect(world.tmux('display-message', '-p', '-t', pane, '#{pane_current_command}')).toBe(command)
    },
  )

  test('the shell of the pane was killed: it is started again', async ({ world }) => {
    await interrupted(world)
    process.kill(Number(shown(world, '#{pane_pid}')), 'SIGKILL')
    await until(() => shown(world, '#{pane_dead}') === '1', 'the pane to be dead')
    await goesOn(world)
    expect(windows(world)).toHaveLength(1)
  })

  test('the session was closed by hand: a new one', async ({ world }) => {
    await interrupted(world)
    world.tmux('kill-session', '-t', '=codex-fix')
    await goesOn(world)
    expect(sessions(world)).toEqual(['codex-fix'])
  })

  test('the session was closed while the agent worked: its end is seen, and resume goes on', async ({
    world,
  }) => {
    await world.begin('hangs')
    world.tmux('kill-session', '-t', '=codex-fix')
    await until(() => world.agents().length === 0, 'the hangup to end the agent')
    await until(async () => (await world.status()).state !== 'running', 'the verdict')
    await goesOn(world)
  })

  test('a second pane that a person made is left alone', async ({ world }) => {
    await interrupted(world)
    world.tmux('split-window', '-t', '=codex-fix:', 'exec sleep 1000')
    await goesOn(world)
    expect(
      world.tmux('list-panes', '-s', '-t', '=codex-fix', '-F', '#{pane_current_command}').split('\n'),
    ).toContain('sleep')
  })

  test('a session with a longer name is another session', async ({ world }) => {
    world.session('codex-fix-2', 'exec sleep 1000')
    await interrupted(world)
    world.tmux('kill-session', '-t', '=codex-fix')
    await goesOn(world)
    await world.rca(['kill', 'fix'])
    expect(sessions(world)).toEqual(['codex-fix-2'])
    expect(world.pane('=codex-fix-2:')).toBe('')
  })

  test('a foreign session took the name meanwhile: a conflict, and it is left alone', async ({ world }) => {
    await interrupted(world)
    world.tmux('kill-session', '-t', '=codex-fix')
    world.session('codex-fix', 'exec sleep 1000')
    expect(await world.rca(['resume', 'fix'])).toMatchObject({ code: 5 })
    await world.rca(['kill', 'fix'])
    expect(sessions(world)).toEqual(['codex-fix'])
    expect(world.pane('=codex-fix:')).toBe('')
    expect(world.runs).toHaveLength(1)
  })
})

describe.concurrent('what a person may have configured', () => {
  const hostile = `
set -g destroy-unattached on
set -s exit-unattached on
set -g base-index 1
set -g pane-base-index 1
set -g default-shell /bin/false
set -g default-command 'exec sleep 1000'
set -g status-left '#(touch status)'
set -g remain-on-exit off
set -g automatic-rename on
set -g set-titles on
`
  test('a hostile tmux.conf', async ({ world }) => {
    writeFileSync(join(world.home, '.tmux.conf'), hostile)
    await interrupted(world)
    await goesOn(world)
    expect(sessions(world)).toEqual(['codex-fix'])
  })

  test.for([
    'set-hook -g after-new-session "split-window"',
    'set-hook -g after-new-session "new-window"',
    'set-hook -g session-created "rename-window mine"',
    'set-hook -g after-send-keys "display-message typed"',
  ])('a hook: %s', async (hook, { world }) => {
    writeFileSync(join(world.home, '.tmux.conf'), `${hook}\n`)
    const { pid } = await world.begin('hangs')
    const shell = world.processes().find((one) => one.command === '/bin/sh -i' && one.env.TMUX)
    const pane = world.tmux('show-options', '-v', '-t', '=codex-fix:', '@rca_pane')
    expect(world.tmux('display-message', '-p', '-t', pane, '#{pane_pid}')).toBe(String(shell?.pid))
    process.kill(pid ?? 0, 'SIGKILL')
    await world.reaches('failed')
    await goesOn(world)
  })

  test('$ENV, which an interactive sh would read, is not', async ({ world }) => {
    world.write('rc', `touch ${world.home}/rc-was-read\n`)
    world.agent('done')
    await world.rca(START, { env: { ENV: join(world.home, 'rc') } })
    await world.reaches('done')
    expect(existsSync(join(world.home, 'rc-was-read'))).toBe(false)
  })

  test('a server that was started long ago, from elsewhere', async ({ world }) => {
    const stale = { PATH: '/usr/bin:/bin', CODEX_API_KEY: 'stale', CLAUDECODE: '1', HOME: world.home }
    await world.run(['/bin/sh', '-c', `exec tmux -S '${world.socket}' new-session -d -s mine`], {
      env: stale,
    }).done
    world.agent('records')
    await world.rca(START, { env: { CODEX_API_KEY: 'fresh' } })
    await world.reaches('done')
    const env = world.read('seen/env')
    expect(env).toContain(`PATH=${world.bin}:`)
    expect(env).toContain('CODEX_API_KEY=fresh\n')
    expect(env).not.toContain('CLAUDECODE')
  })

  test.for([
    'a b',
    "it's",
    'say "no"',
    '#(touch x)',
    '#{pid}',
    '$(touch x)',
    'ends with ;',
    ';',
    '-C',
    '`x`',
    'tab\there',
    'ünï',
    '%h',
    '~',
    '\\',
  ])('a project folder named %j', async (name, { world }) => {
    const folder = join(world.project, name)
    mkdirSync(folder)
    world.agent('records')
    const result = await world.rca([...START, '-C', folder])
    expect(result.code, result.stderr).toBe(0)
    await world.reaches('done')
    expect(world.read('seen/cwd')).toBe(`${folder}\n`)
    expect(shown(world, '#{session_path}')).toBe(folder)
    expect(readdirSync(folder)).toEqual([])
    expect(readdirSync(world.project)).toEqual([name])
    await world.rca(['resume', 'fix', '-p', 'more'])
    await until(() => world.runs.length === 2, 'the follow-up')
    await world.reaches('done')
  })
})

describe.concurrent('which tmux server', () => {
  test('--tmux-socket and RCA_TMUX_SOCKET take a name, as tmux -L does', async ({ world }) => {
    world.agent('hangs')
    const env = { TMUX_TMPDIR: world.root, RCA_TMUX_SOCKET: undefined }
    const uid = process.getuid?.()
    const task = await world.json(['start', 'codex', 'fix', '-p', 'x', '--tmux-socket', 'mine'], { env })
    expect(task.tmuxSocket).toBe(join(world.root, `tmux-${uid}`, 'mine'))
    // Later verbs find it by the record.
    expect(await world.json(['kill', 'fix'])).toMatchObject([{ state: 'killed' }])
    await world.run(['tmux', '-S', task.tmuxSocket ?? '', 'kill-server']).done
  })

  test('the one that plain tmux reaches, from inside too', async ({ world }) => {
    world.agent('hangs')
    world.session('mine', 'exec sleep 1000')
    const env = { RCA_TMUX_SOCKET: undefined, TMUX: `${world.socket},1,0`, TMUX_PANE: '%0' }
    expect((await world.json(START, { env })).tmuxSocket).toBe(world.socket)
    expect(sessions(world).sort()).toEqual(['codex-fix', 'mine'])
  })

  test('attach needs a terminal and says what to do without one', async ({ world }) => {
    await world.begin('hangs')
    expect(await world.rca(['attach', 'fix'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('rca logs -f'),
    })
  })

  test('attach shows the session in a terminal', async ({ world }) => {
    await world.begin('hangs')
    // A terminal for it: a pane of another tmux server.
    const outer = ['tmux', '-S', join(world.root, 'outer'), 'new-session', '-d', 'env', '-u', 'TMUX']
    await world.run([...outer, process.execPath, RCA, 'attach', 'fix']).done
    await until(async () => (await world.status()).session?.attached, 'the client to be attached')
  })
})

describe.concurrent('the pane', () => {
  test('Ctrl-C at the pane: killed by that person, and resume continues', async ({ world }) => {
    const { agentSessionId } = await world.begin('hangs')
    world.tmux('send-keys', '-t', '=codex-fix:', 'C-c')
    expect(await world.reaches('killed')).toMatchObject({
      reason: 'interrupted at the pane (Ctrl-C)',
      agentSessionId,
    })
    await goesOn(world)
    expect((await world.status()).agentSessionId).toBe(agentSessionId)
  })

  test('the done marker shows exactly once, after a good end, whatever the agent prints', async ({
    world,
  }) => {
    await world.begin('marker')
    await until(() => world.pane('=codex-fix:').includes('__TASK-DONE__'), "the agent's own to show, changed")
    expect(world.pane('=codex-fix:')).not.toContain('__TASK_DONE__')
    world.write('go')
    await world.reaches('done')
    await until(() => world.pane('=codex-fix:').includes('__TASK_DONE__'), 'the marker')
    expect(world.pane('=codex-fix:').match(/__TASK_DONE__/g)).toHaveLength(1)
    expect(world.pane('=codex-fix:')).toMatch(/^__TASK_DONE__$/m)
  })

  test('it showed after a bad end whose reason quoted it', async ({ world }) => {
    const shared = join(import.meta.dirname, '../fixtures/agents/codex.sh')
    world.program('codex', `. '${shared}'\nbegin\nwait_for go\necho 'fatal: __TASK_DONE__' >&2\nexit 1`)
    await world.json(['start', 'codex', 'fix', '-p', 'x', '--restart', 'never', '--no-monitor'])
    world.write('go')
    await until(() => world.pane('=codex-fix:').includes('codex-fix failed: fatal'), 'the verdict to show')
    expect(world.pane('=codex-fix:')).not.toContain('__TASK_DONE__')
  })

  test('it does not show after a bad end', async ({ world }) => {
    await interrupted(world)
    expect(world.pane('=codex-fix:')).not.toContain('__TASK_DONE__')
  })

  test('shows what the agent prints, and logs --pane gives it', async ({ world }) => {
    await world.begin('waits')
    await until(() => world.pane('=codex-fix:').includes('early'), 'the message')
    expect((await world.rca(['logs', 'fix', '--pane'])).stdout).toContain('early')
    world.write('go')
    await world.reaches('done')
    await until(() => world.pane('=codex-fix:').includes('late'), 'the last message')
  })

  test('nothing of the helpers is left after the end', async ({ world }) => {
    await world.begin('done')
    await world.reaches('done')
    await until(() => world.processes().every((one) => !one.env.RCA_LAUNCH), 'the helpers to end')
    expect(isRunning(world.server() ?? 0)).toBe(true)
  })
})
