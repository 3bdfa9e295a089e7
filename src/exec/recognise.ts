import { basename, isAbsolute } from 'node:path'
import { AGENTS, type AgentName } from '../agents/driver.ts'
import { READERS } from './agents.ts'
import { isLost } from './bytes.ts'
import { type Facts, type Found, type Input, nothingFound, placeOf, variableIn } from './found.ts'
import { NotCertain, unsure } from './not-certain.ts'
import { readRunner } from './runners.ts'
import { readShell } from './shell-command.ts'
import { ASSIGNMENT, commandOf, programName, setVariable, WRAPPERS } from './wrappers.ts'

/** A command of a coding agent that runs one prompt to its end, taken apart. */
export interface AgentCommand {
  readonly kind: 'task'
  readonly agent: AgentName
  /** What stands in front of the agent's arguments, word for word, with the agent itself; null: the agent's name alone. */
  readonly command: readonly string[] | null
  /** The agent's options as written, permission flags and all, less what only shapes its output. */
  readonly agentArgs: readonly string[]
  /** The prompt in the command; null: all of it comes from `input`. */
  readonly prompt: string | null
  /** What the agent would read on standard input. */
  readonly input: Extract<Input, { from: 'nowhere' | 'own' | 'file' }>
  readonly cwd: string
  /** `NAME=value`, for the agent alone. */
  readonly env: readonly string[]
  readonly withoutEnv: readonly string[]
  /** No attempt may begin later than this after the start, ms; null: the command says nothing of it. */
  readonly deadlineMs: number | null
  /** What a person should know of how it was understood. */
  readonly notes: readonly string[]
}

export interface Foreground {
  readonly kind: 'foreground'
  readonly why: string
}

/**
 * Says whether a command is one that can run as a task, and which. Where anything in it is not known for certain, it is to run
 * as it is. Pure, but for what `facts.isDirectory` looks at.
 */
export function recognise(argv: readonly string[], facts: Facts): AgentCommand | Foreground {
  try {
    return read(argv, facts)
  } catch (error) {
    if (error instanceof NotCertain) return { kind: 'foreground', why: error.message }
    throw error
  }
}

function read(argv: readonly string[], facts: Facts): AgentCommand {
  if (argv.some(isLost)) unsure('it holds bytes that are no UTF-8')
  const found = nothingFound(facts)
  const { agent, args, isFetched } = agentIn(unwrap(argv, found, facts), found, facts)
  const { before, agentArgs, prompt, folder, notes } = READERS[agent].read(args)
  refuseRelativePath(found, facts)
  if (folder !== null) {
    const before = found.cwd
    found.cwd = existing(placeOf(folder, found, facts), facts)
    if (isFetched && found.cwd !== before)
      unsure(`${found.kept.at(-2)} looks for the package and its settings in ${before}, not in ${found.cwd}`)
    refuseRelativePath(found, facts)
  }
  const command = [...commandOf(found), ...before]
  const plain = command.length === 1 && command[0] === agent
  const { cwd, env, withoutEnv, deadlineMs } = found
  return {
    kind: 'task',
    agent,
    command: plain ? null : command,
    agentArgs,
    prompt,
    input: inputFor(prompt, found.input),
    cwd,
    env,
    withoutEnv,
    deadlineMs,
    notes: [...found.notes, ...notes],
  }
}

/** Takes off everything that runs the agent, from the outside in. */
function unwrap(argv: readonly string[], found: Found, facts: Facts): readonly string[] {
  const count = argv.findIndex((word) => !ASSIGNMENT.test(word))
  for (const word of argv.slice(0, Math.max(count, 0))) setVariable(word, found)
  let words: readonly string[] = argv.slice(Math.max(count, 0))
  for (;;) {
    const program = programName(words[0] ?? unsure('there is no command in it'))
    const wrapper = Object.hasOwn(WRAPPERS, program) ? WRAPPERS[program] : undefined
    const inner = readShell(program, words, found, facts) ?? wrapper?.(words, found, facts)
    if (!inner) return words
    words = inner
  }
}

interface AgentIn {
  readonly agent: AgentName
  readonly args: readonly string[]
  /** By a runner, which looks around in the folder where it is run. */
  readonly isFetched: boolean
}

/** The agent, by its own name, the path of a program of that name, or the package that a runner is to fetch. */
function agentIn(words: readonly string[], found: Found, facts: Facts): AgentIn {
  const [program = '', ...args] = words
  const fetched = readRunner(programName(program), words)
  if (fetched) {
    found.kept.push(...fetched.runner)
    return { ...fetched, isFetched: true }
  }
  const agent = AGENTS.find((one) => one === basename(program))
  if (!agent) return unsure(`${program} is no coding agent that rca knows`)
  found.kept.push(program.includes('/') ? placeOf(program, found, facts) : program)
  return { agent, args, isFetched: false }
}

/** rca finds no program in `./bin` on PATH: where there is one, the command means that. */
function refuseRelativePath(found: Found, facts: Facts): void {
  const folders = (variableIn('PATH', found, facts) ?? '').split(':').filter((folder) => !isAbsolute(folder))
  for (const folder of folders) {
    const program = found.kept.find(
      (word) => /^[\w.-]+$/.test(word) && facts.realPath(`${found.cwd}/${folder}/${word}`) !== null,
    )
    if (program) unsure(`PATH leads to ${program} by way of the current folder`)
  }
}

function existing(folder: string, facts: Facts): string {
  return facts.isDirectory(folder) ? folder : unsure(`there is no folder ${folder}`)
}

function inputFor(prompt: string | null, input: Input): AgentCommand['input'] {
  if (input.from !== 'terminal' && (prompt !== null || input.from !== 'nowhere')) return input
  return prompt === null ? unsure('there is no prompt in it') : { from: 'nowhere' }
}
