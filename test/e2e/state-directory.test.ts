import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { isRoot, jsonError, OTHER_USER, RCA, test, type World } from './harness.ts'

const START = ['start', 'codex', 'fix', '-p', 'x']
const mayMount = isRoot && spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0

describe.concurrent('a state directory that cannot be used', () => {
  test('is a file', async ({ world }) => {
    world.agent('done')
    writeFileSync(world.state, 'something')
    const result = await world.rca([...START, '--json'])
    expect(result.code).toBe(78)
    expect(jsonError(result)).toMatchObject({
      code: 'config',
      message: expect.stringContaining('is not a directory'),
    })
  })

  test('lies below a file', async ({ world }) => {
    world.agent('done')
    writeFileSync(world.state, 'something')
    const result = await world.rca(START, { env: { RCA_HOME: join(world.state, 'deep', 'er') } })
    expect(result).toMatchObject({ code: 78, stderr: expect.stringContaining('is not a directory') })
  })

  test.runIf(isRoot)('belongs to another user', async ({ world }) => {
    world.agent('done')
    mkdirSync(world.state, { mode: 0o700 })
    chownSync(world.state, OTHER_USER, OTHER_USER)
    const result = await world.rca(START)
    expect(result).toMatchObject({
      code: 78,
      stderr: expect.stringContaining(`belongs to user ${OTHER_USER}`),
    })
    expect(readdirSync(world.state)).toEqual([])
  })

  test('is open to others', async ({ world }) => {
    world.agent('done')
    mkdirSync(world.state)
    chmodSync(world.state, 0o755)
    const result = await world.rca(START)
    expect(result).toMatchObject({
      code: 78,
      stderr: expect.stringMatching(/open to other users \(mode 755\)[\s\S]*chmod 700/),
    })
    expect(readdirSync(world.state)).toEqual([])
  })

  test('is a symlink', async ({ world }) => {
    world.agent('done')
    const elsewhere = join(world.root, 'elsewhere')
    mkdirSync(elsewhere, { mode: 0o700 })
    symlinkSync(elsewhere, world.state)
    const result = await world.rca(START)
    expect(result).toMatchObject({ code: 78, stderr: expect.stringContaining('is not a directory') })
    expect(readdirSync(elsewhere)).toEqual([])
  })

  test('has a folder of tasks that is a symlink', async ({ world }) => {
    world.agent('done')
    const elsewhere = join(world.root, 'elsewhere')
    mkdirSync(elsewhere, { mode: 0o700 })
    mkdirSync(world.state, { mode: 0o700 })
    symlinkSync(elsewhere, join(world.state, 'tasks'))
    expect((await world.rca(START)).code).toBe(78)
    expect(readdirSync(elsewhere)).toEqual([])
  })

  test.runIf(isRoot)('cannot be written (as another user)', async ({ world, skip }) => {
    world.agent('done')
    const version = await world.rca(['--version'], { uid: OTHER_USER, cwd: '/' }).catch(() => null)
    if (version?.code !== 0) skip('the checkout cannot be read by another user')
    chmodSync(world.root, 0o755)
    const result = await world.rca(START, { uid: OTHER_USER })
    expect(result).toMatchObject({
      code: 78,
      stderr: expect.stringMatching(/cannot be written[\s\S]*RCA_HOME/),
    })
  })

  test('is named nowhere', async ({ world }) => {
    world.agent('done')
    const result = await world.rca(['list'], { env: { RCA_HOME: undefined, HOME: undefined } })
    expect(result).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('Neither RCA_HOME nor HOME is set'),
    })
  })

  // A disk with so many KiB left, from nothing to enough.
  const rooms = Array.from({ length: 20 }, (_, index) => index * 4)
  test.runIf(mayMount).for(rooms)(
    'is on a disk with room for %i KiB: the truth is told',
    async (room, { world }) => {
      world.agent('done')
      mkdirSync(world.state, { mode: 0o700 })
      const { code, stdout, stderr } = await startOnDisk(world, room)
      const left = world.read('left')
      expect(stderr).not.toMatch(/bug in rca/)
      if (code === 0)
        expect({ left, stdout, runs: world.runs.length }).toMatchObject({ left: 'done', runs: 1 })
      else expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      if (left === '') expect(stderr).toMatch(/No space left/)
      // An agent whose events found no room either may have done its work, and nobody can know.
      else expect(world.runs.length === 0 ? ['lost'] : ['done', 'failed', 'lost']).toContain(left)
      if (room === 0) expect(left).toBe('')
      if (room === 76) expect(code).toBe(0)
    },
  )
})

/** Starts a task where the state directory is a disk of its own; the state it has afterwards, if any, goes to $HOME/left. */
async function startOnDisk(world: World, room: number) {
  const script = `
    mount -t tmpfs -o size=256k,mode=700 tmpfs "$RCA_HOME" || exit 99
    dd if=/dev/zero of="$RCA_HOME/ballast" bs=1k count=$((256 - ${room})) 2>/dev/null
    : > "$HOME/left"
    "$@" start codex fix -p x; code=$?
    [ ! -d "$RCA_HOME/tasks" ] || "$@" list --json | sed -n 's/.*"state":"\\([a-z]*\\)".*/\\1/p' | tr -d '\\n' > "$HOME/left"
    tmux -S "$RCA_TMUX_SOCKET" kill-server 2> /dev/null
    exit $code`
  return world.run(['unshare', '-m', '/bin/sh', '-c', script, 'sh', process.execPath, RCA]).done
}

describe.concurrent('privacy of the records', () => {
  test('folders are 0700 and files 0600, whatever the umask', async ({ world }) => {
    world.agent('kills-itself')
    const umask = ['/bin/sh', '-c', 'umask 0; exec "$@"', 'sh', process.execPath, RCA]
    await world.run([...umask, ...START]).done
    await world.reaches('failed')
    await world.run([...umask, 'resume', 'fix']).done
    await world.reaches('done')
    const modes = tree(world.state).map((path) => {
      const { mode } = lstatSync(path)
      return `${path.slice(world.state.length)} ${(mode & 0o777).toString(8)}`
    })
    expect(modes.length).toBeGreaterThan(15)
    const wanted = tree(world.state).map(
      (path) => `${path.slice(world.state.length)} ${lstatSync(path).isDirectory() ? '700' : '600'}`,
    )
    expect(modes).toEqual(wanted)
  })

  test('neither the prompt nor a value of the environment shows in ps', async ({ world }) => {
    const secret = 'SECRET-4711'
    world.agent('records')
    world.program(
      'codex',
      `tr '\\0' '\\n' < /proc/$$/cmdline > "$HOME/own"; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' > "$HOME/ps"\n. '${join(import.meta.dirname, '../fixtures/agents/codex.sh')}'\nbegin\ncomplete`,
    )
    const env = { CODEX_API_KEY: `${secret}-value`, THING: `${secret}-thing` }
    const args = ['start', 'codex', 'fix', '-f', '-', '--env', 'THING']
    const result = await world.rca(args, { env, stdin: `${secret}-prompt` })
    expect(result.code).toBe(0)
    await world.reaches('done')
    expect(world.read('ps')).toContain('sh')
    expect(world.read('ps')).not.toContain(secret)
  })
})

function tree(folder: string): string[] {
  return [
    folder,
    ...readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? tree(path) : [path]
    }),
  ]
}
