import { spawn, spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseSelf } from '../system/identity.ts'
import { formatEnvironment } from '../task/environment.ts'
import { agentScript, DONE_MARKER, launchScript, type ScriptInput, typedLine } from './script.ts'

/** Everything here runs the real scripts with the real sh; only tmux is not there. */
describe('the launch script', () => {
  let root: string
  let input: ScriptInput

  const attempt = () => join(input.taskDir, 'attempts', '1')
  const agent = (body: string) => writeFileSync(join(root, 'agent'), `#!/bin/sh\n${body}\n`, { mode: 0o755 })
  const write = (change: Partial<ScriptInput> = {}) => {
    input = { ...input, ...change }
    writeFileSync(join(attempt(), 'launch'), launchScript(input))
    writeFileSync(join(attempt(), 'agent'), agentScript(input))
  }
  const run = () =>
    spawnSync('sh', [join(attempt(), 'launch')], { encoding: 'utf8', env: { PATH: process.env.PATH } })
  const read = (name: string) => readFileSync(join(input.taskDir, name), 'utf8')
  const exit = () => JSON.parse(read('attempts/1/exit.json'))

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "rca it's $(x) "))
    const taskDir = join(root, 'task;')
    mkdirSync(join(taskDir, 'attempts', '1'), { recursive: true })
    mkdirSync(join(root, 'project'))
    for (const [name, text] of [
      ['prompt', "-x $(touch pwned) 'q'\n"],
      ['events.jsonl', 'earlier\n'],
      ['stderr.log', ''],
      ['env', formatEnvironment({ PATH: process.env.PATH ?? '', KEY: "it's $(x)" })],
    ] as const) {
      writeFileSync(join(taskDir, name), text)
    }
    input = {
      session: 'codex-x',
      taskDir,
      attempt: 1,
      cwd: join(root, 'project'),
      argv: [join(root, 'agent'), "-a'b", '$(touch pwned)', ''],
      env: { ADDED: '`id`' },
      cookie: 'id:1',
      umask: 0o027,
      promptFile: '../../prompt',
      eventsOffset: 8,
      stderrOffset: 0,
      dropLinesWith: null,
      shows: true,
      settle: ['true'],
    }
    agent('cat; env >&2; printf "<%s>" "$@"; pwd; exit 3')
    write()
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it('hands everything on literally, into the files and nowhere else', () => {
    run()
    const events = read('events.jsonl')
    expect(events).toBe(`earlier\n-x $(touch pwned) 'q'\n<-a'b><$(touch pwned)><>${input.cwd}\n`)
    const env = read('stderr.log')
    expect(env).toContain("KEY=it's $(x)\n")
    expect(env).toContain('ADDED=`id`\n')
    expect(env).toContain('RCA_ATTEMPT=id:1\n')
    expect(env).toContain(`TASK_TMPDIR=${input.taskDir}\n`)
    expect(env).not.toMatch(/RCA_LAUNCH|VITEST|NODE_/)
    expect(exit()).toEqual({ code: 3, interrupted: false })
    expect(readdirSync(input.cwd)).toEqual([])
    expect(readdirSync(attempt()).sort()).toEqual(['agent', 'begun', 'exit.json', 'launch', 'process'])
  })
  it('says which processes it and the agent are', () => {
    agent('echo $$')
    run()
    const pid = Number(read('events.jsonl').split('\n')[1])
    expect(parseSelf(read('attempts/1/process'))).toMatchObject({ pid, start: expect.stringMatching(/./) })
    expect(parseSelf(read('attempts/1/begun'))?.pid).not.toBe(pid)
  })
  it('runs the agent once, however often it is run', () => {
    run()
    const before = read('events.jsonl')
    expect(run()).toMatchObject({ status: 125, stderr: expect.stringContaining('begun already') })
    expect(read('events.jsonl')).toBe(before)
  })
  it('runs nothing when the attempt was called off', () => {
    writeFileSync(join(attempt(), 'begun'), 'called-off\n')
    expect(run().status).toBe(125)
    expect(read('events.jsonl')).toBe('earlier\n')
  })
  it('shows the done marker after a good end, and only then', () => {
    agent(`echo before; echo '${DONE_MARKER}'; printf '\\033]0;title\\007x'`)
    const good = run().stdout
    expect(good.split(DONE_MARKER)).toHaveLength(2)
    expect(good.trimEnd().endsWith(DONE_MARKER)).toBe(true)
    expect(read('events.jsonl')).toContain(DONE_MARKER)
    rmSync(join(attempt(), 'begun'))
    write({ settle: ['false'] })
    expect(run().stdout).not.toContain(DONE_MARKER)
  })
  it('shows nothing of the agent where nobody can look, and leaves nothing behind', () => {
    agent('echo hello')
    write({ shows: false })
    expect(run().stdout.trim()).toBe(DONE_MARKER)
    expect(read('events.jsonl')).toContain('hello')
    expect(readdirSync(attempt()).sort()).toEqual(['agent', 'begun', 'exit.json', 'launch', 'process'])
  })
  it('agent-makes-private-files: gives the agent the caller’s umask, not that of the records', () => {
    agent('umask; touch made')
    run()
    expect(read('events.jsonl')).toContain('0027')
    expect(statSync(join(input.cwd, 'made')).mode & 0o777).toBe(0o640)
  })
  it('tells a death by signal as the shell does', () => {
    agent('kill -9 $$')
    run()
    expect(exit().code).toBe(137)
  })
  it('drops the lines of an agent that floods, and keeps all others to the last', () => {
    agent('for i in 1 2 3; do echo "keep $i"; echo "drop \\"me\\" $i"; done; printf last')
    write({ dropLinesWith: '"me"' })
    run()
    expect(read('events.jsonl')).toBe('earlier\nkeep 1\nkeep 2\nkeep 3\nlast\n')
    expect(exit().code).toBe(0)
  })
  /** The processes of this name that work in the attempt's directory. */
  const running = (name: string) =>
    readdirSync('/proc').filter((pid) => {
      try {
        return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`) === attempt() && comm(pid) === name
      } catch {
        return false
      }
    })
  const niceness = (pid: string) =>
    Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[16])
  const comm = (pid: string) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  const until = async (check: () => boolean) => {
    for (const end = Date.now() + 20_000; !check(); await sleep(20)) expect(Date.now()).toBeLessThan(end)
  }
  const shownBy = async (stream: Readable) => {
    let text = ''
    for await (const piece of stream) text += piece
    return text
  }

  it('the last lines of a flood were never shown where the terminal lagged behind', async () => {
    agent('head -c 3000000 /dev/zero | tr "\\0" "x" | fold -w 99; echo; echo the last line')
    const script = spawn('sh', [join(attempt(), 'launch')], { env: { PATH: process.env.PATH } })
    // Nobody looks at what it prints until it has given up waiting for that.
    await until(() => running('tail').length > 0)
    await until(() => running('tail').length === 0)
    const shown = await shownBy(script.stdout)
    expect(shown).toMatch(/\[rca: \d+ bytes are not shown here\]\n/)
    expect(shown.trimEnd().split('\n').slice(-2)).toEqual(['the last line', DONE_MARKER])
    expect(shown.length).toBeLessThan(1_000_000)
    expect(read('events.jsonl').length).toBeGreaterThan(3_000_000)
  }, 30_000)
  it('shows all of it to a terminal that keeps up, at a low priority', async () => {
    agent('echo out; echo err >&2; read x < ../go')
    spawnSync('mkfifo', [join(root, 'go')])
    const script = spawn('sh', [join(attempt(), 'launch')], { env: { PATH: process.env.PATH } })
    await until(() => running('tail').length > 0 && running('sed').length > 0)
    expect(running('tail')).toHaveLength(2)
    for (const pid of [...running('tail'), ...running('sed')]) expect(niceness(pid)).toBeGreaterThan(0)
    writeFileSync(join(root, 'go'), 'go\n')
    const shown = await shownBy(script.stdout)
    expect(shown.split('\n').sort()).toEqual(['', DONE_MARKER, 'err', 'out'])
  }, 30_000)
  it('a first attempt is shown by one process', async () => {
    writeFileSync(join(input.taskDir, 'events.jsonl'), '')
    write({ eventsOffset: 0 })
    agent('echo out; echo err >&2; read x < ../go')
    spawnSync('mkfifo', [join(root, 'go')])
    const script = spawn('sh', [join(attempt(), 'launch')], { env: { PATH: process.env.PATH } })
    await until(() => running('tail').length > 0 && running('sed').length > 0)
    expect(running('tail')).toHaveLength(1)
    writeFileSync(join(root, 'go'), 'go\n')
    expect((await shownBy(script.stdout)).split('\n').sort()).toEqual(['', DONE_MARKER, 'err', 'out'])
  }, 30_000)
  it('left a shell behind for ever where what shows the pane its text was told to end while it opened its pipe', () => {
    const bin = join(root, 'bin')
    mkdirSync(bin)
    const storm = '(i=0; while [ $i -lt 5000 ]; do kill -TERM "$PPID"; i=$((i + 1)); done) > /dev/null 2>&1 &'
    writeFileSync(
      join(bin, 'mkfifo'),
      `#!/bin/sh\nPATH=$REST mkfifo "$@" || exit\n[ "$1" != ./view ] || ${storm}\n`,
      {
        mode: 0o755,
      },
    )
    const { PATH } = process.env
    for (let round = 0; round < 4; round++) {
      rmSync(join(attempt(), 'begun'), { force: true })
      const env = { PATH: `${bin}:${PATH}`, REST: PATH }
      // What is left behind holds the pipe of its output open, which a run then waits for.
      const { error } = spawnSync('sh', [join(attempt(), 'launch')], { env, timeout: 4_000 })
      expect(error).toBeUndefined()
    }
  })
  it('fails with the reason on stderr where the folder or the agent cannot be had', () => {
    write({ cwd: join(root, 'gone') })
    run()
    expect(exit().code).toBe(125)
    expect(read('stderr.log')).toContain('gone')
  })
})

describe('typedLine', () => {
  it('is short and holds nothing of the user’s', () => {
    expect(typedLine(12)).toBe('sh "$TASK_TMPDIR/attempts/12/launch"')
  })
})
