import { buildProgram } from '../cli.ts'
import { candidatesFor, type Sources } from '../completion/candidates.ts'
import { loadConfig } from '../config.ts'
import { KIND_NAMES, KINDS } from '../notify/index.ts'
import { oneLine } from '../render/text.ts'
import { taskDirectories } from '../task/directories.ts'
import { tasksNotOver } from '../task/not-over.ts'
import { stateDirectory } from '../task/paths.ts'

type Env = Readonly<Record<string, string | undefined>>

/** A description is a hint beside the word; longer ones make a menu unreadable. */
const ABOUT_WIDTH = 70

/**
 * What `rca complete` tells a shell (completion/scripts.ts): `words` are those before the cursor, and last the part of a
 * word to its left. Never throws: where there is no state directory there are no tasks.
 */
export function answer(shell: string, words: readonly string[], env: Env): string {
  const { before, current, cut } = shell === 'bash' ? joined(words) : split(words)
  const program = buildProgram([], async () => ({}))
  const { list, paths } = candidatesFor(program, before, current, sourcesOf(env))
  const lines = list.map(({ value, about }) => `${value.slice(cut)}\t${oneLine(about, ABOUT_WIDTH)}`)
  return `${[paths ?? 'none', ...lines].join('\n')}\n`
}

const split = (words: readonly string[]) => ({
  before: words.slice(0, -1),
  current: words.at(-1) ?? '',
  cut: 0,
})

/**
 * bash cuts words at COMP_WORDBREAKS, in which `=` mostly is: `--access=wr` comes as three words, and the last one is to
 * be completed. `cut`: so many characters of what is found stand in the words before it. Pure.
 */
export function joined(words: readonly string[]): { before: string[]; current: string; cut: number } {
  const whole: string[] = []
  let cut = 0
  words.forEach((word, index) => {
    const last = whole.at(-1)
    const isSign = word === '=' && last?.startsWith('--') === true
    const isValue = words[index - 1] === '=' && index > 1 && last?.endsWith('=') === true
    // The cursor right behind `=`: bash gives the sign as the word, and takes what is found to stand behind it.
    cut = isValue ? (last?.length ?? 0) : isSign ? (last?.length ?? 0) + 1 : 0
    if (isSign || isValue) whole[whole.length - 1] = `${last}${word}`
    else whole.push(word)
  })
  return { before: whole.slice(0, -1), current: whole.at(-1) ?? '', cut }
}

/** Nothing where something is in the way: it is no time for complaints. */
const sourcesOf = (env: Env): Sources => ({
  tasks: (live) => {
    try {
      const state = stateDirectory(env)
      return (live ? tasksNotOver(state) : taskDirectories(state)).map((one) => one.session)
    } catch {
      return []
    }
  },
  channels: () => [
    ...channelsInConfig(env),
    ...KIND_NAMES.filter((kind) => KINDS[kind].inline(null) !== null),
  ],
})

function channelsInConfig(env: Env): string[] {
  try {
    return Object.keys(loadConfig(env).notify.channels)
  } catch {
    return []
  }
}
