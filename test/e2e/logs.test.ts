import { spawn } from 'node:child_process'
import { appendFileSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { RCA, test, until, type World } from './harness.ts'

const START = ['start', 'codex', 'fix', '-p', 'do it']
/** What a terminal would obey: any control character but line feed and tab, and what turns the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/

async function twoAttempts(world: World): Promise<string> {
  world.agent('kills-itself')
  await world.rca(START)
  await world.reaches('failed')
  await world.rca(['resume', 'fix'])
  return (await world.reaches('done')).taskDir ?? ''
}

describe.concurrent('logs', () => {
  test('--follow shows late events and ends with the task', async ({ world }) => {
    await world.begin('waits')
    const logs = world.start(['logs', '-f', 'fix'])
    await until(() => logs.output.stdout.includes('early'), 'what was there')
    expect(logs.child.exitCode).toBeNull()
    world.write('go')
    expect(await logs.done).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/early\nlate\ncompleted\n$/),
    })
  })

  test('--follow goes on into an attempt that a resume makes meanwhile', async ({ world }) => {
    await world.begin('steps')
    const logs = world.start(['logs', '-f', 'fix'])
    await until(() => logs.output.stdout.includes('step 1'), 'the first step')
    for (const step of [1, 2, 3]) world.write(`go-${step}`)
    expect((await logs.done).stdout).toMatch(/step 1[\s\S]*step 2[\s\S]*step 3[\s\S]*completed\n$/)
  })

  test('--follow is ended by Ctrl-C', async ({ world }) => {
    await world.begin('hangs')
    const logs = world.start(['logs', '-f', 'fix'])
    await until(() => logs.output.stdout.includes('sleep 1000'), 'what was there')
    logs.child.kill('SIGINT')
    expect(await logs.done).toMatchObject({ code: 130 })
    expect((await world.status()).state).toBe('running')
  })

  test('--tail, --attempt and --since choose', async ({ world }) => {
    await twoAttempts(world)
    const shown = async (...args: string[]) => (await world.rca(['logs', 'fix', ...args])).stdout
    expect(await shown()).toMatch(
      /attempt 1 \(start\)[\s\S]*half way[\s\S]*attempt 2 \(resume\)[\s\S]*went on\ncompleted\n$/,
    )
    expect(await shown('-n', '1')).toBe('completed\n')
    expect(await shown('-n', '0')).toBe('')
    expect(await shown('--attempt', '1')).not.toContain('went on')
    expect(await shown('--attempt', '2')).not.toContain('half way')
    expect(await shown('--since', '1h')).toContain('half way')
    expect(await shown('--since', '2099-01-01T00:00:00Z')).not.toContain('half way')
    expect(await world.rca(['logs', 'fix', '--attempt', '3'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Attempts: 1, 2'),
    })
  })

  test('--events gives one object a line, the same for --json', async ({ world }) => {
    await twoAttempts(world)
    const { stdout } = await world.rca(['logs', 'fix', '--events'])
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(events.map((event) => `${event.attempt} ${event.kind}`)).toEqual([
      '1 session',
      '1 turn',
      '1 message',
      '2 session',
      '2 turn',
      '2 message',
      '2 usage',
      '2 finished',
    ])
    expect((await world.rca(['logs', 'fix', '--json'])).stdout).toBe(stdout)
  })

  test('--raw is what the agent printed, byte for byte', async ({ world }) => {
    const { taskDir } = await world.begin('escapes')
    world.write('go')
    await world.reaches('failed')
    const raw = await world.rca(['logs', 'fix', '--raw'])
    expect(raw.stdout).toBe(readFileSync(join(taskDir ?? '', 'events.jsonl'), 'utf8'))
    expect(raw.stdout).toContain('\u001b]0;owned\u0007')
  })

  test('--raw --follow shows what comes and ends with the task', async ({ world }) => {
    const { taskDir } = await world.begin('waits')
    const logs = world.start(['logs', 'fix', '--raw', '-f'])
    await until(() => logs.output.stdout.includes('early'), 'what was there')
    expect(logs.child.exitCode).toBeNull()
    world.write('go')
    const events = join(taskDir ?? '', 'events.jsonl')
    expect(await logs.done).toMatchObject({ code: 0 })
    expect(logs.output.stdout).toBe(readFileSync(events, 'utf8'))
    expect(logs.output.stdout).toContain('late')
  })

  test('--raw keeps bytes that are no UTF-8 and a last line without an end', async ({ world }) => {
    world.program(
      'codex',
      `. '${join(import.meta.dirname, '../fixtures/agents/codex.sh')}'\nbegin\nprintf 'a\\377\\376b\\n'\ncomplete\nprintf 'no end \\303'`,
    )
    await world.rca(START)
    const { taskDir } = await world.reaches('done')
    const child = spawn(process.execPath, [RCA, 'logs', 'fix', '--raw'], { env: world.env })
    const chunks: Buffer[] = []
    for await (const chunk of child.stdout) chunks.push(chunk)
    expect(Buffer.concat(chunks).equals(readFileSync(join(taskDir ?? '', 'events.jsonl')))).toBe(true)
  })

  test('the last words of an agent, without an end of line, were in no log', async ({ world }) => {
    const shared = join(import.meta.dirname, '../fixtures/agents/codex.sh')
    world.program('codex', `. '${shared}'\nbegin\nsay hello\nprintf 'on fire' >&2\nwait_for go\nexit 1`)
    await world.rca([...START, '--restart', 'never'])
    const follow = world.start(['logs', '-f', 'fix'])
    await until(() => follow.output.stdout.includes('hello'), 'what was there')
    world.write('go')
    const all = [await follow.done]
    for (const more of [[], ['-n', '1'], ['--events']]) all.push(await world.rca(['logs', 'fix', ...more]))
    expect(all.map((one) => one.stdout.includes('on fire'))).toEqual([true, true, true, false])
  })

  test.for([
    ['--raw', '--since', '1s'],
    ['--pane', '-f'],
    ['--pane', '--since', '1s'],
  ])('%j were taken, and one of them was passed over', async (options, { world }) => {
    expect(await world.rca(['logs', 'fix', ...options])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^rca: option '--(raw|pane)' cannot be used with option .*\n/),
    })
  })

  test('logs | head -1 ends quietly', async ({ world }) => {
    await world.begin('floods')
    await world.reaches('done')
    for (const more of ['', '--raw', '--events']) {
      const line = `"$1" "$2" logs fix ${more} 2> "$HOME/err" | head -1; echo "\${PIPESTATUS:-}"`
      const result = await world.run(['/bin/sh', '-c', line, 'sh', process.execPath, RCA]).done
      expect(result.stdout.split('\n')[0]).not.toBe('')
      expect(world.read('err')).toBe('')
    }
  })

  test('2 MB into a pipe are not cut, also into a slow one', async ({ world }) => {
    const { taskDir } = await world.begin('floods')
    await world.reaches('done')
    const text = '7'.padStart(500, '0')
    const readable = await world.rca(['logs', 'fix'])
    expect(readable.stdout.split('\n').filter((line) => line === text)).toHaveLength(4_000)
    const line = `"$1" "$2" logs fix --raw | { sleep 0.3; cat; }`
    const raw = await world.run(['/bin/sh', '-c', line, 'sh', process.execPath, RCA]).done
    expect(raw.stdout).toBe(readFileSync(join(taskDir ?? '', 'events.jsonl'), 'utf8'))
  })
})

/** What a process has read so far, once it reads no more: it waits for something. */
async function readAtRest(pid: number): Promise<number> {
  const read = () => Number(/^rchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
  let seen: number[] = []
  await until(() => {
    seen = [...seen, read()].slice(-20)
    return seen.length === 20 && seen[0] === seen[19]
  }, `process ${pid} to read no more`)
  return read()
}

describe.concurrent('logs of a big file', () => {
  const MESSAGE = {
    type: 'item.completed',
    item: { id: 'm', type: 'agent_message', text: 'x'.repeat(1_000) },
  }
  const LINE = `${JSON.stringify(MESSAGE)}\n`

  async function bigTask(world: World): Promise<string> {
    await world.begin('done')
    const { taskDir } = await world.reaches('done')
    const events = join(taskDir ?? '', 'events.jsonl')
    for (let written = 0; written < 100 << 20; written += LINE.length * 10_000)
      appendFileSync(events, LINE.repeat(10_000))
    return events
  }

  test('a slow reader of the pipe does not have rca read on and keep it all in memory', async ({ world }) => {
    await bigTask(world)
    for (const how of [['--raw'], ['--events'], []]) {
      // Nobody reads what it prints.
      const argv = [RCA, 'logs', 'fix', ...how]
      const child = spawn(process.execPath, argv, { env: world.env, stdio: ['ignore', 'pipe', 'inherit'] })
      await until(() => child.stdout.readableLength > 0, 'the first of it')
      expect(await readAtRest(child.pid ?? 0)).toBeLessThan(30 << 20)
      child.kill('SIGKILL')
    }
  })

  test('--tail reads the end of it and nothing else: of a terabyte it would never come back', async ({
    world,
  }) => {
    await world.begin('done')
    const { taskDir } = await world.reaches('done')
    const events = join(taskDir ?? '', 'events.jsonl')
    truncateSync(events, 2 ** 40)
    appendFileSync(events, `\n${LINE}${LINE.replaceAll('xxx', 'yyy')}`)
    for (const how of [['--raw'], ['--events'], [], ['--attempt', '1'], ['--since', '1h']]) {
      const { stdout } = await world.rca(['logs', 'fix', '-n', '2', ...how])
      expect(stdout.trim().split('\n')).toHaveLength(2)
      expect(stdout).toMatch(/x{900}[\s\S]*y{900}/)
    }
  })
})

describe.concurrent('what an agent prints cannot reach the terminal as control', () => {
  test('nothing that a terminal obeys comes out of any verb', async ({ world }) => {
    await world.begin('escapes')
    await until(() => world.pane('codex-fix').includes('on stderr'), 'the pane to show it')
    const verbs = [['logs', 'fix'], ['logs', 'fix', '--pane'], ['status', 'fix'], ['list']]
    const alive = await Promise.all(verbs.map((args) => world.rca(args)))
    world.write('go')
    await world.reaches('failed')
    const ended = await Promise.all(
      [...verbs, ['wait', 'fix'], ['resume', 'fix']].map((args) => world.rca(args)),
    )
    for (const { stdout, stderr } of [...alive, ...ended]) expect(`${stdout}${stderr}`).not.toMatch(OBEYED)
    expect(alive[0]?.stdout).toContain('clipboard')
    expect(ended[2]?.stdout).toContain('with control')
  })

  test('the title of the pane and the buffers of tmux are not touched', async ({ world }) => {
    await world.begin('escapes')
    await until(() => world.pane('codex-fix').includes('on stderr'), 'the pane to show it')
    expect(world.tmux('display-message', '-p', '-t', '=codex-fix:', '#{pane_title}')).not.toContain('owned')
    expect(world.tmux('list-buffers')).toBe('')
    expect(world.pane('codex-fix')).toContain('title ')
  })

  test('JSON holds it escaped, so a terminal shows it', async ({ world }) => {
    await world.begin('escapes')
    world.write('go')
    await world.reaches('failed')
    const { stdout } = await world.rca(['status', 'fix', '--json'])
    expect(stdout).not.toMatch(OBEYED)
    const events = await world.rca(['logs', 'fix', '--events'])
    expect(events.stdout).not.toMatch(OBEYED)
  })
})
