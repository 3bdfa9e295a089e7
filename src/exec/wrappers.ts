import { isAbsolute } from 'node:path'
import { isNeverHandedOn } from '../task/environment.ts'
import { type Facts, type Found, placeOf, variableIn } from './found.ts'
import { unsure } from './not-certain.ts'

/**
 * Programs that run another one (GNU coreutils 9.1, util-linux 2.38). Those that change how it runs stay in front of it, word
 * for word; those that only detach it are left out, since rca does that.
 */

/** Takes its own words off and gives the rest. Throws NotCertain. */
type Wrapper = (words: readonly string[], found: Found, facts: Facts) => readonly string[]

/** Where a program of the system lies; elsewhere one of the same name may be anything. */
const SYSTEM = ['/bin/', '/usr/bin/', '/usr/local/bin/', '/opt/homebrew/bin/']

/** `env` for `/usr/bin/env`, and the word as it is for a path of somebody's own. */
export function programName(word: string): string {
  const folder = SYSTEM.find((one) => word.startsWith(one) && !word.slice(one.length).includes('/'))
  return folder ? word.slice(folder.length) : word
}

export function changeFolder(path: string, found: Found, facts: Facts): void {
  const inCdPath = !isAbsolute(path) && !/^\.\.?(\/|$)/.test(path) && variableIn('CDPATH', found, facts)
  const byAnotherName = path.split('/').includes('..') && isKnownByLink(facts)
  if (path === '' || path.startsWith('-') || inCdPath || byAnotherName)
    unsure(`it is not clear where cd ${path} leads`)
  const folder = placeOf(path, found, facts)
  if (!facts.isDirectory(folder)) unsure(`there is no folder ${folder}`)
  found.cwd = folder
}

/** A shell goes up from the folder's name in PWD, where that is one (POSIX, cd). */
function isKnownByLink({ cwd, env: { PWD }, realPath }: Facts): boolean {
  return PWD !== undefined && PWD !== cwd && realPath(PWD) === realPath(cwd)
}

export function setVariable(assignment: string, found: Found): void {
  const name = assignment.slice(0, assignment.indexOf('='))
  if (found.afterProfile) {
    unsure(`${name} is set behind the shell's profile: put it in front of the shell`)
  }
  if (isNeverHandedOn(name)) unsure(`rca hands ${name} on to no agent`)
  found.env = [...found.env.filter((one) => !one.startsWith(`${name}=`)), assignment]
  found.withoutEnv = found.withoutEnv.filter((one) => one !== name)
}

function unsetVariable(name: string, found: Found): void {
  if (!/^[A-Za-z_]\w*$/.test(name)) unsure(`env -u ${name} is not followed`)
  if (name === 'PATH' || name === 'HOME') unsure(`without ${name} the agent would be looked for elsewhere`)
  if (found.afterProfile) unsure(`${name} is unset behind the shell's profile: do it in front of the shell`)
  found.env = found.env.filter((one) => !one.startsWith(`${name}=`))
  found.withoutEnv.push(name)
}

export const ASSIGNMENT = /^[A-Za-z_]\w*=/

const env: Wrapper = (words, found, facts) => {
  let at = 1
  while (words[at]?.startsWith('-') && words[at] !== '--') at += envOption(words, at, found, facts)
  if (words[at] === '--') at += 1
  for (; ASSIGNMENT.test(words[at] ?? ''); at += 1) setVariable(words[at] ?? '', found)
  return words.slice(at)
}

/** How many words the option takes. */
function envOption(words: readonly string[], at: number, found: Found, facts: Facts): number {
  const word = words[at] ?? ''
  const [, joined] = /^(?:-u|--unset=)([\s\S]+)$/.exec(word) ?? []
  if (joined !== undefined) unsetVariable(joined, found)
  else if (word === '-u' || word === '--unset') unsetVariable(words[at + 1] ?? '', found)
  else if (word === '-C' || word === '--chdir') changeFolder(words[at + 1] ?? '', found, facts)
  else unsure(`env ${word} is not followed`)
  return joined === undefined ? 2 : 1
}

/** A wrapper that stays: `options` says how many words each takes, `operands` how many words come behind them. */
function keeps(options: Readonly<Record<string, number>>, joined: RegExp, operands: number): Wrapper {
  return (words, found) => {
    let at = 1
    for (; words[at]?.startsWith('-'); ) {
      const word = words[at] ?? ''
      const count = Object.hasOwn(options, word) ? options[word] : joined.test(word) ? 1 : undefined
      if (count === undefined) return unsure(`${words[0]} ${word} is not followed`)
      at += count
    }
    at += operands
    found.kept.push(...words.slice(0, at))
    return words.slice(at)
  }
}

const runsInTime = keeps(
  {
    '-k': 2,
    '--kill-after': 2,
    '-s': 2,
    '--signal': 2,
    '-v': 1,
    '--verbose': 1,
    '--foreground': 1,
    '--preserve-status': 1,
  },
  /^--(kill-after|signal)=./,
  1,
)

/** It ends each attempt as it would have ended the command, and rca makes none after that time: together they end it. */
const timeout: Wrapper = (words, found, facts) => {
  const rest = runsInTime(words, found, facts)
  const ms = timeoutMs(found.kept.at(-1) ?? '')
  if (ms > 0) {
    found.deadlineMs = Math.min(ms, found.deadlineMs ?? ms)
    found.notes.push(`timeout ends each attempt as in the command, and no attempt begins after that time`)
  }
  return rest
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1_000,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

function timeoutMs(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text) ?? []
  if (number === '') unsure(`timeout ${text} is not followed`)
  return Math.round(Number(number) * (UNITS[unit] ?? 1_000))
}

/** Stands in `Found.kept` for the folder that is not known yet. */
export const FOLDER = '\0folder'

/**
 * What a shell that runs a profile first is told in place of its script. The agent's words come to it as they are, and the
 * profile's variables, functions and aliases hold for them, as in the command; the last two only where the shell itself would
 * have looked for them.
 */
export const RUN = 'cd "$0" && "$@"'
const RUN_PROGRAM = 'cd "$0" && exec "$@"'
/** Stands for a script in which the next word kept is written out: an alias is looked for where a word has no quotes. */
const RUN_WORD = '\0word'

const isFirst = ({ kept }: Found) => kept.at(-1) === FOLDER

/** What was left out would have called what comes next: a program, and never a function of the shell in front of it. */
export function callsProgram(found: Found): void {
  if (isFirst(found)) found.kept.splice(-2, 1, RUN_PROGRAM)
}

/** What comes next stands there without quotes. */
export function mayBeAlias(found: Found): void {
  if (isFirst(found) && found.kept.at(-2) === RUN) found.kept.splice(-2, 1, RUN_WORD)
}

/** What is run, now that it is known where. */
export function commandOf({ kept, cwd }: Found): string[] {
  const words = kept.map((word) => (word === FOLDER ? cwd : word))
  for (let at = words.indexOf(RUN_WORD); at >= 0; at = words.indexOf(RUN_WORD)) {
    const word = words[at + 2] ?? ''
    const isName = /^[A-Za-z][\w-]*$/.test(word)
    if (isName) words.splice(at, 3, `cd "$0" && ${word} "$@"`, words[at + 1] ?? '')
    else words[at] = RUN
  }
  return words
}

/** A wrapper that is left out, with these options at most. */
function drops(options: readonly string[], note: string | null): Wrapper {
  return (words, found) => {
    const rest = words.slice(1)
    while (options.includes(rest[0] ?? '')) rest.shift()
    if (rest[0]?.startsWith('-')) unsure(`${words[0]} ${rest[0]} is not followed`)
    if (note) found.notes.push(note)
    callsProgram(found)
    return rest
  }
}

const detaches = (name: string) => `${name} is left out: rca detaches the agent itself`

const nohup: Wrapper = (words, found, facts) => {
  if (found.input.from === 'terminal') found.input = { from: 'nowhere' }
  return drops(['--'], detaches('nohup'))(words, found, facts)
}

/** Builtins: outside of a shell there is no such program. */
const builtin =
  (next: Found['inShell']): Wrapper =>
  (words, found, facts) => {
    if (found.inShell === 'no') unsure(`${words[0]} is known to a shell only`)
    found.inShell = next
    return drops([], null)(words, found, facts)
  }

function timeOfShell(words: readonly string[], found: Found): readonly string[] {
  const rest = words.slice(words[1] === '-p' ? 2 : 1)
  if (rest[0]?.startsWith('-')) unsure(`time ${rest[0]} is not followed`)
  found.notes.push('time is left out: rca status shows how long it took')
  return rest
}

/** bash and zsh know the word themselves; else it is a program, which may or may not be there. */
const time: Wrapper = (words, found, facts) =>
  found.inShell === 'keywords'
    ? timeOfShell(words, found)
    : outside(keeps({ '-p': 1 }, /^(?!)/, 0))(words, found, facts)

/** What a program runs is no builtin. */
const outside =
  (wrapper: Wrapper): Wrapper =>
  (words, found, facts) => {
    found.inShell = 'no'
    return wrapper(words, found, facts)
  }

export const WRAPPERS: Readonly<Record<string, Wrapper>> = {
  env: outside(env),
  timeout: outside(timeout),
  nohup: outside(nohup),
  setsid: outside(drops(['-f', '--fork', '-w', '--wait'], detaches('setsid'))),
  nice: outside(keeps({ '-n': 2, '--adjustment': 2 }, /^(-n?-?\d+|--adjustment=.+)$/, 0)),
  ionice: outside(keeps({ '-c': 2, '-n': 2, '-t': 1 }, /^-[cn]\d$/, 0)),
  stdbuf: outside(keeps({ '-i': 2, '-o': 2, '-e': 2 }, /^(-[ioe]|--(input|output|error)=)./, 0)),
  time,
  exec: builtin('no'),
  command: builtin('builtins'),
}
