import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { test, until, type World } from './harness.ts'

const START = ['start', 'codex', 'fix', '-p', 'do it']

function seenEnv(world: World): Record<string, string> {
  const pairs = world
    .read('seen/env')
    .split('\n')
    .filter((line) => line.includes('='))
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  )
}

describe.concurrent('what an agent gets', () => {
  test('nothing of the session that its caller runs in', async ({ world }) => {
    world.agent('records')
    const env = {
      ...{ CLAUDECODE: '1', CLAUDE_CODE_ENTRYPOINT: 'cli', CODEX_THREAD_ID: 'x', CODEX_SANDBOX: 'seatbelt' },
      ...{ TMUX: `${world.socket},1,0`, TMUX_PANE: '%7', STY: 'x', RCA_ATTEMPT: 'x:1', RCA_LAUNCH: 'x:1' },
      ...{ TASK_TMPDIR: '/nowhere', SOME_SECRET: 'x', ENV: '/nowhere' },
    }
    await world.rca(START, { env })
    const { taskDir } = await world.reaches('done')
    const seen = seenEnv(world)
    for (const name of Object.keys(env))
      if (!/^(RCA_ATTEMPT|TASK_TMPDIR)$/.test(name)) expect(seen, name).not.toHaveProperty(name)
    expect(seen.TASK_TMPDIR).toBe(taskDir)
    expect(seen.RCA_ATTEMPT).toMatch(/^[0-9a-f-]{36}:1$/)
  })

  test('a task that an agent starts is a task of its own: kill of the first leaves it', async ({ world }) => {
    const first = await world.begin('hangs', 'outer')
    const [agent] = world.agents()
    world.agent('hangs')
    await world.json(['start', 'codex', 'inner', '-p', 'x'], { env: { ...agent?.env } })
    await world.rca(['kill', 'outer'])
    expect(first.pid).toBeGreaterThan(0)
    expect((await world.status('inner')).state).toBe('running')
  })

  test('the PATH, HOME and keys of its caller, and what --env adds', async ({ world }) => {
    world.agent('records')
    const value = `quote ' " $(touch x) \\ ; and more`
    const env = { OPENAI_API_KEY: 'sk-1', HERE: value, LANG: 'C.UTF-8' }
    await world.rca([...START, '--env', 'HERE', '--env', 'SET=a=b', '--env', 'EMPTY='], { env })
    await world.reaches('done')
    expect(seenEnv(world)).toMatchObject({
      ...env,
      SET: 'a=b',
      EMPTY: '',
      HOME: world.home,
      PATH: world.env.PATH,
    })
    expect(readdirSync(world.project)).toEqual([])
  })

  test('the same at a resume, with keys that were mended meanwhile', async ({ world }) => {
    world.agent('no-final-event')
    await world.rca([...START, '--env', 'THING=kept'], { env: { OPENAI_API_KEY: 'old', LANG: 'C' } })
    await world.reaches('failed')
    world.agent('records')
    await world.rca(['resume', 'fix', '--env', 'MORE=1'], {
      env: { OPENAI_API_KEY: 'new', LANG: 'elsewhere' },
    })
    await world.reaches('done')
    expect(seenEnv(world)).toMatchObject({ THING: 'kept', OPENAI_API_KEY: 'new', LANG: 'C', MORE: '1' })
  })

  test('the values are gone from the disk when the task is done or killed', async ({ world }) => {
    const { taskDir } = await world.begin('waits')
    expect(existsSync(join(taskDir ?? '', 'env'))).toBe(true)
    world.write('go')
    await world.reaches('done')
    await until(() => !existsSync(join(taskDir ?? '', 'env')), 'the values to be gone')
    const killed = await world.begin('hangs', 'other')
    await world.rca(['kill', 'other'])
    expect(existsSync(join(killed.taskDir ?? '', 'env'))).toBe(false)
  })

  test.for([
    ['quotes and commands', `'"\`$(touch x)\`" \\n ; | & > <`],
    ['a leading hyphen', '--help'],
    ['a leading at sign', '@file'],
    ['line breaks at both ends', '\n\ntext\n\n'],
    ['letters of all kinds', 'ünï 漢字 🦀 \u202e'],
    ['300 KiB', 'x'.repeat(300 * 1024)],
    ['a NUL byte', 'a\0b'],
  ] as const)('its prompt byte for byte: %s', async ([, prompt], { world }) => {
    world.agent('records')
    const result = await world.rca(['start', 'codex', 'fix', '-f', '-'], { stdin: prompt })
    expect(result.code, result.stderr).toBe(0)
    await world.reaches('done')
    expect(world.read('seen/stdin')).toBe(prompt)
    expect(world.read('seen/argv')).toMatch(/\n-\n$/)
    expect(readdirSync(world.project)).toEqual([])
  })

  test('its prompt from -p and from a file with a strange name', async ({ world }) => {
    world.agent('records')
    await world.rca(['start', 'codex', 'fix', '-p', '-x $HOME'])
    await world.reaches('done')
    expect(world.read('seen/stdin')).toBe('-x $HOME')
    world.write("it's; a prompt", 'from a file')
    await world.rca(['start', 'codex', 'fix', '-f', join(world.home, "it's; a prompt")])
    await until(() => world.runs.length === 2, 'the second')
    await world.reaches('done')
    expect(world.read('seen/stdin')).toBe('from a file')
  })
})

describe.concurrent('--dry-run', () => {
  test('prints the tmux call and the scripts, and does nothing', async ({ world }) => {
    world.agent('hangs')
    const before = readdirSync(world.root)
    const result = await world.rca([...START, '--dry-run', '--env', 'A=1', '--', '-m', 'big'])
    expect(result.code).toBe(0)
    expect(result.stdout).toMatch(/^tmux -S \S+ new-session -d -s codex-fix /)
    expect(result.stdout).toContain('-m big')
    expect(readdirSync(world.root)).toEqual(before)
    expect(world.server()).toBeNull()
    const json = await world.json<{ tmux: string[]; launchScript: string; agentScript: string }>([
      ...START,
      '--dry-run',
    ])
    expect(json.tmux[0]).toBe('tmux')
    expect(json.agentScript).toContain('exec ')
  })

  test('shows no value of the environment', async ({ world }) => {
    world.agent('hangs')
    const result = await world.rca([...START, '--dry-run', '--env', 'A=secret-1'], {
      env: { OPENAI_API_KEY: 'secret-2' },
    })
    expect(result.stdout).not.toContain('secret-')
  })

  test.for(['claude', 'pi', 'opencode'])('%s: leaves no file behind', async (agent, { world }) => {
    world.agent('done', agent)
    expect((await world.rca(['start', agent, 'fix', '-p', 'x', '--dry-run'])).code).toBe(0)
    expect(existsSync(world.state)).toBe(false)
  })
})
