import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { RCA, test, until, type World } from './harness.ts'

/** How a shell is started without anybody's settings, and how it is told of rca: as the script's first lines say. */
interface Shell {
  readonly argv: readonly string[]
  readonly prompt: string
  readonly setUp: (world: World) => Promise<string>
}

const BASH = { argv: ['bash', '--noprofile', '--norc', '-i'], prompt: "PS1='> '" }
const ZSH = { argv: ['zsh', '-f', '-i'], prompt: "PS1='> '" }
const FISH = { argv: ['fish', '--no-config', '-i'], prompt: "function fish_prompt; echo '> '; end" }
const BASH_COMPLETION = '/usr/share/bash-completion/bash_completion'
const COMPINIT = 'autoload -Uz compinit; compinit -u -D'

async function scriptIn(world: World, shell: string, ...path: string[]): Promise<void> {
  const file = join(world.home, ...path)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, (await world.rca(['completion', shell])).stdout)
}

const SHELLS: Readonly<Record<string, Shell>> = {
  bash: { ...BASH, setUp: async () => 'eval "$(rca completion bash)"' },
  'bash with bash-completion': {
    ...BASH,
    setUp: async () => `. ${BASH_COMPLETION}; eval "$(rca completion bash)"`,
  },
  'bash with bash-completion, which loads it when it is wanted': {
    ...BASH,
    setUp: async (world) => {
      await scriptIn(world, 'bash', '.local/share/bash-completion/completions/rca')
      return `. ${BASH_COMPLETION}`
    },
  },
  'bash that does not cut words at =': {
    ...BASH,
    setUp: async () => `COMP_WORDBREAKS=' '; eval "$(rca completion bash)"`,
  },
  zsh: { ...ZSH, setUp: async () => `${COMPINIT}; source <(rca completion zsh)` },
  'zsh, from a folder of fpath': {
    ...ZSH,
    setUp: async (world) => {
      await scriptIn(world, 'zsh', 'functions/_rca')
      return `fpath=(~/functions $fpath); ${COMPINIT}`
    },
  },
  fish: { ...FISH, setUp: async () => 'rca completion fish | source' },
  'fish, from its folder of completions': {
    ...FISH,
    // Without a configuration it has no such folder.
    argv: ['fish', '-i'],
    setUp: async (world) => {
      await scriptIn(world, 'fish', '.config/fish/completions/rca.fish')
      return 'true'
    },
  },
}

/** A person at a shell in a terminal (a tmux pane). */
class Person {
  private constructor(private readonly world: World) {}

  static async at(world: World, shell: Shell): Promise<Person> {
    world.program('rca', `exec '${process.execPath}' '${RCA}' "$@"`)
    const setUp = await shell.setUp(world)
    // A tmux server that rca has started hands no RCA_HOME on.
    world.session('shell', '-c', world.project, 'env', `RCA_HOME=${world.state}`, ...shell.argv)
    const person = new Person(world)
    await person.says(`${shell.prompt}; ${setUp}; clear`)
    await until(() => person.line === '>', 'the shell to be ready')
    return person
  }

  /** What stands at the prompt. */
  get line(): string {
    return this.screen.filter((line) => line.startsWith('>')).at(-1) ?? ''
  }

  get screen(): string[] {
    return this.world.tmux('capture-pane', '-p', '-J', '-t', '=shell:').split('\n')
  }

  async says(text: string): Promise<void> {
    this.type(text)
    this.key('Enter')
  }

  type(text: string): void {
    this.world.tmux('send-keys', '-t', '=shell:', '-l', text)
  }

  key(...names: string[]): void {
    this.world.tmux('send-keys', '-t', '=shell:', ...names)
  }

  /** Types, presses Tab once, and sees the line become this. */
  async completes(typed: string, line: string): Promise<void> {
    await this.fresh()
    this.type(typed)
    await until(() => this.line === `> ${typed}`.trimEnd(), `${typed} to be typed`)
    this.key('Tab')
    await until(() => this.line === `> ${line}`.trimEnd(), `${typed} to become ${line}`).catch((error) => {
      throw new Error(this.screen.join('\n').trim(), { cause: error })
    })
  }

  /** Types, presses Tab until there is a list, and sees all of these offered, and none of those. */
  async isOffered(typed: string, words: readonly string[], not: readonly string[] = []): Promise<void> {
    await this.fresh()
    this.type(typed)
    this.key('Tab', 'Tab', 'Tab')
    const shown = await until(() => {
      const text = this.screen.join('\n')
      return words.every((word) => text.split(/\s+/).includes(word)) ? text : null
    }, `${words} to be offered for ${typed}`)
    for (const word of not) expect(shown.split(/\s+/)).not.toContain(word)
  }

  private async fresh(): Promise<void> {
    this.key('C-u')
    this.key('C-l')
    await until(() => this.line === '>' && this.screen.filter(Boolean).length === 1, 'an empty line')
  }
}

/** Every key costs a start of rca, and a machine that runs everything at once is slow. */
const LONG = { timeout: 180_000 }

async function withTasks(world: World): Promise<void> {
  await world.begin('done', 'docs')
  await world.reaches('done', 'docs')
  await world.begin('hangs')
  mkdirSync(join(world.project, 'my folder'))
  writeFileSync(join(world.project, 'task.md'), 'do it')
  await world.rca(['list'])
}

const isMissing = (name: string) => name.includes('bash-completion') && !existsSync(BASH_COMPLETION)

describe.concurrent.for(Object.entries(SHELLS))('%s', ([name, shell]) => {
  test('completes a verb, the name of a task and the value of an option', LONG, async ({ world, skip }) => {
    if (isMissing(name)) skip('no bash-completion here')
    await withTasks(world)
    const person = await Person.at(world, shell)
    await person.completes('rca kil', 'rca kill ')
    await person.completes('rca status codex-f', 'rca status codex-fix ')
    await person.completes('rca start codex x --access=f', 'rca start codex x --access=full ')
  })
})

describe.concurrent.for(['bash', 'bash with bash-completion', 'zsh', 'fish'])('%s in full', (name) => {
  const shell = SHELLS[name] ?? { ...BASH, setUp: async () => '' }

  test('completes options, their values, names of tasks and of files', LONG, async ({ world, skip }) => {
    if (isMissing(name)) skip('no bash-completion here')
    await withTasks(world)
    const person = await Person.at(world, shell)
    await person.completes('rca status fi', 'rca status fix ')
    await person.completes('rca kill codex-', 'rca kill codex-fix ')
    await person.completes('rca start codex x --prompt-', 'rca start codex x --prompt-file ')
    await person.completes('rca start codex x --access f', 'rca start codex x --access full ')
    await person.completes('rca start codex x -f ta', 'rca start codex x -f task.md ')
    await person.completes('rca start codex x -C my', 'rca start codex x -C my\\ folder/')
    await person.completes('rca --tmux-socket mine kil', 'rca --tmux-socket mine kill ')
    await person.isOffered('rca status ', ['codex-docs', 'codex-fix'], ['task.md', 'start'])
    await person.isOffered('rca st', ['start', 'status'], ['task.md', 'stop'])
    await person.isOffered('rca list --state ', ['running', 'waiting', 'done'], ['task.md'])
    await person.isOffered('rca service ', ['install', 'status'])
  })

  test(
    'without a state directory, and in a broken one: nothing, and no noise',
    LONG,
    async ({ world, skip }) => {
      if (isMissing(name)) skip('no bash-completion here')
      const person = await Person.at(world, shell)
      await person.completes('rca status x', 'rca status x')
      writeFileSync(world.state, 'no folder')
      await person.completes('rca status x', 'rca status x')
      await person.completes('rca kil', 'rca kill ')
      expect(person.screen.filter(Boolean)).toHaveLength(1)
    },
  )
})
