import type { Argument, Command, Option } from 'commander'
import { AGENTS } from '../agents/driver.ts'
import { STATES } from '../task/state.ts'

/** One thing that may stand where the cursor is; `about`: for shells that show it, or empty. */
interface Candidate {
  readonly value: string
  readonly about: string
}

/** What may stand there; `paths`: the shell is to complete names of files or of folders as well. */
export interface Candidates {
  readonly list: readonly Candidate[]
  readonly paths: 'files' | 'folders' | null
}

/** What only a look at this machine tells. */
export interface Sources {
  /** The session names of tasks; `live`: without those that are known to be over. */
  readonly tasks: (live: boolean) => readonly string[]
  /** Channels that can be named as they are. */
  readonly channels: () => readonly string[]
}

/** Where the words before the cursor lead. */
interface Place {
  readonly command: Command
  /** The option whose value comes next. */
  readonly pending: Option | null
  readonly positionals: readonly string[]
  readonly given: ReadonlySet<Option>
  /** Behind `--`, or behind a verb that does not exist. */
  readonly beyond: 'rest' | 'nowhere' | null
}

const NOTHING: Candidates = { list: [], paths: null }
/** Of these verbs only tasks that are not over are of interest. */
const OF_THE_LIVING: readonly string[] = ['attach', 'kill']

/**
 * What may stand where the cursor is: `words` come before it (without the program's own name), `current` is the part of a
 * word to its left. All of it comes from the commander tree; what a value is, from the name of its placeholder. Pure.
 */
export function candidatesFor(
  program: Command,
  words: readonly string[],
  current: string,
  sources: Sources,
): Candidates {
  const place = walk(program, words)
  const { command, pending, positionals } = place
  if (place.beyond === 'nowhere') return NOTHING
  // The agent's own arguments.
  if (place.beyond === 'rest') return { list: [], paths: 'files' }
  const lookUp = { program, command, sources, positionals, current }
  if (pending) return beginning(values(pending, lookUp), current)
  const [, name, value] = /^(--[^=]+)=(.*)$/.exec(current) ?? []
  if (name !== undefined && value !== undefined) return ofAssignment(place, name, value, lookUp)
  if (current.startsWith('-')) return beginning(plain(optionsOf(place)), current)
  const verbs = plain(subcommands(command))
  if (verbs.list.length > 0) return beginning(verbs, current)
  const argument = argumentAt(command, positionals.length)
  const found = argument ? beginning(values(argument, lookUp), current) : NOTHING
  const isEmpty = found.list.length === 0 && found.paths === null
  return isEmpty && current === '' ? plain(optionsOf(place)) : found
}

function walk(command: Command, words: readonly string[]): Place {
  const start = { command, pending: null, positionals: [], given: new Set<Option>(), beyond: null }
  return words.reduce<Place>(step, start)
}

function step(place: Place, word: string): Place {
  const { command, pending, positionals, given, beyond } = place
  if (beyond) return place
  if (pending) return { ...place, pending: null }
  if (word === '--') return { ...place, beyond: 'rest' }
  if (/^-./.test(word)) {
    const option = optionNamed(command, word)
    if (!option) return place
    return { ...place, given: new Set([...given, option]), pending: takesNext(option, word) ? option : null }
  }
  if (visible(command).length === 0) return { ...place, positionals: [...positionals, word] }
  const next = visible(command).find((one) => one.name() === word || one.aliases().includes(word))
  return next ? { ...place, command: next } : { ...place, beyond: 'nowhere' }
}

const visible = (command: Command): Command[] => command.createHelp().visibleCommands(command)

const subcommands = (command: Command): Candidate[] =>
  visible(command).map((one) => ({ value: one.name(), about: one.description() }))

/** All options that may be given here, the global ones too. */
function known(command: Command): Option[] {
  const help = command.createHelp()
  return [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)]
}

function optionNamed(command: Command, word: string): Option | undefined {
  const name = word.startsWith('--') ? word.split('=')[0] : word.slice(0, 2)
  return known(command).find((one) => one.long === name || one.short === name)
}

/** Whether its value is the next word, and not a part of this one. */
function takesNext(option: Option, word: string): boolean {
  if (!option.required) return false
  return word.startsWith('--') ? !word.includes('=') : word.length === 2
}

/** Those that were not given yet, or may be given again. */
function optionsOf({ command, given }: Place): Candidate[] {
  const isRepeatable = (option: Option) => option.parseArg !== undefined && option.argChoices === undefined
  return known(command)
    .filter((option) => !given.has(option) || isRepeatable(option))
    .map((option) => ({ value: option.long ?? option.short ?? '', about: option.description }))
}

function argumentAt(command: Command, index: number): Argument | undefined {
  const all = command.registeredArguments
  const last = all.at(-1)
  return all[index] ?? (last?.variadic ? last : undefined)
}

function ofAssignment(place: Place, name: string, value: string, lookUp: LookUp): Candidates {
  const option = optionNamed(place.command, name)
  if (!option?.required) return NOTHING
  const { list, paths } = beginning(values(option, { ...lookUp, current: value }), value)
  return { list: list.map((one) => ({ ...one, value: `${name}=${one.value}` })), paths }
}

interface LookUp {
  readonly program: Command
  readonly command: Command
  readonly sources: Sources
  readonly positionals: readonly string[]
  readonly current: string
}

/** What the value of an option or an argument may be. */
function values(one: Option | Argument, lookUp: LookUp): Candidates {
  if (one.argChoices) return words(one.argChoices)
  switch (placeholder(one)) {
    case 'agent':
      return words(AGENTS)
    case 'state':
      return words([...STATES, 'foreign'])
    case 'task':
      return words(tasks(lookUp))
    case 'channel':
      return words(lookUp.sources.channels())
    case 'command':
      return plain(subcommands(lookUp.program))
    case 'dir':
      return { list: [], paths: 'folders' }
    case 'file':
      return { list: [], paths: 'files' }
    default:
      return NOTHING
  }
}

/** `<dir>` of `-C, --cwd <dir>`: dir. */
function placeholder(one: Option | Argument): string {
  return 'flags' in one ? (/[<[]([\w-]+)/.exec(one.flags)?.[1] ?? '') : one.name()
}

/**
 * Session names, those given already left out. Where none begins so: the task names, of which one session alone has each.
 */
function tasks({ command, sources, positionals, current }: LookUp): string[] {
  const sessions = [...new Set(sources.tasks(OF_THE_LIVING.includes(command.name())))]
  const left = sessions.filter((one) => !positionals.includes(one)).sort()
  if (left.some((one) => one.startsWith(current))) return left
  const names = left.map((one) => one.slice(one.indexOf('-') + 1))
  return names.filter((one) => names.indexOf(one) === names.lastIndexOf(one) && !positionals.includes(one))
}

const words = (list: readonly string[]): Candidates => plain(list.map((value) => ({ value, about: '' })))
const plain = (list: readonly Candidate[]): Candidates => ({ list, paths: null })

const beginning = ({ list, paths }: Candidates, current: string): Candidates => ({
  list: list.filter((one) => one.value.startsWith(current)),
  paths,
})
