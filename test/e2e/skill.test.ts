import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect } from 'vitest'
import type { SkillInstalled } from '../../src/commands/skill.ts'
import { jsonError, RCA, test, type World } from './harness.ts'

const SOURCE = join(import.meta.dirname, '../../skills/resilient-coding-agent/SKILL.md')
const TEXT = readFileSync(SOURCE, 'utf8')

/** Every command on the page, in the order of the page: the lines of its code blocks, and what stands in its sentences. */
function commandsOf(page: string): string[] {
  const body = page.slice(page.indexOf('\n---\n', 4) + 5)
  const found = [...body.matchAll(/```sh\n([\s\S]*?)```|`(rca [^`]+)`/g)]
  return found.flatMap(([, block, inline]) => (inline ? [inline] : (block ?? '').trim().split('\n')))
}

const frontmatter = Object.fromEntries(
  TEXT.slice(4, TEXT.indexOf('\n---\n', 4))
    .split('\n')
    .map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
)

/** The machine of somebody who follows the page. */
function asThePageSays(world: World): void {
  world.program('rca', `exec '${process.execPath}' '${RCA}' "$@"`)
  // What the doctor asks is no work of the agent's.
  const agent = join(import.meta.dirname, '../fixtures/agents/codex/done')
  world.program(
    'codex',
    `case $1 in --version) echo codex-cli 0.169.0;; login) ;; *) exec '${agent}' "$@";; esac`,
  )
  mkdirSync(join(world.home, 'src/shop'), { recursive: true })
  writeFileSync(join(world.project, 'task.md'), 'Mend the login.\n')
}

const installed = (world: World, ...args: string[]) =>
  world.json<SkillInstalled[]>(['skill', 'install', ...args])
const inClaude = (world: World) => join(world.home, '.claude/skills/resilient-coding-agent/SKILL.md')

describe.concurrent('the page', () => {
  test('has commands, all of rca', async () => {
    const commands = commandsOf(TEXT)
    expect(commands.length).toBeGreaterThanOrEqual(8)
    for (const line of commands) expect(line).toMatch(/^rca /)
  })

  test('every command on it does what it says, in the order of the page', async ({ world }) => {
    asThePageSays(world)
    for (const line of commandsOf(TEXT)) {
      const { code, stdout, stderr } = await world.run(['/bin/sh', '-c', line]).done
      expect(code, `${line}\n${stdout}${stderr}`).toBe(0)
      if (line.includes('--json')) expect(() => JSON.parse(stdout), line).not.toThrow()
    }
    // The start, and what was said to it afterwards.
    expect(world.runs.map((run) => run.split(' ')[0])).toEqual(['start', 'resume'])
    expect(await world.status('fix-login')).toMatchObject({
      cwd: join(world.home, 'src/shop'),
      state: 'done',
    })
  })

  test('starts nothing a second time when it is followed twice', async ({ world }) => {
    asThePageSays(world)
    const [start = ''] = commandsOf(TEXT)
    for (let time = 0; time < 2; time++) expect((await world.run(['/bin/sh', '-c', start]).done).code).toBe(0)
    expect(world.runs).toHaveLength(1)
  })

  test('names every state and every exit code of wait as they are', async () => {
    const { STATES } = await import('../../src/task/state.ts')
    const { EXIT } = await import('../../src/errors.ts')
    for (const state of STATES) expect(TEXT).toContain(`\`${state}\``)
    for (const code of [EXIT.ok, EXIT.failed, EXIT.gaveUp, EXIT.timeout, EXIT.notFound])
      expect(TEXT).toMatch(new RegExp(`\\s${code}: `))
  })

  // https://agentskills.io/specification
  test('keeps the rules of Agent Skills', async () => {
    expect(TEXT.startsWith('---\n')).toBe(true)
    expect(frontmatter.name).toBe('resilient-coding-agent')
    expect(frontmatter.name).toBe(dirname(SOURCE).split('/').at(-1))
    expect(frontmatter.description?.length).toBeLessThanOrEqual(1_024)
    expect(frontmatter.compatibility?.length).toBeLessThanOrEqual(500)
    // A plain YAML scalar: no ": " and no " #" in it.
    for (const name of ['description', 'compatibility']) expect(frontmatter[name]).not.toMatch(/: | #/)
    expect(Object.keys(frontmatter)).toEqual(['name', 'description', 'license', 'compatibility', 'metadata'])
    // OpenClaw wants it on one line.
    expect(JSON.parse(frontmatter.metadata ?? '')).toMatchObject({
      openclaw: { requires: { bins: ['rca'] } },
    })
    expect(TEXT.split('\n').length).toBeLessThan(100)
  })
})

describe.concurrent('rca skill install', () => {
  test('into the folders of the orchestrators that are here; twice changes nothing', async ({ world }) => {
    mkdirSync(join(world.home, '.claude'))
    mkdirSync(join(world.home, '.openclaw'))
    const paths = [inClaude(world), join(world.home, '.openclaw/skills/resilient-coding-agent/SKILL.md')]
    expect(await installed(world)).toEqual(paths.map((path) => ({ path, done: 'installed' })))
    for (const path of paths) expect(readFileSync(path, 'utf8').startsWith(TEXT)).toBe(true)
    const { ino } = statSync(inClaude(world))
    expect(await installed(world)).toEqual(paths.map((path) => ({ path, done: 'unchanged' })))
    expect(statSync(inClaude(world)).ino).toBe(ino)
  })

  test('where they say that their folders are', async ({ world }) => {
    const claude = join(world.root, 'claude config')
    mkdirSync(claude)
    const { stdout } = await world.rca(['skill', 'install'], { env: { CLAUDE_CONFIG_DIR: claude } })
    expect(stdout).toBe(`${join(claude, 'skills/resilient-coding-agent/SKILL.md')} installed\n`)
  })

  test('into a folder; of its own name too', async ({ world }) => {
    const own = join(world.project, 'skills/resilient-coding-agent')
    expect(await installed(world, 'skills')).toEqual([{ path: join(own, 'SKILL.md'), done: 'installed' }])
    expect(await installed(world, own)).toEqual([{ path: join(own, 'SKILL.md'), done: 'unchanged' }])
  })

  test('nobody here who reads skills: says so', async ({ world }) => {
    const error = jsonError(await world.rca(['skill', 'install', '--json']))
    expect(error).toMatchObject({ exitCode: 2, hint: expect.stringContaining('rca skill install DIR') })
    expect(existsSync(join(world.home, '.claude'))).toBe(false)
  })

  test('brings what an older rca has installed up to date', async ({ world }) => {
    const { stamped } = await import('../../src/skill/stamp.ts')
    await installed(world, 'skills')
    const path = join(world.project, 'skills/resilient-coding-agent/SKILL.md')
    writeFileSync(path, stamped('---\nname: resilient-coding-agent\n---\nolder\n', '0.0.1'))
    expect(await installed(world, 'skills')).toEqual([{ path, done: 'updated' }])
    expect(readFileSync(path, 'utf8').startsWith(TEXT)).toBe(true)
  })

  test.for<[string, (path: string) => void]>([
    [
      'that somebody wrote',
      (path) => writeFileSync(path, '---\nname: resilient-coding-agent\n---\nby hand\n'),
    ],
    [
      'that was changed since',
      (path) => writeFileSync(path, readFileSync(path, 'utf8').replace('Look', 'See')),
    ],
    ['whose end was changed since', (path) => writeFileSync(path, `${readFileSync(path, 'utf8')}more\n`)],
    ['that is empty', (path) => writeFileSync(path, '')],
  ])(
    'never over one %s, without --force; then nothing is written anywhere',
    async ([, change], { world }) => {
      mkdirSync(join(world.home, '.claude'))
      await installed(world)
      mkdirSync(join(world.home, '.openclaw'))
      change(inClaude(world))
      const before = readFileSync(inClaude(world), 'utf8')
      const error = jsonError(await world.rca(['skill', 'install', '--json']))
      expect(error).toMatchObject({ exitCode: 5, message: expect.stringContaining(inClaude(world)) })
      expect(readFileSync(inClaude(world), 'utf8')).toBe(before)
      expect(existsSync(join(world.home, '.openclaw/skills'))).toBe(false)
      expect((await installed(world, '--force')).map((one) => one.done)).toEqual(['replaced', 'installed'])
      expect(readFileSync(inClaude(world), 'utf8').startsWith(TEXT)).toBe(true)
    },
  )

  test('leaves a link to the skill of this rca alone', async ({ world }) => {
    mkdirSync(join(world.project, 'skills'))
    symlinkSync(dirname(SOURCE), join(world.project, 'skills/resilient-coding-agent'))
    expect(await installed(world, 'skills', '--force')).toMatchObject([{ done: 'unchanged' }])
    expect(readFileSync(SOURCE, 'utf8')).toBe(TEXT)
  })

  test('does not write through a link to elsewhere', async ({ world }) => {
    const path = join(world.project, 'skills/resilient-coding-agent/SKILL.md')
    const elsewhere = join(world.project, 'elsewhere')
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(elsewhere, 'mine')
    symlinkSync(elsewhere, path)
    expect(await world.rca(['skill', 'install', 'skills'])).toMatchObject({ code: 5 })
    expect(await installed(world, 'skills', '--force')).toEqual([{ path, done: 'replaced' }])
    expect(readFileSync(elsewhere, 'utf8')).toBe('mine')
  })

  test.for(['notes', 'notes/skills', 'gone'])(
    'into %s, which can be no folder, was called a bug of rca (bug)',
    async (folder, { world }) => {
      writeFileSync(join(world.project, 'notes'), 'mine')
      symlinkSync('nowhere', join(world.project, 'gone'))
      const error = jsonError(await world.rca(['skill', 'install', folder, '--json']))
      expect(error).toMatchObject({
        exitCode: 5,
        message: expect.stringMatching(/(notes|gone) is no folder/),
      })
      expect(readFileSync(join(world.project, 'notes'), 'utf8')).toBe('mine')
    },
  )

  test('show and path, and what they do not take', async ({ world }) => {
    expect((await world.rca(['skill', 'show'])).stdout).toBe(TEXT)
    expect(realpathSync((await world.rca(['skill', 'path'])).stdout.trim())).toBe(SOURCE)
    expect(await world.rca(['skill', 'show', 'x'])).toMatchObject({ code: 2 })
    expect(await world.rca(['skill', 'shw'])).toMatchObject({ code: 2 })
  })
})
