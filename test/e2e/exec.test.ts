import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import type { TaskJson } from '../../src/task/json.ts'
import { RCA, test, until, type World } from './harness.ts'

const CODEX = join(import.meta.dirname, '../fixtures/agents/codex')
const ASK = ['codex', 'exec', '-s', 'read-only', 'do it']

/** A codex that adds its arguments, one line a run, to $HOME/argv. */
const recording = (world: World, behaviour: string, name = 'codex') =>
  world.program(name, `(IFS='|'; echo "$*") >> "$HOME/argv"\nexec '${CODEX}/${behaviour}' "$@"`)
const launched = (world: World) =>
  world
    .read('argv')
    .trim()
    .split('\n')
    .map((line) => line.split('|'))
const spec = (task: TaskJson) => JSON.parse(readFileSync(join(task.taskDir ?? '', 'spec.json'), 'utf8'))
const seen = (world: World, name: string) => world.read(`seen/${name}`)

/** Runs an exec that must start a task, and parses the record that it prints. */
async function exec(
  world: World,
  command: readonly string[],
  options: readonly string[] = [],
  stdin?: string,
) {
  const result = await world.rca(['exec', ...options, '--', ...command], stdin === undefined ? {} : { stdin })
  if (result.code !== 0) throw new Error(`${result.code} ${result.stderr}`)
  expect(result.stdout).toMatch(/^[^\n]+\n$/)
  return JSON.parse(result.stdout) as TaskJson
}

describe.concurrent('exec: a task', () => {
  test('the record is the one that start --json prints', async ({ world }) => {
    world.agent('hangs')
    const given = await exec(world, ['codex', 'exec', 'Fix the tests!'])
    const started = await world.json(['start', 'codex', 'other', '-p', 'Fix the tests!'])
    expect(Object.keys(given)).toEqual(Object.keys(started))
    const own = [
      'name',
      'task',
      'access',
      'taskDir',
      'agentSessionId',
      'pid',
      'startedAt',
      'updatedAt',
      'lastActivityAt',
      'deadlineAt',
    ]
    const common = (task: TaskJson) => Object.entries(task).filter(([key]) => !own.includes(key))
    expect(common(given)).toEqual(common(started))
    expect(given).toMatchObject({ state: 'running', access: 'as-given', agent: 'codex', attempts: 1 })
    expect(given.name).toMatch(/^codex-fix-the-tests-[0-9a-f]{6}$/)
    expect((await world.json(['status', given.task])).name).toBe(given.name)
  })

  test('the agent runs as in the command: its flags, folder, variables and prompt, and none of config.json', async ({
    world,
  }) => {
    world.agent('records')
    world.config({
      monitor: false,
      policy: { restart: 'never' },
      agents: { codex: { args: ['-m', 'of-config'] } },
    })
    mkdirSync(join(world.project, 'sub'))
    const line = `cd sub && TOKEN=s3cret codex exec --json -s read-only -c 'a="b c"' 'do $it'`
    const task = await exec(world, ['sh', '-c', line], ['--env', 'MORE=1'])
    await world.reaches('done', task.task)
    const cwd = join(world.project, 'sub')
    expect(seen(world, 'argv')).toBe(
      ['exec', '-s', 'read-only', '-c', 'a="b c"', '--json', '-C', cwd, '-', ''].join('\n'),
    )
    expect(seen(world, 'stdin')).toBe('do $it')
    expect(seen(world, 'cwd').trim()).toBe(cwd)
    expect(seen(world, 'env')).toMatch(/^TOKEN=s3cret$/m)
    expect(seen(world, 'env')).toMatch(/^MORE=1$/m)
    expect(task.cwd).toBe(cwd)
    const kept = ['spec.json', 'journal.jsonl', 'attempts/1/claim.json', 'attempts/1/agent'].map((name) =>
      join(task.taskDir ?? '', name),
    )
    for (const path of kept.filter((one) => existsSync(one)))
      expect(readFileSync(path, 'utf8')).not.toContain('s3cret')
    expect(spec(task).env).toContain('TOKEN')
  })

  test('what stands in front of the agent, and its permission flags, stay in every attempt', async ({
    world,
  }) => {
    const path = join(world.root, 'own')
    mkdirSync(path)
    recording(world, 'hangs')
    writeFileSync(join(path, 'codex'), readFileSync(join(world.bin, 'codex')))
    chmodSync(join(path, 'codex'), 0o755)
    world.program('codex', 'echo wrong; exit 3')
    const task = await exec(world, [
      'nice',
      '-n',
      '3',
      join(path, 'codex'),
      '--search',
      'exec',
      '--yolo',
      '--skip-git-repo-check',
      'do it',
    ])
    process.kill(task.pid ?? 0, 'SIGKILL')
    await world.reaches('failed', task.task)
    await world.rca(['resume', task.task])
    const { agentSessionId, attemptList } = await world.reaches('done', task.task)
    const flags = ['--search', 'exec', '--yolo', '--skip-git-repo-check', '--json', '-C', world.project]
    expect(launched(world)).toEqual([
      [...flags, '-'],
      [...flags, 'resume', agentSessionId, '-'],
    ])
    expect(attemptList).toHaveLength(2)
    const claims = [1, 2].map((n) =>
      JSON.parse(readFileSync(join(task.taskDir ?? '', `attempts/${n}/claim.json`), 'utf8')),
    )
    expect(claims.map((one) => one.argv.slice(0, 4))).toEqual(
      Array(2).fill(['/usr/bin/nice', '-n', '3', join(path, 'codex')]),
    )
  })

  test('a package runner runs in every attempt, and the agent that it started is ended with it', async ({
    world,
  }) => {
    recording(world, 'hangs', 'the-codex')
    world.program('npx', 'echo "$@" >> "$HOME/npx"; shift 2; the-codex "$@"; exit $?')
    const task = await exec(world, ['npx', '-y', '@openai/codex@0.169.0', 'exec', 'do it'])
    expect(task.state).toBe('running')
    await until(() => world.read('argv') !== '', 'the agent behind npx')
    process.kill(task.pid ?? 0, 'SIGKILL')
    await world.reaches('failed', task.task)
    await world.rca(['resume', task.task])
    await world.reaches('done', task.task)
    expect(world.read('npx')).toMatch(
      /^-y @openai\/codex@0\.169\.0 exec --json -C .+ -\n-y @openai\/codex@0\.169\.0 exec --json -C .+ resume .+ -\n$/,
    )
    expect(world.agents()).toEqual([])
  })

  test("a login shell's profile holds for the agent, as in the command", async ({ world }) => {
    const elsewhere = join(world.root, 'elsewhere')
    mkdirSync(elsewhere)
    world.agent('records')
    writeFileSync(join(elsewhere, 'codex'), readFileSync(join(world.bin, 'codex')))
    chmodSync(join(elsewhere, 'codex'), 0o755)
    world.program('codex', 'exit 3')
    world.write('.profile', `PATH='${elsewhere}:/usr/bin:/bin'; export FROM_PROFILE='a b'\n`)
    const task = await exec(world, ['bash', '-lc', `codex exec -m 'a "b" $c' 'do it'`])
    await world.reaches('done', task.task)
    expect(seen(world, 'env')).toMatch(/^FROM_PROFILE=a b$/m)
    expect(seen(world, 'argv').split('\n').slice(0, 3)).toEqual(['exec', '-m', 'a "b" $c'])
    expect(seen(world, 'cwd').trim()).toBe(world.project)
  })

  test('timeout stays, and bounds the attempts; --deadline says otherwise', async ({ world }) => {
    recording(world, 'done')
    const command = ['timeout', '30m', 'codex', 'exec', 'do it']
    expect(spec(await exec(world, command, ['--name', 'a'])).policy.deadlineMs).toBe(1_800_000)
    expect(spec(await exec(world, command, ['--name', 'b', '--deadline', '2h'])).policy.deadlineMs).toBe(
      7_200_000,
    )
    expect(spec(await exec(world, command, ['--name', 'c'])).command).toEqual(['timeout', '30m', 'codex'])
  })

  test('an agent that timeout has ended is not gone on with', async ({ world }) => {
    world.agent('hangs')
    world.config({ policy: { backoff: '100ms' } })
    const { task } = await exec(world, ['timeout', '4', 'codex', 'exec', 'do it'])
    const status = await world.reaches('failed', task)
    expect(status).toMatchObject({ cause: 'deadline', attempts: 1, exit: { code: 124 } })
    expect(world.agents()).toEqual([])
  })

  test('takes a variable away from the agent, also when a person resumes it', async ({ world }) => {
    world.program('codex', `env | grep ^OPENAI_ >> "$HOME/keys"\nexec '${CODEX}/hangs' "$@"`)
    const env = { OPENAI_API_KEY: 'k', OPENAI_BASE_URL: 'u' }
    const result = await world.rca(['exec', '--', 'env', '-u', 'OPENAI_API_KEY', ...ASK], { env })
    const { task, pid } = JSON.parse(result.stdout) as TaskJson
    process.kill(pid ?? 0, 'SIGKILL')
    await world.reaches('failed', task)
    await world.rca(['resume', task], { env })
    await world.reaches('done', task)
    expect(world.read('keys')).toBe('OPENAI_BASE_URL=u\nOPENAI_BASE_URL=u\n')
  })

  test('what the command set for the agent was forgotten after its end, or changed (bug)', async ({
    world,
  }) => {
    world.program('codex', `env | grep ^CODEX_RULES >> "$HOME/rules"\nexec '${CODEX}/hangs' "$@"`)
    const { task, pid } = await exec(world, ['env', 'CODEX_RULES=strict', ...ASK], ['--restart', 'never'])
    process.kill(pid ?? 0, 'SIGKILL')
    await world.reaches('failed', task)
    const env = { CODEX_RULES: 'lax' }
    expect((await world.rca(['resume', task], { env })).code).toBe(0)
    await world.reaches('done', task)
    // Its values have gone with the end.
    for (const verb of [
      ['resume', task, '-p', 'more'],
      ['send', task, 'more'],
    ]) {
      const refused = await world.rca(verb, { env })
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--env CODEX_RULES=') })
    }
    expect((await world.rca(['send', task, 'more', '--env', 'CODEX_RULES=strict'], { env })).code).toBe(0)
    await until(() => world.read('rules').split('\n').length > 3, 'the turn')
    expect(world.read('rules')).toBe('CODEX_RULES=strict\n'.repeat(3))
  })

  test('the prompt comes from standard input, byte for byte, or both are joined as codex does', async ({
    world,
  }) => {
    world.agent('records')
    const text = '-x "$(date)" `é`\n\nend  '
    const first = await exec(world, ['codex', 'exec', '-'], [], text)
    await world.reaches('done', first.task)
    expect(seen(world, 'stdin')).toBe(text)
    const second = await exec(world, ['codex', 'exec', 'sum it up'], [], 'a log\n')
    await world.reaches('done', second.task)
    expect(seen(world, 'stdin')).toBe('sum it up\n\n<stdin>\na log\n</stdin>')
    writeFileSync(join(world.project, 'notes.md'), 'from a file\n')
    const third = await exec(world, ['sh', '-c', 'cat notes.md | codex exec'], [], 'not this')
    await world.reaches('done', third.task)
    expect(seen(world, 'stdin')).toBe('from a file\n')
  })

  test('the same command again is another task; a given name is not given twice', async ({ world }) => {
    world.agent('hangs')
    const tasks = await Promise.all([1, 2, 3].map(() => exec(world, ASK)))
    const [base = ''] = tasks.map((one) => one.name).sort()
    expect(tasks.map((one) => one.name).sort()).toEqual([base, `${base}-2`, `${base}-3`])
    expect(new Set(tasks.map((one) => one.pid)).size).toBe(3)
    expect((await exec(world, ASK, ['--if-exists', 'reuse'])).name).toBe(base)
    await exec(world, ASK, ['--name', 'mine'])
    expect(await world.rca(['exec', '--name', 'mine', '--', ...ASK])).toMatchObject({ code: 5, stdout: '' })
    expect((await exec(world, ASK, ['--name', 'mine', '--if-exists', 'reuse'])).name).toBe('codex-mine')
    // bug: one that may write was given to whoever asked for one that may not
    const bolder = ['codex', 'exec', '-s', 'workspace-write', 'do it']
    const other = await world.rca(['exec', '--name', 'mine', '--if-exists', 'reuse', '--', ...bolder])
    expect(other).toMatchObject({ code: 5, stdout: '', stderr: expect.stringContaining('another access') })
    expect(world.runs).toHaveLength(4)
  })

  test('--wait ends as the task does', async ({ world }) => {
    world.agent('done')
    const well = await world.rca(['exec', '--wait', '--', ...ASK])
    expect(well.code).toBe(0)
    expect(JSON.parse(well.stdout)).toMatchObject([{ state: 'done' }])
    expect(well.stderr).toContain('ALL-DONE')
    world.agent('kills-itself')
    expect(await world.rca(['exec', '--wait', '--name', 'x', '--', ...ASK])).toMatchObject({ code: 1 })
  })

  test('an agent that fails at once is a failed start, in its own words', async ({ world }) => {
    world.agent('bad-flag')
    const result = await world.rca(['exec', '--json', '--', ...ASK])
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(JSON.parse(result.stderr).error.message).toContain('unexpected argument')
  })
})

describe.concurrent('exec --explain', () => {
  test('says what would be done and does nothing', async ({ world }) => {
    recording(world, 'done')
    const result = await world.rca([
      'exec',
      '--explain',
      '--json',
      '--name',
      'x',
      '--',
      'env',
      'A=s3cret',
      ...ASK,
    ])
    expect(JSON.parse(result.stdout)).toMatchObject({
      kind: 'task',
      name: 'codex-x',
      argv: ['codex', 'exec', '-s', 'read-only', '--json', '-C', world.project, '-'],
      prompt: { text: 'do it', input: null },
      env: ['A'],
    })
    expect(result.stdout).not.toContain('s3cret')
    expect((await world.rca(['exec', '--explain', '--', ...ASK])).stdout).toContain('a task: codex-do-it-')
    const other = await world.rca(['exec', '--explain', '--', 'sh', '-c', 'codex exec x | tee log'])
    expect(other.stdout).toContain('in the foreground, as it is: it is a pipeline')
    expect(world.read('argv')).toBe('')
    expect(world.taskDirs).toEqual([])
  })
})

describe.concurrent('exec: in the foreground', () => {
  test('the exit code, the output and the input are the command’s own', async ({ world }) => {
    const script = 'cat; echo err >&2; exit 7'
    const result = await world.rca(['exec', '--', 'sh', '-c', script], { stdin: 'in' })
    expect(result).toMatchObject({ code: 7, stdout: 'in', stderr: 'err\n' })
    expect(world.taskDirs).toEqual([])
  })

  test('a program that is not there is 127, one that cannot be run 126', async ({ world }) => {
    const missing = await world.rca(['exec', '--', 'no-such-program'])
    expect(missing).toMatchObject({
      code: 127,
      stdout: '',
      stderr: 'rca: no-such-program: command not found\n',
    })
    world.write('text', 'x')
    expect((await world.rca(['exec', '--', join(world.home, 'text')])).code).toBe(126)
    // What would be a task, were its agent there.
    const agent = await world.rca(['exec', '--', ...ASK], { env: { PATH: '/usr/bin:/bin' } })
    expect(agent).toMatchObject({ code: 127, stdout: '' })
  })

  test('dies by the signal that the command died of', async ({ world }) => {
    expect(await world.rca(['exec', '--', 'sh', '-c', 'kill -KILL $$'])).toMatchObject({ signal: 'SIGKILL' })
    expect(await world.rca(['exec', '--', 'sh', '-c', 'kill -HUP $$'])).toMatchObject({ signal: 'SIGHUP' })
  })

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) {
    test(`hands ${signal} on`, async ({ world }) => {
      const script = `trap 'echo got; exit 9' ${signal.slice(3)}; echo ready; while :; do sleep 0.05; done`
      const { child, output, done } = world.run([
        'setsid',
        '-w',
        process.execPath,
        RCA,
        'exec',
        '--',
        'sh',
        '-c',
        script,
      ])
      await until(() => output.stdout.includes('ready'), 'the program')
      const rca = world.processes().find((one) => one.command.startsWith(`${process.execPath} ${RCA}`))
      process.kill(rca?.pid ?? child.pid ?? 0, signal)
      expect(await done).toMatchObject({ code: 9, stdout: 'ready\ngot\n', stderr: '' })
    })
  }

  test('what rca has read of its input the command still gets', async ({ world }) => {
    world.program('codex', 'cat | od -c | head -n 1; exit 4')
    const result = await world.rca(['exec', '--', 'codex', 'exec'], { stdin: '  \n' })
    expect(result.code).toBe(4)
    expect(result.stdout).toMatch(/^0+ +\\n/)
  })

  test('arguments that are no UTF-8 were other ones (bug)', async ({ world }) => {
    const command = `printf '%s|%s|%s|' $'\\xff\\n' "it's" $'a\\xc3\\n\\n'`
    const line = `'${process.execPath}' '${RCA}' exec -- ${command} | od -An -c`
    const { stdout } = await world.run(['bash', '-c', line]).done
    expect(stdout.trim().split(/\s+/).join(' ')).toBe("377 \\n | i t ' s | a 303 \\n \\n |")
  })

  test('a prompt that is no UTF-8 was another one (bug)', async ({ world }) => {
    world.program('codex', `printf '%s' "$2" | od -An -c`)
    const line = `'${process.execPath}' '${RCA}' exec -- codex exec $'gr\\xf6sser'`
    const { stdout } = await world.run(['bash', '-c', line]).done
    expect(stdout).toContain('366')
    expect(world.taskDirs).toEqual([])
  })

  test('descriptors beside the first three are there', async ({ world }) => {
    const line = `'${process.execPath}' '${RCA}' exec -- sh -c 'cat "$1"; cat <&7' x <(echo sixty-three) 7< <(echo seven)`
    expect(await world.run(['bash', '-c', line]).done).toMatchObject({
      stdout: 'sixty-three\nseven\n',
      stderr: '',
    })
  })

  test('a terminal is the command’s: it reads it, and Ctrl-C is its alone', async ({ world }) => {
    const script = `trap 'echo INTERRUPTED >> "$HOME/int"' INT; [ -t 0 ] && [ -t 1 ] && echo a-terminal; read line; echo "read $line"; sleep 1000; sleep 0.2; exit 6`
    world.write('script', script)
    world.session('own', 'sh')
    world.tmux(
      'send-keys',
      '-t',
      '=own:',
      `'${process.execPath}' '${RCA}' exec -- sh ~/script; echo "code $?"`,
      'Enter',
    )
    await until(() => world.pane('=own:').includes('a-terminal'), 'the program')
    world.tmux('send-keys', '-t', '=own:', 'hello', 'Enter')
    await until(() => world.pane('=own:').includes('read hello'), 'what it read')
    world.tmux('send-keys', '-t', '=own:', 'C-c')
    await until(() => world.pane('=own:').includes('code 6'), 'its end')
    expect(world.read('int')).toBe('INTERRUPTED\n')
  })
})

describe.concurrent('exec: bad input', () => {
  test('is told in one line', async ({ world }) => {
    expect(await world.rca(['exec'])).toMatchObject({ code: 2, stdout: '' })
    expect((await world.rca(['exec', 'codex', 'exec', 'x'])).stderr).toContain('behind --')
    expect(await world.rca(['exec', '--name', 'A b', '--', ...ASK])).toMatchObject({ code: 2 })
    expect(await world.rca(['exec', '--env', 'NOT_THERE', '--', ...ASK])).toMatchObject({ code: 2 })
    expect(await world.rca(['exec', '--backoff', 'soon', '--', ...ASK])).toMatchObject({ code: 2 })
    expect(world.taskDirs).toEqual([])
  })
})
