import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { jsonError, RCA, test, until } from './harness.ts'

const CHECKOUT = join(import.meta.dirname, '../..')
const PAGE = join(CHECKOUT, 'dist/rca.1')

describe.concurrent('a slip of the finger', () => {
  test.for([
    ['fxi', 'Did you mean codex-fix?'],
    ['codex-fxi', 'Did you mean codex-fix?'],
    ['claude-fix', 'Did you mean codex-fix?'],
    ['codex-dcos', 'Did you mean codex-docs?'],
    ['nothing-like-it', 'See: rca list --all'],
  ])('in the name of a task: %s', async ([name, hint], { world }) => {
    await world.begin('done', 'fix')
    await world.begin('done', 'docs')
    expect(jsonError(await world.rca(['status', name ?? '', '--json']))).toMatchObject({ exitCode: 3, hint })
  })
})

describe.concurrent('the manual page', () => {
  test('is what the built rca prints', async ({ world }) => {
    const { code, stdout } = await world.rca(['man'])
    expect(code).toBe(0)
    expect(stdout).toBe(readFileSync(PAGE, 'utf8'))
  })

  test('is shown in a terminal', async ({ world, skip }) => {
    if (!existsSync('/usr/bin/man')) skip('no man here')
    world.session('reader', 'env', 'PAGER=less', process.execPath, RCA, 'man')
    await until(() => world.pane('=reader:').includes('RCA(1)'), 'the page')
    world.tmux('send-keys', '-t', '=reader:', 'q')
  })

  // A string would be as good to npm's documentation; npm 11 links only what stands in a list.
  it('bug: man did not find it after npm install -g', async () => {
    const root = mkdtempSync(join(tmpdir(), 'rca-man-'))
    const quietly = ['--ignore-scripts', '--offline', '--no-audit', '--no-fund']
    const link = spawnSync('npm', ['install', '-g', '--prefix', root, ...quietly, CHECKOUT], {
      cwd: root,
      encoding: 'utf8',
    })
    const page = join(root, 'share/man/man1/rca.1')
    const found = existsSync(page) && readFileSync(page, 'utf8')
    rmSync(root, { recursive: true, force: true })
    expect(found, link.stderr).toBe(readFileSync(PAGE, 'utf8'))
  })
})
