import { type Facts, type Found, placeOf, variableIn } from './found.ts'
import { unsure } from './not-certain.ts'
import { parseShell, type Redirect, type SimpleCommand, type Step, type Word } from './shell.ts'
import { ASSIGNMENT, callsProgram, changeFolder, FOLDER, mayBeAlias, RUN, setVariable } from './wrappers.ts'

/** `sh -c '…'` with one agent's command in it, perhaps with `cd` and `export` in front of it. */

const SHELLS = ['sh', 'bash', 'dash', 'zsh']

/** Takes a shell and its script off and gives the words of the command in it; null where the program is no shell. */
export function readShell(
  program: string,
  words: readonly string[],
  found: Found,
  facts: Facts,
): readonly string[] | null {
  if (!SHELLS.includes(program)) return null
  const { login, scriptAt } = shellOptions(words)
  const script = words[scriptAt] ?? unsure(`${program} has no command`)
  if (program === 'zsh') keepProfile(found, facts)
  else refuseBashOfItsOwn(found, facts)
  callsProgram(found)
  if (program === 'zsh' || login) {
    found.kept.push(...words.slice(0, scriptAt), RUN, FOLDER)
    found.afterProfile = true
  }
  const inner = wordsOf(script, found, facts)
  if (program === 'sh' || program === 'dash') found.inShell = 'builtins'
  return inner
}

/** Where zsh looks for its profile; an agent alone would not be given it. */
function keepProfile(found: Found, facts: Facts): void {
  const folder = variableIn('ZDOTDIR', found, facts)
  if (folder !== undefined && !found.afterProfile) setVariable(`ZDOTDIR=${folder}`, found)
}

/** What the environment can tell bash to do before the script, or with it. */
function refuseBashOfItsOwn(found: Found, facts: Facts): void {
  const told = ['BASH_ENV', 'SHELLOPTS', 'BASHOPTS'].some((name) => variableIn(name, found, facts))
  if (told || Object.keys(facts.env).some((name) => name.startsWith('BASH_FUNC_')))
    unsure('the environment brings functions, options or a script of its own for bash')
}

/** Others may change what a command means (`noexec`, `physical`). */
const OPTIONS = ['errexit', 'nounset', 'pipefail']

/** `-lc`, `-l -c`, `--login -c`, `-euo pipefail -c`. */
function shellOptions(words: readonly string[]): { login: boolean; scriptAt: number } {
  let letters = ''
  let at = 1
  for (; words[at]?.startsWith('-'); at += 1) {
    const word = words[at] ?? ''
    if (word === '--norc' || word === '--noprofile') continue
    const found = word === '--login' ? 'l' : /^-(?!.*o.*o)([celuo]+)$/.exec(word)?.[1]
    letters += found ?? unsure(`${words[0]} ${word} is not followed`)
    if (!found?.includes('o')) continue
    at += 1
    if (!OPTIONS.includes(words[at] ?? '')) unsure(`${words[0]} -o ${words[at]} is not followed`)
  }
  if (!letters.includes('c')) unsure(`${words[0]} runs a script or wants a person`)
  return { login: letters.includes('l'), scriptAt: at }
}

function wordsOf(script: string, found: Found, facts: Facts): readonly string[] {
  const home = found.env.some((one) => one.startsWith('HOME=')) ? null : facts.env.HOME || null
  const steps = parseShell(script, home)
  const movesHome = steps.some(({ pipeline }) =>
    pipeline[0]?.words.some((word) => word.text.startsWith('HOME=')),
  )
  if (movesHome && script.includes('~')) unsure('it is not clear what ~ stands for')
  for (const step of steps.slice(0, -1)) follow(step, found, facts)
  const last = steps.at(-1) ?? unsure('there is no command in it')
  const [first, ...others] = last.pipeline
  const command = others.length === 0 ? first : feed(last.pipeline, found, facts)
  if (!command) return unsure('there is no command in it')
  if (last.behind === '&') {
    if (found.input.from !== 'file') found.input = { from: 'nowhere' }
    found.notes.push('& is left out: rca puts the agent into the background itself')
  }
  for (const one of command.redirects) redirect(one, found, facts)
  return withoutAssignments(command.words, found)
}

/** A step in front of the agent's: one that sets where or with what it runs. */
function follow({ pipeline, behind }: Step, found: Found, facts: Facts): void {
  const [command, ...others] = pipeline
  const [verb = '', ...rest] = command?.words.map((word) => word.text) ?? []
  const plain = others.length === 0 && command?.redirects.length === 0 && behind !== '&'
  if (plain && verb === 'cd' && rest.length === 1) changeFolder(rest[0] ?? '', found, facts)
  else if (plain && verb === 'export' && rest.length > 0) exportAll(command?.words.slice(1) ?? [], found)
  else if (!plain || verb !== 'set' || !/^-[eu]*(o pipefail)?$/.test(rest.join(' ')))
    unsure('it holds several commands')
}

function exportAll(words: readonly Word[], found: Found): void {
  for (const word of words) {
    if (!isAssignment(word)) unsure(`export ${word.text} is not followed`)
    setVariable(word.text, found)
  }
}

/** `cat FILE | agent` is `agent < FILE`. Any other pipeline has an input or output that somebody must see to. */
function feed(pipeline: readonly SimpleCommand[], found: Found, facts: Facts): SimpleCommand | undefined {
  const [source, command, ...others] = pipeline
  const [program, file = '', ...more] = source?.words.map((word) => word.text) ?? []
  const plain = program === 'cat' && file !== '' && !file.startsWith('-') && more.length === 0
  if (others.length > 0 || !plain || source?.redirects.length !== 0) unsure('it is a pipeline')
  found.input = { from: 'file', path: placeOf(file, found, facts) }
  return command
}

function redirect({ fd, operator, target }: Redirect, found: Found, facts: Facts): void {
  if (operator === '<' && (fd ?? 0) === 0) {
    const path = placeOf(target, found, facts)
    found.input = path === '/dev/null' ? { from: 'nowhere' } : { from: 'file', path }
    return
  }
  const output = fd === null || fd === 1 || fd === 2
  const nobodys = operator === '>&' ? target === '1' || target === '2' : target === '/dev/null'
  if (operator === '<' || !output || !nobodys) unsure(`its output goes to ${target}, where somebody wants it`)
}

/** Only a name that was written without quotes is assigned to. */
const isAssignment = ({ text, bare }: Word) => (ASSIGNMENT.exec(text)?.[0].length ?? bare + 1) <= bare

function withoutAssignments(words: readonly Word[], found: Found): readonly string[] {
  const count = words.findIndex((word) => !isAssignment(word))
  if (count < 0) return unsure('there is no command in it')
  for (const word of words.slice(0, count)) setVariable(word.text, found)
  const first = words[count]
  if (first && first.bare === first.text.length) mayBeAlias(found)
  found.inShell = count > 0 ? 'builtins' : 'keywords'
  return words.slice(count).map((word) => word.text)
}
