import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { isRoot, jsonError, OTHER_USER, RCA, test } from './harness.ts'

const START = ['start', 'codex', 'fix', '-p', 'x']

describe.concurrent('bad input: its exit code, its message, and nothing is made', () => {
  test.for<[string, string[], number, RegExp, RegExp?]>([
    [
      'upper case in the name',
      ['start', 'codex', 'Fix-It', '-p', 'x'],
      2,
      /Bad task name "Fix-It"/,
      /fix-it/,
    ],
    ['dots as the name', ['start', 'codex', '..', '-p', 'x'], 2, /Bad task name "\.\."/],
    ['a slash in the name', ['start', 'codex', 'a/b', '-p', 'x'], 2, /Bad task name "a\/b"/, /a-b/],
    ['a blank in the name', ['start', 'codex', 'a b', '-p', 'x'], 2, /Bad task name "a b"/, /a-b/],
    ['an empty name', ['start', 'codex', '', '-p', 'x'], 2, /name is empty/],
    ['a name with a line break', ['start', 'codex', 'a\n', '-p', 'x'], 2, /Bad task name/],
    [
      'a name of 200 characters',
      ['start', 'codex', 'a'.repeat(200), '-p', 'x'],
      2,
      /200 characters long; at most/,
    ],
    ['a name that begins with a hyphen', ['start', 'codex', '-fix', '-p', 'x'], 2, /./],
    ['no name', ['start', 'codex', '-p', 'x'], 2, /task-name/],
    ['no arguments', ['start'], 2, /agent/],
    [
      'an unknown agent',
      ['start', 'emacs', 'fix', '-p', 'x'],
      2,
      /Unknown agent "emacs"/,
      /codex, claude, opencode, pi/,
    ],
    ['a folder that is not there', [...START, '-C', 'nowhere'], 2, /There is no folder \/.*nowhere/, /-C/],
    ['a folder that is a file', [...START, '-C', '/etc/passwd'], 2, /\/etc\/passwd is not a folder/],
    ['an empty prompt', ['start', 'codex', 'fix', '-p', ''], 2, /prompt is empty/],
    ['a blank prompt', ['start', 'codex', 'fix', '-p', ' \n\t '], 2, /prompt is empty/],
    ['a prompt and a prompt file', [...START, '-f', '-'], 2, /once: with -p or with -f/],
    ['no prompt', ['start', 'codex', 'fix'], 2, /There is no prompt/, /-p TEXT or -f FILE/],
    ['a prompt file that is not there', ['start', 'codex', 'fix', '-f', 'no.md'], 2, /no\.md does not exist/],
    ['a prompt file that is a folder', ['start', 'codex', 'fix', '-f', '.'], 2, /is a directory/],
    ['an empty standard input', ['start', 'codex', 'fix', '-f', '-'], 2, /prompt is empty/],
    ['an argument too many', ['start', 'codex', 'fix', 'more', '-p', 'x'], 2, /agent and a task name/],
    ['agent arguments without --', [...START, '-m', 'gpt-5'], 2, /unknown option '-m'/],
    ['a word after --', [...START, '--', 'resume'], 2, /resume/],
    ['an unknown access', [...START, '--access', 'all'], 2, /read, write, full/],
    ['an unknown --if-exists', [...START, '--if-exists', 'maybe'], 2, /fail, reuse, replace/],
    ['an unset variable', [...START, '--env', 'NO_SUCH_NAME'], 2, /no such variable/, /NO_SUCH_NAME=VALUE/],
    ['a bad variable name', [...START, '--env', '1X=2'], 2, /Bad --env "1X=2"/],
    ['a variable that is never handed on', [...START, '--env', 'TMUX=x'], 2, /--env TMUX/],
    [
      'a size that is none',
      [...START, '--max-log-size', '5 parsecs'],
      2,
      /--max-log-size: "5 parsecs" is not a size/,
    ],
    ['a stall time that is none', [...START, '--stall-after', 'abc'], 2, /"abc" is not a duration/],
    ['a bad tmux socket', [...START, '--tmux-socket', 'a b'], 2, /Bad tmux socket "a b"/],
    ['an unknown option', ['list', '--al'], 2, /unknown option '--al'/, /--all/],
    ['an unknown verb', ['strat'], 2, /unknown command 'strat'/, /start/],
    ['no verb', [], 2, /Usage: rca/],
    ['an unknown task for status', ['status', 'none'], 3, /No task "none"/, /rca list --all/],
    ['an unknown task for logs', ['logs', 'none'], 3, /No task "none"/],
    ['an unknown task for logs --raw', ['logs', 'none', '--raw'], 3, /No task "none"/],
    ['an unknown task for logs --pane', ['logs', 'none', '--pane'], 3, /No task "none"/],
    ['an unknown task for wait', ['wait', 'none'], 3, /No task "none"/],
    ['an unknown task for kill', ['kill', 'none'], 3, /No task "none"/],
    ['an unknown task for resume', ['resume', 'none'], 3, /No task "none"/],
    ['an unknown task for attach', ['attach', 'none'], 3, /No task "none"/],
    ['two unknown tasks for kill', ['kill', 'none', 'nobody'], 3, /(?=[\s\S]*"none")(?=[\s\S]*"nobody")/],
    ['a task name with a slash', ['status', '../../etc'], 3, /No task/],
    ['a tail that is no number', ['logs', 'none', '--tail', 'abc'], 2, /--tail: "abc"/],
    ['an attempt that is no number', ['logs', 'none', '--attempt', '-1'], 2, /--attempt/],
    ['a time that is none', ['logs', 'none', '--since', 'abc'], 2, /--since: "abc"/],
    ['--raw and --json', ['logs', 'none', '--raw', '--json'], 2, /cannot be used with/],
    ['a timeout that is none', ['wait', 'none', '--timeout', 'abc'], 2, /--timeout: "abc" is not a duration/],
    ['a grace that is none', ['kill', 'none', '--grace', 'abc'], 2, /--grace: "abc"/],
    ['a state that is none', ['list', '--state', 'dead'], 2, /--state: "dead"/, /running/],
    ['an agent to list that is none', ['list', '--agent', 'emacs'], 2, /--agent: "emacs"/],
    ['an empty follow-up', ['resume', 'none', '-p', ' '], 2, /prompt is empty/],
  ])('%s', async ([, args, code, message, hint], { world }) => {
    world.agent('done')
    const result = await world.rca(args)
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) })
    if (hint) expect(result.stderr).toMatch(hint)
    expect(result.stderr).not.toMatch(/bug in rca|\n\s+at /)
    expect(world.taskDirs).toEqual([])
    expect(world.server()).toBeNull()
    if (args.length > 0 && !args.includes('--raw'))
      expect(jsonError(await world.rca([...args.slice(0, 1), '--json', ...args.slice(1)]))).toMatchObject({
        exitCode: code,
      })
  })

  test('standard input that is closed', async ({ world }) => {
    world.agent('done')
    const script = `exec "$@" <&-`
    const argv = ['/bin/sh', '-c', script, 'sh', process.execPath, RCA, 'start', 'codex', 'fix', '-f', '-']
    const result = await world.run(argv).done
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('The prompt is empty') })
  })

  test('a prompt that is not UTF-8', async ({ world }) => {
    world.agent('done')
    const result = await world.rca(['start', 'codex', 'fix', '-f', '-'], { stdin: Buffer.from([0x41, 0xff]) })
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('UTF-8') })
  })

  test('a folder name with a line break', async ({ world }) => {
    const folder = join(world.project, 'a\nb')
    mkdirSync(folder)
    world.agent('done')
    const result = await world.rca([...START, '-C', folder])
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('line break') })
  })

  test.runIf(isRoot)('a prompt file that may not be read (as another user)', async ({ world, skip }) => {
    world.agent('done')
    const version = await world.rca(['--version'], { uid: OTHER_USER, cwd: '/' }).catch(() => null)
    if (version?.code !== 0) skip('the checkout cannot be read by another user')
    const file = join(world.project, 'prompt.md')
    writeFileSync(file, 'x')
    chmodSync(file, 0o600)
    chmodSync(world.root, 0o755)
    const result = await world.rca(['start', 'codex', 'fix', '-f', file], { uid: OTHER_USER })
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('may not be read') })
  })
})

describe.concurrent('programs that are missing', () => {
  test.for([
    ['codex', 'npm install -g @openai/codex'],
    ['claude', 'npm install -g @anthropic-ai/claude-code'],
    ['opencode', 'npm install -g opencode-ai'],
    ['pi', 'npm install -g @'],
  ])('%s is not installed', async ([agent = '', install], { world }) => {
    world.link('tmux', 'sh')
    const result = await world.rca(['start', agent, 'fix', '-p', 'x'], { env: { PATH: world.bin } })
    expect(result.code).toBe(69)
    expect(result.stderr).toContain(`${agent} is not installed`)
    expect(result.stderr).toContain(`Install it: ${install}`)
    expect(world.taskDirs).toEqual([])
  })
})

describe.concurrent('sessions that are not ours', () => {
  test('a foreign session of that name is a conflict and is left untouched', async ({ world }) => {
    world.agent('done')
    world.session('codex-fix', 'exec sleep 1000')
    const before = world.tmux('list-panes', '-a', '-F', '#{session_name} #{pane_id} #{pane_pid}')
    const result = await world.rca(START)
    expect(result).toMatchObject({ code: 5, stdout: '' })
    expect(result.stderr).toContain('codex-fix is taken by a tmux session')
    expect(world.tmux('list-panes', '-a', '-F', '#{session_name} #{pane_id} #{pane_pid}')).toBe(before)
    expect(world.pane('codex-fix')).toBe('')
    expect(world.taskDirs).toEqual([])
    expect(world.runs).toEqual([])
  })

  test('list --all shows it as foreign, list does not', async ({ world }) => {
    world.session('codex-theirs')
    world.session('other-thing')
    expect(await world.json(['list'])).toEqual([])
    expect(await world.json(['list', '--all'])).toMatchObject([
      { name: 'codex-theirs', state: 'foreign', agent: 'codex', taskDir: null },
    ])
    expect((await world.rca(['kill', 'codex-theirs'])).code).toBe(3)
    expect(world.tmux('has-session', '-t', '=codex-theirs')).toBe('')
  })
})
