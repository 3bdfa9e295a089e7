import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { checkTaskName } from '../task/names.ts'
import { nameFor, readPrompt } from './prompt.ts'
import type { AgentCommand } from './recognise.ts'

describe('nameFor', () => {
  const name = (prompt: string, cwd = '/code') => nameFor(Buffer.from(prompt), cwd)

  it.each([
    ['Fix the tests!', /^fix-the-tests-[0-9a-f]{6}$/],
    ['  Überprüfe die Größe\n', /^uberprufe-die-gro-e-[0-9a-f]{6}$/],
    ['日本語', /^task-[0-9a-f]{6}$/],
    ['--help', /^help-[0-9a-f]{6}$/],
    [
      'Go through every file in src and mend what the linter says',
      /^go-through-every-file-in-src-and-mend-[0-9a-f]{6}$/,
    ],
    ['a'.repeat(500), /^a{40}-[0-9a-f]{6}$/],
  ])('%s', (prompt, expected) => {
    expect(name(prompt)).toMatch(expected)
    expect(checkTaskName(name(prompt))).toBe(name(prompt))
  })

  it('tells prompts and folders apart', () => {
    const begin = 'x '.repeat(600)
    expect(new Set([name(begin), name(`${begin}1`), name(begin, '/other')]).size).toBe(3)
    expect(name('x')).toBe(name('x'))
  })
})

it('takes no prompt from what may be read once only: a FIFO, a device, the own input by another name (bug)', async () => {
  const found = { agent: 'codex', prompt: null, input: { from: 'file', path: '/dev/null' } } as AgentCommand
  await expect(readPrompt(found, () => {}, new PassThrough())).rejects.toThrow('no file')
})

describe('readPrompt', () => {
  const command = (agent: AgentCommand['agent'], prompt: string | null, input: AgentCommand['input']) =>
    ({ agent, prompt, input }) as AgentCommand
  const own = { from: 'own' } as const

  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** What the model is asked where this comes on standard input, and what a person is told. */
  async function read(found: AgentCommand, input: string | null) {
    const stdin = new PassThrough()
    const remarks: string[] = []
    const reading = readPrompt(found, (text) => remarks.push(text), stdin)
    await vi.advanceTimersByTimeAsync(3_000)
    stdin.end(input ?? undefined)
    const { prompt, own: kept } = await reading
    return { asked: Buffer.from(prompt).toString(), kept: kept && Buffer.from(kept).toString(), remarks }
  }

  it.each([
    ['codex', 'a log', 'do it\n\n<stdin>\na log\n</stdin>'],
    ['codex', ' \n', 'do it'],
    ['opencode', 'a log\n', 'do it\na log\n'],
    ['pi', ' a log\n', 'a logdo it'],
  ] as const)('%s joins %j to its prompt, however long it takes to come', async (agent, input, asked) => {
    const waiting = `waiting for the end of standard input, as ${agent} does`
    expect(await read(command(agent, 'do it', own), input)).toEqual({
      asked,
      kept: input,
      remarks: [waiting],
    })
  })

  it('claude waits three seconds for something beside its prompt', async () => {
    const { asked, remarks } = await read(command('claude', 'do it', own), 'late')
    expect(asked).toBe('do it')
    expect(remarks).toEqual(['nothing comes on standard input: going on without it, as claude does'])
    const stdin = new PassThrough()
    const reading = readPrompt(command('claude', 'do it', own), () => {}, stdin)
    stdin.write('a ')
    await vi.advanceTimersByTimeAsync(10_000)
    stdin.end('log')
    expect(Buffer.from((await reading).prompt).toString()).toBe('do it\na log')
  })

  it('waits for a prompt that is nowhere else', async () => {
    expect((await read(command('claude', null, own), 'do it ')).asked).toBe('do it ')
  })

  it('reads a file, and fails where there is none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rca-prompt-'))
    const path = join(folder, 'prompt.md')
    writeFileSync(path, 'do it')
    expect(await read(command('pi', null, { from: 'file', path }), '')).toEqual({
      asked: 'do it',
      kept: null,
      remarks: [],
    })
    rmSync(folder, { recursive: true })
    const gone = readPrompt(command('pi', null, { from: 'file', path }), () => {}, new PassThrough())
    await expect(gone).rejects.toThrow('ENOENT')
  })
})
