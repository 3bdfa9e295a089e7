import { appendFileSync, mkdtempSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { NEW_TASK } from '../../test/fixtures/new-task.ts'
import { list } from '../commands/list.ts'
import type { ReadingContext } from '../context.ts'
import { finishedOf, readDigest } from './digest.ts'
import { taskDirectories } from './directories.ts'
import { addFinished, type FinishedTask, newestFirst } from './finished.ts'
import { appendJournal, readJournal } from './journal.ts'
import { type TaskJson, taskJson } from './json.ts'
import { observe } from './observe.ts'
import { finishedFile, tasksDirectory } from './paths.ts'
import { removeTask } from './remove.ts'
import { closeBooks } from './settle.ts'
import { createTask, readTask } from './store.ts'
import { tidyIndex } from './tidy.ts'

/** What may happen to the tasks of a state directory and to the index; numbers choose a task. */
type Step =
  | { readonly kind: 'make' | 'list' | 'tidy' | 'tear' | 'lose' }
  | { readonly kind: 'end' | 'go-on' | 'remove' | 'read-late' | 'add-late'; readonly which: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Step>({ kind: 'make' }, { kind: 'list' }, { kind: 'list' }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Step>({ kind: 'tidy' }, { kind: 'tidy' }, { kind: 'tear' }, { kind: 'lose' }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('end', 'end', 'end', 'go-on', 'remove', 'read-late', 'add-late', 'add-late'),
      which: fc.nat(2),
    }),
  },
)

class Tasks {
  readonly state = mkdtempSync(join(tmpdir(), 'rca-index-'))
  private made = 0
  private readonly late: FinishedTask[] = []
  private readonly context = { state: this.state, now: Date.now } as unknown as ReadingContext

  async take(one: Step): Promise<void> {
    const dirs = taskDirectories(this.state).map(({ dir }) => dir)
    const dir = 'which' in one ? dirs[one.which % Math.max(1, dirs.length)] : undefined
    switch (one.kind) {
      case 'make':
        await createTask(this.state, { ...NEW_TASK, task: `t${this.made++}` }, async () => null)
        return this.age()
      case 'list':
        return expect(await this.listed()).toEqual(await this.truth())
      case 'tidy':
        return tidyIndex(this.state)
      case 'tear':
        return this.tear()
      case 'lose':
        return rmSync(finishedFile(this.state), { force: true })
      default:
        if (dir) await this.do(one.kind, dir)
    }
  }

  private async do(kind: string, dir: string): Promise<void> {
    const entries = readJournal(dir).entries
    const attempt = entries.filter((entry) => entry.type === 'attempt-claimed').length
    const ended = entries.filter((entry) => entry.type === 'attempt-ended').length
    if (kind === 'go-on' && attempt === ended)
      appendJournal(dir, { type: 'attempt-claimed', attempt: attempt + 1, how: 'resume', by: 'person' })
    if (kind === 'end') await this.end(dir, Math.max(1, attempt), ended)
    if (kind === 'remove') removeTask(dir)
    if (kind === 'remove') this.age()
    const finished = kind === 'read-late' ? finishedOf(dir) : null
    if (finished) this.late.push(finished)
    const late = kind === 'add-late' ? this.late.pop() : undefined
    if (late) this.addIfThere(late)
  }

  private async end(dir: string, attempt: number, ended: number): Promise<void> {
    if (attempt === 1 && ended === 0)
      appendJournal(dir, { type: 'attempt-claimed', attempt, how: 'start', by: 'person' })
    if (attempt > ended) {
      appendJournal(dir, {
        ...{
          type: 'attempt-ended',
          attempt,
          outcome: attempt % 2 ? 'completed' : 'failed',
          exit: { code: 0 },
        },
        ...{
          cause: null,
          reason: `attempt ${attempt}`,
          hint: null,
          denials: [],
          usage: null,
          lastActivityAt: null,
        },
      })
    }
    const task = readTask(dir)
    if (task) await closeBooks(await observe(task, Date.now()))
  }

  /** What a process adds that was stopped for a while. */
  private addIfThere(task: FinishedTask): void {
    try {
      addFinished(this.state, [task])
    } catch {
      // There is no index.
    }
  }

  private tear(): void {
    try {
      appendFileSync(finishedFile(this.state), '\n2026-11-29T00:00:00.000Z2026', { flag: 'r+' })
    } catch {
      // There is no index.
    }
  }

  /** Times are as coarse as the file system's clock; a real folder is not looked at in the moment of its change. */
  private age(): void {
    const at = Date.now() / 1_000 - 3_600 + this.made + Math.random()
    utimesSync(tasksDirectory(this.state), at, at)
  }

  private async listed(): Promise<TaskJson[]> {
    return list(
      { all: false, states: ['done', 'failed', 'killed', 'lost', 'starting', 'waiting'], agents: [] },
      this.context,
    )
  }

  /** As the records of each task have it, the index aside. */
  private async truth(): Promise<TaskJson[]> {
    const tasks: TaskJson[] = []
    for (const { dir } of taskDirectories(this.state)) {
      const stored = readTask(dir)
      if (stored) tasks.push(readDigest(dir) ?? taskJson(await observe(stored, Date.now())))
    }
    const place = (task: TaskJson) => ({ startedAt: task.startedAt ?? '', name: task.taskDir ?? '' })
    return tasks.sort((a, b) => newestFirst(place(a), place(b)))
  }
}

it('the index never says of a task what its records do not', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      const tasks = new Tasks()
      try {
        for (const one of steps) await tasks.take(one)
        await tasks.take({ kind: 'list' })
      } finally {
        rmSync(tasks.state, { recursive: true, force: true })
      }
    }),
    { numRuns: Number(process.env.RCA_INDEX_RUNS ?? 80) },
  )
}, 300_000)
