import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NotCertain } from './not-certain.ts'
import { parseShell, type Step } from './shell.ts'

const HOME = '/home/some one'

/** The words of each command; null where it is not certain. */
function parsed(text: string): Step[] | null {
  try {
    return parseShell(text, HOME)
  } catch (error) {
    if (error instanceof NotCertain) return null
    throw error
  }
}

const words = (text: string) =>
  parsed(text)?.map(({ pipeline }) => pipeline.map((one) => one.words.map((word) => word.text)))

describe('what is read', () => {
  it.each<[string, string[][][]]>([
    ['a b  c', [[['a', 'b', 'c']]]],
    [`a 'b c' "d e" f\\ g`, [[['a', 'b c', 'd e', 'f g']]]],
    [`a ''"" b`, [[['a', '', 'b']]]],
    [`a "x\\"y\\\\z\\n"`, [[['a', 'x"y\\z\\n']]]],
    [`a 'it'"'"'s'`, [[['a', "it's"]]]],
    ['a \\\n b', [[['a', 'b']]]],
    ['a \\\nb "c\\\nd"', [[['a', 'b', 'cd']]]],
    ['a\nb', [[['a']], [['b']]]],
    ['\n\na && \n b;\n', [[['a']], [['b']]]],
    ['cd x && a b &', [[['cd', 'x']], [['a', 'b']]]],
    ['cat f | a', [[['cat', 'f'], ['a']]]],
    ['a ~ ~/b', [[['a', HOME, `${HOME}/b`]]]],
    ["a 'cost: $5 `x` *'", [[['a', 'cost: $5 `x` *']]]],
    ['a done! x=1', [[['a', 'done!', 'x=1']]]],
  ])('%j', (text, expected) => expect(words(text)).toEqual(expected))

  it('knows redirections and what stands behind a command', () => {
    expect(parsed('a < f 2>&1 >/dev/null 3>> "g h" &')).toEqual([
      {
        pipeline: [
          {
            words: [{ text: 'a', bare: 1 }],
            redirects: [
              { fd: null, operator: '<', target: 'f' },
              { fd: 2, operator: '>&', target: '1' },
              { fd: null, operator: '>', target: '/dev/null' },
              { fd: 3, operator: '>>', target: 'g h' },
            ],
          },
        ],
        behind: '&',
      },
    ])
  })

  it('knows how much of a word is bare', () => {
    const [step] = parsed(`A=b 'A'=b A'='b ~/x`) ?? []
    expect(step?.pipeline[0]?.words.map((one) => one.bare)).toEqual([3, 0, 1, 0])
  })
})

describe('what is not guessed at', () => {
  it.each([
    'a $B',
    'a "$B"',
    'a "$(b)"',
    'a `b`',
    'a *.c',
    'a [b]',
    'a {b,c}',
    '(a)',
    'a || b',
    'a <<EOF\nx\nEOF',
    'a <<< b',
    'a &> b',
    'a |& b',
    'a >| b',
    'a <(b)',
    'a # b',
    'a ~b',
    'a b~',
    'a ~"/b"',
    'a =b',
    "a ''=b",
    '! a',
    "a 'b",
    'a "b',
    'a \\',
    '&& a',
    'a && ; b',
    'a >',
    'a ;; b',
    'a | | b',
    'a |',
    'a !',
    'a &&',
    'a && \n',
  ])('%j', (text) => expect(parsed(text)).toBeNull())
})

/** What a real shell makes of the words. */
function shellWords(shell: string, text: string): string[] {
  const { stdout, status, stderr } = spawnSync(shell, ['-c', `printf '%s\\0' ${text}`], {
    env: { HOME, PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${shell}: ${stderr}`)
  return stdout.split('\0').slice(0, -1)
}

const SHELLS = ['dash', 'bash', 'zsh'].filter((one) => spawnSync(one, ['-c', ':']).status === 0)

describe('agrees with real shells', () => {
  const piece = fc.constantFrom(
    ...['a', 'B', '1', '-', '=', '/', '.', ',', ':', '%', '@', '+', '!', 'é', '\u00a0', '…', '\r'],
    ...[' ', '  ', '\t', '\\\n', "'", '"', '\\', "''", '""', '~', '~/', '$', '`', '*', '#', '&', ';', '\n'],
    ...[
      "'x y'",
      '"x y"',
      "'a\\b'",
      '"a\\b"',
      '"\\$x"',
      '"\\\\"',
      '\\ ',
      "\\'",
      '\\"',
      'A=',
      '--x=',
      '<',
      '>',
      '|',
    ],
  )
  const line = fc.array(piece, { minLength: 1, maxLength: 14 }).map((pieces) => pieces.join(''))

  it.each(SHELLS)('on the words that it accepts: %s', (shell) => {
    let compared = 0
    fc.assert(
      fc.property(line, (text) => {
        const steps = parsed(`x ${text}`)
        const [step] = steps ?? []
        const [command] = step?.pipeline ?? []
        if (steps?.length !== 1 || step?.pipeline.length !== 1 || step.behind !== null) return
        if (!command || command.redirects.length > 0 || command.words.length < 2) return
        compared += 1
        expect(shellWords(shell, text)).toEqual(command.words.slice(1).map((word) => word.text))
      }),
      { numRuns: 1_500 },
    )
    expect(compared).toBeGreaterThan(100)
  })
})
