import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AGENTS } from '../agents/driver.ts'
import { isDirectory, realPath } from './facts.ts'
import { type AgentCommand, recognise } from './recognise.ts'

/** What a command did that a shell was given: its agent's arguments, folder, variable A and standard input. */
interface Ran {
  readonly args: readonly string[]
  readonly cwd: string
  readonly a: string
}

const root = realpathSync(mkdtempSync(join(tmpdir(), 'rca-recognise-')))
const seen = join(root, 'seen')
const work = join(root, 'work')

beforeAll(() => {
  for (const folder of ['bin', 'work', 'work/sub', 'home']) mkdirSync(join(root, folder))
  for (const name of AGENTS) {
    const path = join(root, 'bin', name)
    writeFileSync(
      path,
      `#!/bin/sh\n{ printf '%s\\0' "$@"; pwd; echo "\${A-unset}"; } > '${seen}.new'; mv '${seen}.new' '${seen}'\n`,
    )
    chmodSync(path, 0o755)
  }
  // What /etc/profile makes of PATH is not known.
  writeFileSync(join(root, 'home/.profile'), `PATH='${env.PATH}'\n`)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const env = { HOME: join(root, 'home'), PATH: `${join(root, 'bin')}:/usr/bin:/bin`, LANG: 'C.UTF-8' }

/** Runs the command as it is, with agents that only write down how they were run. */
function really(argv: readonly string[]): Ran {
  rmSync(seen, { force: true })
  const [file = '', ...args] = argv
  spawnSync(file, args, { cwd: work, env, stdio: 'ignore', timeout: 10_000 })
  for (let tries = 0; !existsSync(seen) && tries < 500; tries++)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
  const parts = readFileSync(seen, 'utf8').split('\0')
  const [cwd = '', a = ''] = parts.at(-1)?.split('\n') ?? []
  return { args: parts.slice(0, -1), cwd, a }
}

const PROMPTS = [
  "'fix it'",
  '"fix it"',
  'fix\\ it',
  "'a $b'",
  "'-x'",
  '-',
  "''",
  'word',
  "'é…'",
  "'it'\\''s'",
  '"a \\"b\\" c"',
]
const OPTIONS = [
  ...[
    '--json',
    '-m gpt',
    '--model=o3',
    '-s read-only',
    '--yolo',
    '-C sub',
    '-i a.png',
    '--',
    '--wibble',
    '-o x',
  ],
  ...[
    '-p',
    '--print',
    '--output-format json',
    '--allowedTools Bash',
    '--permission-mode plan',
    '-d',
    '-c',
    '--verbose',
  ],
  ...['--auto', '--format json', '--dir sub', '-f a', '--mode json', '--tools read', '--help', '-n'],
]
const CORES = [
  'codex exec',
  'codex e',
  'codex',
  'codex --yolo exec',
  'claude',
  'claude -p',
  'opencode run',
  'pi',
  'pi -p',
  'true',
]
const IN_FRONT = [
  ...[
    '',
    '',
    '',
    'cd sub &&',
    'cd sub;',
    'A=b',
    'env A=c',
    "export A='d e';",
    'exec',
    'nice',
    'nohup',
    'timeout 5',
  ],
  ...[
    'env -u A',
    'set -e;',
    'stdbuf -oL',
    // Not every machine has the program.
    ...(existsSync('/usr/bin/time') ? ['time'] : []),
    'A=1 A=2',
    "'A=3'",
    'command',
    '!',
    'true &&',
    'setsid',
    '\n',
    '\\\n',
  ],
]
const BEHIND = [
  '',
  '',
  '',
  '&',
  ';',
  '> /dev/null',
  '2>&1',
  '</dev/null',
  '> out',
  '| cat',
  '&& true',
  '|| true',
  '\n',
  '# x',
  '>/dev/null 2>&1 &',
]

const script = fc
  .tuple(
    fc.array(fc.constantFrom(...IN_FRONT), { maxLength: 3 }),
    fc.constantFrom(...CORES),
    fc.shuffledSubarray(OPTIONS, { maxLength: 3 }),
    fc.array(fc.constantFrom(...PROMPTS), { maxLength: 2 }),
    fc.shuffledSubarray(OPTIONS, { maxLength: 1 }),
    fc.constantFrom(...BEHIND),
  )
  .map(([front, core, options, prompts, more, behind]) =>
    [...front, core, ...options, ...prompts, ...more, behind].join(' '),
  )
const shell = fc.constantFrom(
  ['sh', '-c'],
  ['bash', '-c'],
  ['bash', '-lc'],
  ['timeout', '9', 'sh', '-c'],
  ['env', 'A=x', 'dash', '-c'],
)

/** Words of a command that rca leaves out, since it says the same in its own way. */
const LEFT_OUT = /^(exec|e|run|--json|--|-|-C|-p|--print|--output-format|--format|--mode|--dir|json|sub)$/

/** In order, each once: what is handed on, and beside it the prompt and what is left out. */
function compare(found: AgentCommand, ran: Ran): void {
  const command = found.command ?? []
  const rest = [...ran.args]
  let from = 0
  // Behind a login shell its name stands in the script, which the folder follows.
  const inScript = command.indexOf(`cd "$0" && ${found.agent} "$@"`)
  const before = inScript < 0 ? command.lastIndexOf(found.agent) + 1 : inScript + 2
  for (const word of [...command.slice(before), ...found.agentArgs]) {
    const at = rest.indexOf(word, from)
    expect(at, `${word} in ${JSON.stringify(ran.args)}`).toBeGreaterThanOrEqual(0)
    rest.splice(at, 1)
    from = at
  }
  const own = rest.filter((word) => !LEFT_OUT.test(word))
  // opencode makes one prompt of several words, with quotes.
  const bare = (text: string) => text.replaceAll(/["\\]/g, '')
  const inPrompt = (word: string) =>
    found.agent === 'opencode' ? bare(found.prompt ?? '').includes(bare(word)) : word === found.prompt
  expect(own.filter((word) => !inPrompt(word))).toEqual([])
  const options = ran.args.slice(0, ran.args.includes('--') ? ran.args.indexOf('--') : undefined)
  const elsewhere = options.includes('-C') || options.includes('--dir')
  expect(found.cwd).toBe(elsewhere ? join(ran.cwd, 'sub') : ran.cwd)
  const set = found.env.find((one) => one.startsWith('A='))?.slice(2)
  expect(set ?? 'unset').toBe(ran.a)
}

describe('what a task is made of stands in the command', () => {
  it('as a real shell would have run it', () => {
    let tasks = 0
    fc.assert(
      fc.property(shell, script, (start, text) => {
        const argv = [...start, text]
        const found = recognise(argv, { cwd: work, env, input: 'nowhere', isDirectory, realPath })
        if (found.kind !== 'task') return
        tasks += 1
        compare(found, really(argv))
      }),
      { numRuns: 4_000 },
    )
    expect(tasks).toBeGreaterThan(50)
  }, 120_000)

  it('whatever the words are', () => {
    const word = fc.oneof(
      fc
        .constantFrom(
          ...CORES,
          ...OPTIONS,
          ...IN_FRONT,
          ...BEHIND,
          'npx',
          '-y',
          '@openai/codex',
          'bash',
          '-lc',
          'sh',
          '-c',
        )
        .map((text) => text.split(' ')),
      fc.string().map((text) => [text]),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (parts) => {
        const argv = parts.flat()
        const found = recognise(argv, { cwd: work, env, input: 'own', isDirectory, realPath })
        if (found.kind !== 'task') return
        // A path of a program is made absolute; the shell's script and folder are rca's own.
        const known = new Set([...argv, ...argv.join(' ').split(/\s+/), found.cwd])
        for (const word of [...(found.command ?? []), ...found.agentArgs]) {
          const [, one = word] = /^cd "\$0" && (?:([\w-]+) )?"\$@"$/.exec(word) ?? []
          if (one === 'exec' || one === 'cd "$0" && "$@"') continue
          expect(known.has(one) || AGENTS.some((agent) => one.endsWith(`/${agent}`)), one).toBe(true)
        }
      }),
      { numRuns: 20_000 },
    )
  })
})
