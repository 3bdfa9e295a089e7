import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { RCA, test, until, type World } from './harness.ts'

const shown = (world: World, format: string) => world.tmux('display-message', '-p', '-t', '=shell:', format)
const screen = (world: World) => world.tmux('capture-pane', '-p', '-t', '=shell:')
const type = (world: World, ...keys: string[]) => world.tmux('send-keys', '-t', '=shell:', ...keys)
const shows = (world: World, what: RegExp) =>
  until(() => what.test(screen(world)), `the screen to show ${what}`)

/** A person's shell in a terminal, with `rca list --watch` running in it. */
async function watching(world: World, ...options: string[]): Promise<void> {
  world.program('rca', `exec '${process.execPath}' '${RCA}' "$@"`)
  const env = [`RCA_HOME=${world.state}`, 'PS1=> ', 'ENV=']
  world.session('shell', 'env', ...env, 'bash', '--noprofile', '--norc', '-i')
  await shows(world, /^>/m)
  type(world, '-l', `rca list --watch ${options.join(' ')}; echo "ended $?"; stty -a`)
  type(world, 'Enter')
  await shows(world, /q ends this/)
}

/** The shell has its terminal back as it was. */
async function isGivenBack(world: World, exitCode: number): Promise<void> {
  await shows(world, new RegExp(`ended ${exitCode}$`, 'm'))
  await shows(world, / icanon .* echo |[^-]echo /)
  expect(shown(world, '#{alternate_on} #{cursor_flag} #{wrap_flag}')).toBe('0 1 1')
  expect(screen(world)).not.toMatch(/-icanon|-echo /)
  expect(screen(world)).not.toContain('q ends this')
}

describe.concurrent('rca list --watch', () => {
  test('shows what changes, as it changes', async ({ world }) => {
    await watching(world)
    await shows(world, /No tasks/)
    expect(shown(world, '#{alternate_on} #{cursor_flag} #{wrap_flag}')).toBe('1 0 0')
    await world.begin('waits')
    await shows(world, /codex-fix +running/)
    await world.begin('hangs', 'docs')
    await shows(world, /codex-docs +running[\s\S]*codex-fix +running/)
    await world.rca(['kill', 'docs'])
    await shows(world, /codex-docs +killed/)
    const { taskDir } = await world.status('docs')
    rmSync(taskDir ?? '', { recursive: true })
    await until(() => !screen(world).includes('codex-docs'), 'the removed one to go')
    // The ages go on without any change: 3s becomes 4s.
    const [age] = /\d+s ago/.exec(screen(world)) ?? []
    await until(() => !new RegExp(`codex-fix +running +${age}`).test(screen(world)), `${age} to grow`)
    type(world, 'q')
    await isGivenBack(world, 0)
  })

  test('draws over what is there, and never clears', async ({ world }) => {
    world.session('other', 'cat')
    await watching(world)
    const log = join(world.root, 'drawn')
    world.tmux('pipe-pane', '-t', '=shell:', '-O', `cat > '${log}'`)
    await world.begin('hangs')
    await shows(world, /codex-fix +running/)
    await until(() => existsSync(log) && readFileSync(log, 'utf8').split('\x1b[H').length > 3, 'some frames')
    const drawn = readFileSync(log, 'utf8')
    expect(drawn).not.toContain('\x1b[2J')
    expect(drawn.split('\x1b[?2026h').length - drawn.split('\x1b[?2026l').length).toBeLessThanOrEqual(1)
    type(world, 'q')
    await isGivenBack(world, 0)
  })

  test.for<[string, (world: World) => void, number]>([
    ['q', (world) => type(world, 'q'), 0],
    ['Ctrl-C', (world) => type(world, 'C-c'), 130],
    ['SIGTERM', (world) => signal(world, 'SIGTERM'), 143],
    ['SIGINT', (world) => signal(world, 'SIGINT'), 130],
  ])('%s ends it, and the terminal is as before', async ([, end, code], { world }) => {
    await world.begin('hangs')
    await watching(world)
    await shows(world, /codex-fix +running/)
    end(world)
    await isGivenBack(world, code)
    expect((await world.status()).state).toBe('running')
  })

  test('Ctrl-Z gives the shell back, fg goes on', async ({ world }) => {
    await world.begin('hangs')
    await watching(world)
    type(world, 'C-z')
    await shows(world, /Stopped/)
    expect(shown(world, '#{alternate_on} #{cursor_flag}')).toBe('0 1')
    type(world, '-l', 'fg')
    type(world, 'Enter')
    await shows(world, /codex-fix +running[\s\S]*q ends this/)
    expect(shown(world, '#{alternate_on} #{cursor_flag}')).toBe('1 0')
    type(world, 'q')
    await until(() => shown(world, '#{alternate_on} #{cursor_flag}') === '0 1', 'the end')
  })

  // Nobody there would let it go on: as with `ssh -t host rca list --watch`. (Only root may have another session's terminal.)
  test.runIf(process.getuid?.() === 0)(
    'Ctrl-Z where there is no shell stopped it for ever (bug)',
    async ({ world }) => {
      const command = `RCA_HOME='${world.state}' setsid -f -c '${process.execPath}' '${RCA}' list --watch; exec sleep 1000`
      world.session('shell', 'sh', '-c', command)
      await shows(world, /q ends this/)
      type(world, 'C-z')
      type(world, 'q')
      const isThere = () => world.processes().some((one) => one.command.endsWith(' list --watch'))
      await until(() => !isThere(), 'the end')
      expect(shown(world, '#{alternate_on} #{cursor_flag}')).toBe('0 1')
    },
  )

  test('fits a smaller screen, and says what does not fit', async ({ world }) => {
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await world.begin('done', name)
    await watching(world)
    await shows(world, /codex-a/)
    world.tmux('resize-window', '-t', '=shell:', '-x', '50', '-y', '5')
    await shows(world, /TASK.*\n.*codex-f.*\n.*codex-e.*\n… 4 more\nq ends this/)
    type(world, 'q')
    await until(() => shown(world, '#{alternate_on}') === '0', 'the end')
  })

  test('takes the other options of list', async ({ world }) => {
    await world.begin('done', 'over')
    await world.begin('hangs', 'live')
    await watching(world, '--state', 'running')
    await shows(world, /codex-live +running/)
    expect(screen(world)).not.toContain('codex-over')
    type(world, 'q')
    await isGivenBack(world, 0)
  })

  test('without a terminal it says so; with -q it is refused', async ({ world }) => {
    const refused = await world.rca(['list', '--watch'])
    expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--watch --json') })
    expect(await world.rca(['list', '--watch', '-q'])).toMatchObject({ code: 2 })
  })

  test('--json: one task a line, when it changes', async ({ world }) => {
    await world.begin('hangs', 'first')
    const { child, output, done } = world.start(['list', '--watch', '--json'])
    const lines = () =>
      output.stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
        .map((one) => `${one.name} ${one.gone ? 'gone' : one.state}`)
    await until(() => lines().length === 1, 'what is there')
    const { taskDir } = await world.begin('hangs', 'second')
    await until(() => lines().includes('codex-second running'), 'the second')
    await world.rca(['kill', 'second'])
    await until(() => lines().at(-1) === 'codex-second killed', 'its end')
    rmSync(taskDir ?? '', { recursive: true })
    await until(() => lines().at(-1) === 'codex-second gone', 'its going')
    child.kill('SIGINT')
    expect((await done).code).toBe(130)
    expect(lines()[0]).toBe('codex-first running')
    expect(lines().filter((line) => line.startsWith('codex-first'))).toHaveLength(1)
  })
})

/** To the watching rca itself. */
function signal(world: World, name: NodeJS.Signals): void {
  const found = world.processes().find((one) => one.command.includes('list --watch'))
  if (found) process.kill(found.pid, name)
}
