import { appendFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { NEW_TASK } from '../../test/fixtures/new-task.ts'
import { FinishedIndex } from '../task/finished.ts'
import { appendJournal } from '../task/journal.ts'
import { observe } from '../task/observe.ts'
import { files } from '../task/paths.ts'
import { removeTask } from '../task/remove.ts'
import { reopenedTasks } from '../task/reopened.ts'
import { closeBooks } from '../task/settle.ts'
import { createTask, readTask } from '../task/store.ts'
import { tidyIndex } from '../task/tidy.ts'
import { heldIn, Scanner } from './scan.ts'

let state: string
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'rca-scan-'))
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

async function finished(name: string): Promise<string> {
  const { dir } = await createTask(state, { ...NEW_TASK, task: name }, async () => null)
  appendJournal(dir, { type: 'attempt-claimed', attempt: 1, how: 'start', by: 'person' })
  await end(dir)
  return dir
}

async function end(dir: string, attempt = 1): Promise<void> {
  const nothing = { cause: null, reason: null, hint: null, denials: [], usage: null, lastActivityAt: null }
  appendJournal(dir, {
    ...{ type: 'attempt-ended', attempt, outcome: 'completed', exit: { code: 0 } },
    ...nothing,
  })
  const task = readTask(dir)
  if (task) await closeBooks(await observe(task, Date.now()))
}

it('finds what is not over, and looks into no task that the index has', async () => {
  await finished('a')
  await tidyIndex(state)
  const { dir } = await createTask(state, { ...NEW_TASK, task: 'b' }, async () => null)
  const scanner = new Scanner(state)
  expect(scanner.next()).toEqual({ dirs: [dir], untidy: false })
  expect(scanner.next()).toEqual({ dirs: [dir], untidy: false })
})

it.each([
  [
    'was gone on with by who does not know the index',
    (dir: string) => appendFileSync(files.journal(dir), '{}\n'),
  ],
  ['lost its spec.json', (dir: string) => writeFileSync(files.spec(dir), '')],
])('finds within ten looks a task of the index that %s', async (_, spoil) => {
  const dirs = [await finished('a'), await finished('b'), await finished('c')]
  await tidyIndex(state)
  const scanner = new Scanner(state)
  expect(scanner.next().dirs).toEqual([])
  for (const dir of dirs) spoil(dir)
  const found = Array.from({ length: 10 }, () => scanner.next().dirs).flat()
  expect(new Set(found)).toEqual(new Set(dirs))
  expect(reopenedTasks(state)).toHaveLength(3)
})

it('finds at once what was spoilt before it began', async () => {
  const dir = await finished('a')
  await tidyIndex(state)
  appendFileSync(files.journal(dir), '{}\n')
  expect(new Scanner(state).next().dirs).toEqual([dir])
})

it.each([
  [50, 10, 5],
  [1_000, 10, 100],
  [10_000, 100, 100],
])(
  'of %i tasks that are over each is held against its records within %i looks, %i at a time',
  (count, looks, most) => {
    const rows = Array.from({ length: count }, (_, row) => row)
    expect(heldIn(rows, 0)).toEqual(rows)
    const held = Array.from({ length: looks }, (_, look) => heldIn(rows, look + 1))
    expect(Math.max(...held.map((one) => one.length))).toBe(most)
    expect(held.flat().toSorted((a, b) => a - b)).toEqual(rows)
  },
)

it('wants the index written anew once a task that was gone on with has ended again', async () => {
  const dir = await finished('a')
  await tidyIndex(state)
  appendJournal(dir, { type: 'attempt-claimed', attempt: 2, how: 'resume', by: 'person' })
  const scanner = new Scanner(state)
  expect(scanner.next()).toEqual({ dirs: [dir], untidy: false })
  await end(dir, 2)
  expect(scanner.next()).toMatchObject({ untidy: true })
  await tidyIndex(state)
  expect(reopenedTasks(state)).toEqual([])
  expect(scanner.next()).toEqual({ dirs: [], untidy: false })
  const index = FinishedIndex.open(state)
  expect(index?.length).toBe(1)
  index?.close()
})

it('wants it written anew where many are missing', async () => {
  for (let n = 0; n < 66; n++) await finished(`t${n}`)
  const scanner = new Scanner(state)
  expect(scanner.next()).toMatchObject({ untidy: true })
  await tidyIndex(state)
  expect(scanner.next()).toEqual({ dirs: [], untidy: false })
})

it('one folder that could not be read stopped the look at all others', async () => {
  const odd = await finished('odd')
  await tidyIndex(state)
  const { dir } = await createTask(state, { ...NEW_TASK, task: 'b' }, async () => null)
  rmSync(files.journal(odd))
  symlinkSync('journal.jsonl', files.journal(odd))
  const scanner = new Scanner(state)
  expect(new Set(scanner.next().dirs)).toEqual(new Set([odd, dir]))
  expect(scanner.next().dirs).toContain(dir)
})

it('marks of tasks that were removed were kept for ever', async () => {
  const dirs = [await finished('a'), await finished('b')]
  await tidyIndex(state)
  for (const dir of dirs) removeTask(dir)
  expect(reopenedTasks(state)).toHaveLength(2)
  await tidyIndex(state)
  expect(reopenedTasks(state)).toEqual([])
  expect(new Scanner(state).next()).toEqual({ dirs: [], untidy: false })
})
