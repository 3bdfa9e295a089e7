import type { AgentName } from '../agents/driver.ts'
import { READERS } from './agents.ts'
import { unsure } from './not-certain.ts'

/**
 * Programs that fetch a package and run what is in it. They stay in front of the agent, word for word, in every attempt. As
 * documented for npm 10, pnpm 10, bun 1 and yarn 4: behind the package's name (npm exec: behind `--`) every word is the
 * agent's.
 */

export interface Fetched {
  readonly agent: AgentName
  /** The runner's own words, up to the agent's name. */
  readonly runner: readonly string[]
  readonly args: readonly string[]
}

interface RunnerOptions {
  /** The words that make it run a package, all but the first. */
  readonly subcommands: readonly (readonly string[])[]
  readonly flags: readonly string[]
  readonly packageOptions: readonly string[]
  /** It reads options behind the package's name too, as long as there is no `--`. */
  readonly needsDashes?: boolean
}

const NPM = {
  flags: [
    ...['-y', '--yes', '--no', '--no-install', '-q', '--quiet', '-s', '--silent', '--offline'],
    ...['--prefer-offline', '--prefer-online'],
  ],
  packageOptions: ['-p', '--package'],
}

const RUNNERS: Readonly<Record<string, RunnerOptions>> = {
  npx: { ...NPM, subcommands: [[]] },
  npm: { ...NPM, subcommands: [['exec'], ['x']], needsDashes: true },
  bunx: {
    flags: ['--bun', '--silent', '--verbose', '--no-install'],
    packageOptions: ['-p', '--package'],
    subcommands: [[]],
  },
  bun: {
    flags: ['--bun', '--silent', '--verbose', '--no-install'],
    packageOptions: ['-p', '--package'],
    subcommands: [['x']],
  },
  pnpm: { flags: ['-s', '--silent'], packageOptions: ['--package'], subcommands: [['dlx']] },
  yarn: { flags: ['-q', '--quiet'], packageOptions: ['-p', '--package'], subcommands: [['dlx']] },
}

/** Reads `npx -y @openai/codex@0.9 exec …`; null where the program is no such runner. Throws NotCertain. Pure. */
export function readRunner(program: string, words: readonly string[]): Fetched | null {
  const options = Object.hasOwn(RUNNERS, program) ? RUNNERS[program] : undefined
  if (!options) return null
  const subcommand = options.subcommands.find((one) => one.every((word, at) => words[at + 1] === word))
  if (!subcommand) return unsure(`${program} ${words[1] ?? ''} runs no package`)
  let at = 1 + subcommand.length
  const packages: string[] = []
  while (words[at]?.startsWith('-') && words[at] !== '--') at += runnerOption(words, at, options, packages)
  const dashes = words[at] === '--'
  if (options.needsDashes && !dashes)
    unsure(`without -- ${program} takes some of the agent's options for its own`)
  const name = words[dashes ? at + 1 : at] ?? ''
  const end = at + (dashes ? 2 : 1)
  return { agent: agentIn(name, packages), runner: words.slice(0, end), args: words.slice(end) }
}

/** How many words the option takes. */
function runnerOption(
  words: readonly string[],
  at: number,
  options: RunnerOptions,
  packages: string[],
): number {
  const word = words[at] ?? ''
  if (options.flags.includes(word)) return 1
  const joined = options.packageOptions.find((one) => one.startsWith('--') && word.startsWith(`${one}=`))
  if (joined) packages.push(word.slice(joined.length + 1))
  else if (options.packageOptions.includes(word)) packages.push(words[at + 1] ?? '')
  else unsure(`${word} is not known`)
  return joined ? 1 : 2
}

/** `codex` alone may be another package of that name; `@openai/codex` is certain. */
function agentIn(name: string, packages: readonly string[]): AgentName {
  const [wanted = name, ...more] = packages
  const agents = Object.entries(READERS) as [AgentName, (typeof READERS)[AgentName]][]
  const agent = agents.find(([, reader]) => reader.packages.includes(withoutVersion(wanted)))?.[0]
  if (!agent) return unsure(`${wanted} is not the package of a coding agent`)
  if (more.length > 0 || (packages.length > 0 && name !== agent))
    unsure(`${name} may come from another package`)
  return agent
}

const withoutVersion = (name: string) => name.replace(/(?<=.)@[^@/:]*$/, '')
