import {
  appendFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect } from 'vitest'
import type { TaskJson } from '../../src/task/json.ts'
import { test, until, type World } from './harness.ts'

/** A task that is done, its directory. */
async function doneTask(world: World): Promise<string> {
  const { taskDir } = await world.begin('done')
  await world.reaches('done')
  return taskDir ?? ''
}

async function crashedTask(world: World): Promise<string> {
  world.agent('kills-itself')
  await world.rca(['start', 'codex', 'fix', '-p', 'do it'])
  return (await world.reaches('failed')).taskDir ?? ''
}

/** Every file of a folder with its content. */
function snapshot(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
  return Object.fromEntries(
    entries.map((one) => {
      const path = join(one.parentPath, one.name)
      return [path.slice(folder.length), readFileSync(path, 'latin1')]
    }),
  )
}

describe.concurrent('records that are damaged', () => {
  test('a torn last journal line is normal', async ({ world }) => {
    const dir = await crashedTask(world)
    const journal = join(dir, 'journal.jsonl')
    const before = readFileSync(journal, 'utf8')
    appendFileSync(journal, '{"at":"2026-01-01T00:00:00.000Z","type":"attempt-en')
    expect(await world.status()).toMatchObject({ state: 'failed', problems: [] })
    await world.rca(['resume', 'fix'])
    expect(await world.reaches('done')).toMatchObject({ problems: [] })
    expect(
      readFileSync(journal, 'utf8').startsWith(
        `${before}{"at":"2026-01-01T00:00:00.000Z","type":"attempt-en\n`,
      ),
    ).toBe(true)
  })

  test('a garbage line in the middle of the journal is reported, kept and never overwritten', async ({
    world,
  }) => {
    const dir = await crashedTask(world)
    const journal = join(dir, 'journal.jsonl')
    appendFileSync(journal, 'garbage \u0000 line\n')
    const before = readFileSync(journal, 'utf8')
    const status = await world.status()
    expect(status.state).toBe('failed')
    expect(status.problems).toEqual([expect.stringMatching(/journal\.jsonl line \d+ cannot be read/)])
    await world.rca(['resume', 'fix'])
    expect((await world.reaches('done')).problems).toHaveLength(1)
    expect(readFileSync(journal, 'utf8').startsWith(before)).toBe(true)
    expect(world.runs).toHaveLength(2)
  })

  test.for([
    ['cut short', (path: string) => writeFileSync(path, '{"schema":1,')],
    ['empty', (path: string) => writeFileSync(path, '')],
    ['of a shape that nobody knows', (path: string) => writeFileSync(path, '{"schema":99}')],
    ['gone', (path: string) => renameSync(path, `${path}.away`)],
    [
      'a symlink',
      (path: string) => {
        renameSync(path, `${path}.real`)
        symlinkSync(`${path}.real`, path)
      },
    ],
  ] as const)(
    'a spec.json that is %s: unknown, exit code 4, nothing is touched',
    async ([, damage], { world }) => {
      const dir = await crashedTask(world)
      damage(join(dir, 'spec.json'))
      const before = snapshot(dir)
      const status = await world.rca(['status', 'fix', '--json'])
      expect(status.code).toBe(4)
      expect(JSON.parse(status.stdout)).toMatchObject({
        state: 'unknown',
        reason: expect.stringContaining('spec.json'),
      })
      expect(await world.json<TaskJson[]>(['list'])).toMatchObject([{ name: 'codex-fix', state: 'unknown' }])
      for (const args of [
        ['resume', 'fix'],
        ['kill', 'fix'],
        ['wait', 'fix'],
        ['start', 'codex', 'fix', '-p', 'x'],
        ['start', 'codex', 'fix', '-p', 'x', '--if-exists', 'replace'],
      ]) {
        expect((await world.rca(args)).code, args.join(' ')).toBe(4)
      }
      expect(snapshot(dir)).toEqual(before)
      expect(world.runs).toHaveLength(1)
    },
  )

  test('a symlink in the place of journal.jsonl is refused', async ({ world }) => {
    const dir = await crashedTask(world)
    const journal = join(dir, 'journal.jsonl')
    const elsewhere = join(world.home, 'elsewhere')
    renameSync(journal, elsewhere)
    symlinkSync(elsewhere, journal)
    const before = readFileSync(elsewhere, 'utf8')
    expect((await world.status()).problems).toEqual([expect.stringContaining('journal.jsonl cannot be read')])
    expect((await world.rca(['resume', 'fix'])).code).not.toBe(0)
    expect(readFileSync(elsewhere, 'utf8')).toBe(before)
    expect(world.runs).toHaveLength(1)
  })

  test('an exit record that cannot be read is reported and not taken for a good end', async ({ world }) => {
    const dir = await crashedTask(world)
    const lines = readFileSync(join(dir, 'journal.jsonl'), 'utf8').split('\n')
    writeFileSync(
      join(dir, 'journal.jsonl'),
      lines.filter((line) => !line.includes('attempt-ended')).join('\n'),
    )
    writeFileSync(join(dir, 'attempts/1/exit.json'), '{"code":')
    const status = await world.status()
    expect(status.state).not.toBe('done')
    expect(JSON.stringify(status.evidence)).toContain('exit.json cannot be read')
  })

  test('a half-made task directory is passed over', async ({ world }) => {
    await doneTask(world)
    const [dir = ''] = world.taskDirs
    renameSync(join(dir, 'attempts'), join(world.home, 'attempts'))
    renameSync(join(dir, 'spec.json'), join(world.home, 'spec.json'))
    expect(await world.json(['list', '--all'])).toEqual([])
    expect((await world.rca(['status', 'fix'])).code).toBe(3)
  })
})

describe.concurrent('processes that are not who they seem', () => {
  test('another process with the pid of the agent is not the agent', async ({ world }) => {
    const dir = await crashedTask(world)
    pretend(dir, (line) => {
      const own = readFileSync(`/proc/${process.pid}/stat`, 'utf8').split(' ')
      const [kind, boot, , ...rest] = line.split(' ')
      return [kind, boot, own[0], ...rest].join(' ')
    })
    expect((await world.status()).state).toBe('lost')
  })

  test('a process of an earlier boot is not alive', async ({ world }) => {
    const dir = await crashedTask(world)
    const stat = readFileSync(`/proc/${process.pid}/stat`, 'utf8')
    pretend(dir, () => `proc 00000000-0000-0000-0000-000000000000 ${stat}`)
    expect((await world.status()).state).toBe('lost')
    expect((await world.rca(['resume', 'fix'])).code).toBe(0)
  })

  test('the very same process is', async ({ world }) => {
    const dir = await crashedTask(world)
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    pretend(dir, () => `proc ${boot} ${readFileSync(`/proc/${process.pid}/stat`, 'utf8')}`)
    expect((await world.status()).state).toBe('running')
  })

  test('an attempt of another machine cannot be known', async ({ world }) => {
    const started = await world.begin('hangs')
    const claim = join(started.taskDir ?? '', 'attempts/1/claim.json')
    const own = JSON.parse(readFileSync(claim, 'utf8'))
    writeFileSync(
      claim,
      JSON.stringify({ ...own, host: 'elsewhere', claimant: { ...own.claimant, boot: 'another' } }),
    )
    expect(await world.status()).toMatchObject({
      state: 'unknown',
      reason: expect.stringContaining('elsewhere'),
    })
    expect((await world.rca(['resume', 'fix'])).code).toBe(4)
    expect((await world.rca(['status', 'fix'])).code).toBe(4)
    expect(world.runs).toHaveLength(1)
  })

  test('a lock of somebody who died blocks nobody', async ({ world }) => {
    await crashedTask(world)
    const lock = { holder: { pid: process.pid, start: '1', boot: 'another' }, host: 'x', what: 'rca start' }
    const host = readFileSync('/proc/sys/kernel/hostname', 'utf8').trim()
    writeFileSync(join(world.state, 'locks/codex-fix/dead'), JSON.stringify({ ...lock, host }))
    expect((await world.rca(['resume', 'fix'])).code).toBe(0)
    await until(() => world.runs.length === 2, 'the resume')
  })
})

/** Takes all record of the attempt's end away and lets its agent be another process. */
function pretend(dir: string, change: (line: string) => string): void {
  const journal = join(dir, 'journal.jsonl')
  const lines = readFileSync(journal, 'utf8').split('\n')
  writeFileSync(journal, lines.filter((line) => !line.includes('attempt-ended')).join('\n'))
  renameSync(join(dir, 'attempts/1/exit.json'), join(dir, 'attempts/1/exit.away'))
  const path = join(dir, 'attempts/1/process')
  writeFileSync(path, change(readFileSync(path, 'utf8')))
}

describe.concurrent('the list of finished tasks', () => {
  const listed = async (world: World) => (await world.json(['list'])) as TaskJson[]
  const states = async (world: World) => (await listed(world)).map((task) => [task.task, task.state])

  test.for(['resume', 'send'])(
    'did not hear of a turn that %s had begun, where the digest had been thrown away',
    async (verb, { world }) => {
      const dir = await doneTask(world)
      await states(world)
      // It tidies up: the index has the task, and believes it.
      await world.rca(['monitor', '--once'])
      rmSync(join(dir, '../../reopened', basename(dir)), { force: true })
      rmSync(join(dir, 'digest.json'))
      expect(await listed(world)).toMatchObject([{ state: 'done', attempts: 1 }])
      await world.rca(verb === 'send' ? ['send', 'fix', 'more'] : ['resume', 'fix', '-p', 'more'])
      await world.reaches('done')
      expect(readdirSync(join(dir, '../../reopened'))).toEqual([basename(dir)])
      expect(await listed(world)).toMatchObject([{ state: 'done', attempts: 2 }])
    },
  )
  test('is made anew where the index is damaged, and has tasks that were removed no more', async ({
    world,
  }) => {
    const dir = await doneTask(world)
    await states(world)
    // A start may have had a word for the journal after the end: then it is the monitor that puts the task into the index.
    await world.rca(['monitor', '--once'])
    const index = join(dir, '../../finished')
    const whole = readFileSync(index)
    for (const damaged of [
      whole.subarray(0, 200),
      Buffer.alloc(whole.length),
      Buffer.from(whole).fill(0, 400),
    ]) {
      writeFileSync(index, damaged)
      expect(await states(world)).toEqual([['fix', 'done']])
    }
    await world.rca(['rm', 'fix'])
    expect(await states(world)).toEqual([])
  })
})
