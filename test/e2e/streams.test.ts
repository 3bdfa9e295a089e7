import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { RCA, test, type World } from './harness.ts'

/** Runs rca with the standard stream `fd` a pipe whose reader has left before: its exit code. */
async function withoutReader(world: World, fd: 1 | 2, ...args: string[]): Promise<number> {
  const other = fd === 1 ? '2> "$HOME/other"' : '2>&1 > "$HOME/other"'
  const line = `mkfifo "$HOME/left"
    { read -r _ < "$HOME/left"; "$@" ${other}; echo $? > "$HOME/code"; } | { exec < /dev/null; echo > "$HOME/left"; }`
  await world.run(['/bin/sh', '-c', line, 'sh', process.execPath, RCA, ...args]).done
  rmSync(join(world.home, 'left'))
  return Number(world.read('code'))
}

describe.concurrent('the standard streams', () => {
  test('nobody to hear a remark ended rca in the middle of a start, with 0', async ({ world }) => {
    world.agent('done')
    world.program('tmux', 'echo "no, thank you" >&2; exit 1')
    expect(await withoutReader(world, 2, 'start', 'codex', 'fix', '-p', 'do it')).toBe(0)
    expect(await world.reaches('done')).toMatchObject({ terminal: 'screen' })
  })

  test.for([
    [1, 'fix', 'nope'],
    [2, 'nope', 'nor-that'],
  ] as const)(
    'nobody to read file descriptor %i had a verb that failed end with 0',
    async ([fd, ...names], { world }) => {
      await world.begin('done')
      expect(await withoutReader(world, fd, 'kill', ...names)).toBe(3)
    },
  )

  test('a verb that prints on and on told of a full disk with a stack', async ({ world }) => {
    await world.begin('done')
    await world.reaches('done')
    for (const verb of ['logs fix', 'logs fix --raw', 'events']) {
      const line = `"$1" "$2" ${verb} > /dev/full`
      expect(await world.run(['/bin/sh', '-c', line, 'sh', process.execPath, RCA]).done).toMatchObject({
        code: 1,
        stderr: 'rca: No space left on the disk\n',
      })
    }
  })
})

describe.concurrent('a folder that is gone', () => {
  test('had whoever stood in it told that this was a bug', async ({ world }) => {
    const { taskDir } = await world.begin('hangs')
    const cwd = join(world.root, 'worktree')
    mkdirSync(cwd)
    const line = 'rmdir "$PWD"; "$@"'
    const there = (...args: string[]) =>
      world.run(['/bin/sh', '-c', line, 'sh', process.execPath, RCA, ...args], { cwd }).done
    expect(await there('list', '-q')).toMatchObject({ code: 0, stdout: 'codex-fix\n', stderr: '' })
    mkdirSync(cwd)
    expect(await there('start', 'codex', 'other', '-p', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^rca: There is no folder .* is gone\n/),
    })
    mkdirSync(cwd)
    expect(await there('kill', 'fix')).toMatchObject({ code: 0, stderr: '' })
    expect(taskDir).not.toBeNull()
  })

  test('-C below a file was said to be a bug', async ({ world }) => {
    world.agent('done')
    expect(await world.rca(['start', 'codex', 'fix', '-p', 'x', '-C', '/etc/passwd/x'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is no folder /etc/passwd/x\n'),
    })
  })
})
