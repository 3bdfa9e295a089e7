import { unsure } from './not-certain.ts'

/** The options of one agent's CLI, as far as it is known for certain how many words each takes. Names as they are written. */
export interface OptionTable {
  /** They stand alone. */
  readonly flags: readonly string[]
  /** They take the next word, whatever it is. */
  readonly values: readonly string[]
  /** They take every word up to the next option. */
  readonly lists?: readonly string[]
  /** They take the next word where it is no option. */
  readonly maybes?: readonly string[]
  /** Of all these, those that are left out of the task, since rca reads another form of output and keeps it all. */
  readonly dropped?: readonly string[]
  /** Of all these, those whose value is a path that is looked for from the current folder. */
  readonly paths?: readonly string[]
  /** What would be no task, or could not be gone on with, and why. */
  readonly refused: Readonly<Record<string, string>>
  /**
   * How a value may be joined to its option: `--name=value` and `-n=value` with `equals`, also `-nvalue` with `attached`. With
   * `no` a `--` does not end the options either.
   */
  readonly joined: 'no' | 'equals' | 'attached'
  /** Whether `--list=value` is known to take nothing more. */
  readonly joinedLists?: boolean
}

export interface Scanned {
  /** The options that are handed on, with their values, as written. */
  readonly kept: readonly string[]
  /** What is no option, in order. */
  readonly words: readonly string[]
  /** Whether a `--` stood in front of the first word. */
  readonly afterDashes: boolean
  /** The value of an option that takes one; the last counts. */
  readonly valueOf: (...names: string[]) => string | null
  /** The first path that would be looked for from the current folder. */
  readonly relativePath: string | null
}

interface Found {
  readonly name: string
  readonly values: readonly string[]
  /** As they were written. */
  readonly written: readonly string[]
}

/** Splits an agent's arguments as its own parser does. Throws NotCertain at the first word that is not known. Pure. */
export function scanOptions(args: readonly string[], table: OptionTable): Scanned {
  const options: Found[] = []
  const words: string[] = []
  let afterDashes = false
  for (let at = 0; at < args.length; ) {
    const arg = args[at] ?? ''
    if (arg === '--' && table.joined !== 'no') {
      afterDashes = words.length === 0
      words.push(...args.slice(at + 1))
      break
    }
    if (!isOption(arg)) {
      words.push(arg)
      at += 1
      continue
    }
    const option = readOption(args, at, table)
    options.push(option)
    at += option.written.length
  }
  const { dropped = [], paths = [] } = table
  const values = (names: readonly string[]) =>
    options.filter((one) => names.includes(one.name)).flatMap((one) => one.values)
  return {
    kept: options.filter((one) => !dropped.includes(one.name)).flatMap((one) => one.written),
    words,
    afterDashes,
    valueOf: (...names) => values(names).at(-1) ?? null,
    relativePath: values(paths).find((path) => !path.startsWith('/')) ?? null,
  }
}

/** A lone `-` is a word: standard input, for those who know it. */
const isOption = (arg: string) => arg.startsWith('-') && arg !== '-'

function readOption(args: readonly string[], at: number, table: OptionTable): Found {
  const arg = args[at] ?? ''
  const { name, joined } = splitOption(arg, table)
  const refused = Object.hasOwn(table.refused, name) ? table.refused[name] : undefined
  if (refused) unsure(`${name}: ${refused}`)
  const values = joined === null ? valuesBehind(args, at, name, table) : [joined]
  if (joined !== null && table.flags.includes(name)) unsure(`${name} takes no value`)
  return { name, values, written: joined === null ? [arg, ...values] : [arg] }
}

function splitOption(arg: string, table: OptionTable): { name: string; joined: string | null } {
  if (isKnown(arg, table)) return { name: arg, joined: null }
  const [, name = '', joined = ''] = JOINED[table.joined].exec(arg) ?? []
  if (!isKnown(name, table)) unsure(`${arg} is not known`)
  if (table.lists?.includes(name) && !table.joinedLists)
    unsure(`it is not clear where the list in ${arg} ends`)
  return { name, joined }
}

const JOINED = {
  no: /^(?!)/,
  equals: /^(--[^=]+|-[^-=])=([\s\S]*)$/,
  attached: /^(--[^=]+(?==)|-[^-])=?([\s\S]+|(?<==))$/,
} as const

const isKnown = (name: string, table: OptionTable) =>
  [table.values, table.flags, table.lists ?? [], table.maybes ?? []].some((names) => names.includes(name)) ||
  Object.hasOwn(table.refused, name)

function valuesBehind(
  args: readonly string[],
  at: number,
  name: string,
  table: OptionTable,
): readonly string[] {
  if (table.flags.includes(name)) return flagAlone(name, args[at + 1])
  const rest = args.slice(at + 1)
  const end = rest.findIndex((arg) => arg.startsWith('-'))
  const values = end < 0 ? rest : rest.slice(0, end)
  if (rest[end] === '-' && !table.values.includes(name)) unsure(`it is not clear what - behind ${name} is`)
  if (table.lists?.includes(name)) return values.length > 0 ? values : unsure(`${name} has no value`)
  if (table.maybes?.includes(name)) return values.slice(0, 1)
  // Some parsers take a word with a dash as the value, others as the next option.
  return values.length > 0 ? values.slice(0, 1) : unsure(`${name} has no value`)
}

/** opencode takes `--auto true` for one option (1.18.33). */
function flagAlone(name: string, next: string | undefined): readonly string[] {
  if (next === 'true' || next === 'false') unsure(`it is not clear whether ${next} belongs to ${name}`)
  return []
}
