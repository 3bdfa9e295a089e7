import { unsure } from './not-certain.ts'

/**
 * The part of the shell's language that means the same in every shell and on every machine: words, quotes, `&&`, `;`, `&`, `|`
 * and redirections (POSIX XCU 2.2, 2.3, 2.9, 2.10). Whatever would have to be looked up or run to be known (expansions,
 * substitutions, globs, here-documents, compound commands) is not guessed at: it is thrown as NotCertain.
 */

export interface Word {
  readonly text: string
  /** How many characters at its start stand there without any quoting: an assignment's name must. */
  readonly bare: number
}

export interface Redirect {
  readonly fd: number | null
  readonly operator: '<' | '>' | '>>' | '>&'
  readonly target: string
}

export interface SimpleCommand {
  readonly words: readonly Word[]
  readonly redirects: readonly Redirect[]
}

export interface Step {
  /** One command, or several with their outputs and inputs joined by `|`. */
  readonly pipeline: readonly SimpleCommand[]
  /** What stands behind it; null: nothing. */
  readonly behind: '&&' | ';' | '&' | null
}

type Token =
  | { readonly kind: 'word'; readonly word: Word }
  | { readonly kind: 'operator'; readonly text: string }

/** Reads a command line as `sh -c` would. `home` is what `~` stands for. Throws NotCertain. Pure. */
export function parseShell(text: string, home: string | null): Step[] {
  const steps: Step[] = []
  let pipeline: SimpleCommand[] = []
  let tokens: Token[] = []
  const endCommand = (behind: string) => {
    if (tokens.length === 0) unsure(`there is no command in front of ${JSON.stringify(behind)}`)
    pipeline.push(simpleCommand(tokens))
    tokens = []
  }
  for (const token of tokenize(text, home)) {
    const operator = token.kind === 'operator' ? token.text : ''
    if (operator === '|') endCommand(operator)
    else if (operator === '&&' || operator === ';' || operator === '&') {
      endCommand(operator)
      steps.push({ pipeline, behind: operator })
      pipeline = []
    } else tokens.push(token)
  }
  const incomplete = pipeline.length > 0 || steps.at(-1)?.behind === '&&'
  if (tokens.length > 0 || incomplete) {
    endCommand('the end')
    steps.push({ pipeline, behind: null })
  }
  return steps
}

function simpleCommand(tokens: readonly Token[]): SimpleCommand {
  const words: Word[] = []
  const redirects: Redirect[] = []
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]
    if (token?.kind === 'word') {
      words.push(token.word)
      continue
    }
    const [, fd = '', operator = ''] = /^(\d*)(.+)$/.exec(token?.text ?? '') ?? []
    const target = tokens[++at]
    if (target?.kind !== 'word') unsure(`${operator} has no target`)
    else
      redirects.push({
        fd: fd === '' ? null : Number(fd),
        operator: asRedirection(operator),
        target: target.word.text,
      })
  }
  return { words, redirects }
}

function asRedirection(operator: string): Redirect['operator'] {
  if (operator === '<' || operator === '>' || operator === '>>' || operator === '>&') return operator
  return unsure(`${operator} is not followed`)
}

/** Operators that are understood; the longest match counts, and what the others begin with is refused. */
const OPERATORS = /^(?:&&|\|\||;;|&>>|&>|\|&|<<-|<<<|<<|<>|<&|<\(|>>|>&|>\||>\(|[;&|<>])/
const REFUSED: Readonly<Record<string, string>> = {
  '||': 'what comes behind || is wanted only where the command fails',
  ';;': 'it is no plain command',
  '&>': 'its output is redirected',
  '&>>': 'its output is redirected',
  '|&': 'its output goes into another program',
  '<<': 'it holds a here-document',
  '<<-': 'it holds a here-document',
  '<<<': 'it holds a here-string',
  '<>': 'it opens a file to read and write',
  '<&': 'its input is another file descriptor',
  '<(': 'it holds a process substitution',
  '>(': 'it holds a process substitution',
  '>|': 'its output is redirected',
}

/** Characters that a shell would do something with, and what. */
const SPECIAL: Readonly<Record<string, string>> = {
  $: 'the shell would expand a $ in it',
  '`': 'the shell would run a command in it (`)',
  ...{ '*': 'the shell would look for files (*)', '?': 'the shell would look for files (?)' },
  ...{ '[': 'the shell would look for files ([)', ']': 'the shell would look for files (])' },
  ...{ '{': 'the shell would expand the braces', '}': 'the shell would expand the braces' },
  ...{ '(': 'it holds a subshell', ')': 'it holds a subshell' },
  ...{ '#': 'it may hold a comment (#)', '^': 'shells differ about ^' },
  '~': 'the shell would expand a ~ in it',
}

function tokenize(text: string, home: string | null): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const rest = text.slice(at)
    const blank = /^(?:[ \t]|\\\n)+/.exec(rest)?.[0]
    if (blank) {
      at += blank.length
      continue
    }
    const redirection = /^\d+(?=[<>])/.exec(rest)?.[0] ?? ''
    const operator = OPERATORS.exec(rest.slice(redirection.length))?.[0]
    if (rest.startsWith('\n')) {
      if (continues(tokens.at(-1))) tokens.push({ kind: 'operator', text: ';' })
      at += 1
    } else if (operator) {
      const refused = REFUSED[operator]
      if (refused) unsure(refused)
      tokens.push({ kind: 'operator', text: redirection + operator })
      at += redirection.length + operator.length
    } else {
      const { word, length } = readWord(rest, home)
      tokens.push({ kind: 'word', word })
      at += length
    }
  }
  return tokens
}

/** Whether a line break ends a command here: not behind an operator, and not before there is one. */
const continues = (last: Token | undefined) => last?.kind === 'word'

interface WordReader {
  text: string
  /** Set as soon as anything was quoted or expanded: the length of the text before it. */
  bare: number | null
  at: number
}

function readWord(rest: string, home: string | null): { word: Word; length: number } {
  const reader: WordReader = { text: '', bare: null, at: 0 }
  if (rest.startsWith('~')) readTilde(rest, home, reader)
  while (reader.at < rest.length && !/[ \t\n;&|<>]/.test(rest.charAt(reader.at))) readPiece(rest, reader)
  const { text, bare, at } = reader
  if (text === '!' && bare === null) unsure('! turns the exit code around')
  return { word: { text, bare: bare ?? text.length }, length: at }
}

/** `~` and `~/…`; with a name or a quote behind it, it would have to be looked up. */
function readTilde(rest: string, home: string | null, reader: WordReader): void {
  if (!/^~(?:$|[/ \t\n;&|<>])/.test(rest) || !home) unsure('the shell would expand a ~ in it')
  reader.text = home ?? ''
  reader.bare = 0
  reader.at = 1
}

function readPiece(rest: string, reader: WordReader): void {
  const char = rest.charAt(reader.at)
  if (char === "'") readSingle(rest, reader)
  else if (char === '"') readDouble(rest, reader)
  else if (char === '\\') readEscaped(rest, reader)
  else {
    const special = SPECIAL[char]
    if (special) unsure(special)
    if (char === '=' && reader.text === '') unsure('shells differ about a word that begins with =')
    reader.text += char
    reader.at += 1
  }
}

function readEscaped(rest: string, reader: WordReader): void {
  if (reader.at + 1 >= rest.length) unsure('it ends with a backslash')
  const next = rest.charAt(reader.at + 1)
  if (next !== '\n') quoted(reader, next)
  reader.at += 2
}

function quoted(reader: WordReader, text: string): void {
  reader.bare ??= reader.text.length
  reader.text += text
}

function readSingle(rest: string, reader: WordReader): void {
  const end = rest.indexOf("'", reader.at + 1)
  if (end < 0) unsure('a quote is not closed')
  quoted(reader, rest.slice(reader.at + 1, end))
  reader.at = end + 1
}

/** Between double quotes a backslash takes away the meaning of $ ` " \ and of a line break, and else stands for itself. */
function readDouble(rest: string, reader: WordReader): void {
  const inside = /(?:[^"\\]|\\[\s\S])*/y
  inside.lastIndex = reader.at + 1
  const raw = inside.exec(rest)?.[0] ?? ''
  const end = inside.lastIndex
  if (rest.charAt(end) !== '"') unsure('a quote is not closed')
  const special = /[$`]/.exec(raw.replace(/\\[\s\S]/g, ''))?.[0]
  if (special) unsure(SPECIAL[special] ?? '')
  const text = raw.replace(/\\([$`"\\\n])/g, (_, next: string) => (next === '\n' ? '' : next))
  quoted(reader, text)
  reader.at = end + 1
}
