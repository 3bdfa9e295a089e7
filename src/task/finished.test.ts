import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { arrayOf, namesOf } from '../commands/list-json.ts'
import {
  addFinished,
  FinishedIndex,
  type FinishedTask,
  fits,
  formatFinished,
  newestFirst,
} from './finished.ts'
import type { TaskJson } from './json.ts'
import { lookUp } from './look-up.ts'
import { finishedFile, tasksDirectory } from './paths.ts'
import { keepSeen, readSeen, type Stamp, stampOf } from './seen.ts'

const time = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()

let state: string

function finished(name: string, more: Partial<FinishedTask> = {}): FinishedTask {
  const taskDir = join(tasksDirectory(state), name)
  const json = Buffer.from(JSON.stringify({ name, taskDir, reason: 'ä „ü" 本', state: 'done' }))
  return {
    name,
    startedAt: time(1),
    at: time(2),
    state: 'done',
    journalBytes: 10,
    spec: '1 2 3.5',
    json,
    ...more,
  }
}

describe('the index of finished tasks', () => {
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'rca-finished-'))
    mkdirSync(tasksDirectory(state))
  })
  afterEach(() => rmSync(state, { recursive: true, force: true }))

  const write = (tasks: readonly FinishedTask[]) => {
    writeFileSync(finishedFile(state), formatFinished(tasks, 'an-id'), { mode: 0o600 })
    for (const { name } of tasks) mkdirSync(join(tasksDirectory(state), name), { recursive: true })
  }
  /** It was so long ago that a name in the folder changed that another change would show in its time. */
  const becomesOld = () => utimesSync(tasksDirectory(state), 1_700_000_000, 1_700_000_000)
  const open = () => FinishedIndex.open(state) as FinishedIndex
  const jsonAt = (index: FinishedIndex, row: { jsonStart: number; jsonEnd: number }) =>
    JSON.parse(index.jsonOf(row).toString())

  it('gives back what was put in, the newest task first, in the blocks and behind them', () => {
    const tasks = Array.from({ length: 600 }, (_, n) =>
      finished(`codex-t${n}.aaaaaa`, {
        startedAt: time(n),
        at: time(600 - n),
        journalBytes: n,
        spec: `${n} x`,
      }),
    )
    write(tasks.slice(0, 590))
    addFinished(state, tasks.slice(590))
    const index = open()
    expect(index.length).toBe(590)
    for (const n of [0, 1, 255, 256, 257, 589]) {
      const { json: _, ...task } = tasks[589 - n] as FinishedTask
      expect(index.row(n)).toMatchObject(task)
      expect(jsonAt(index, index.place(n))).toMatchObject({ name: task.name, reason: 'ä „ü" 本' })
    }
    expect(index.added.map((row) => row.name)).toEqual(tasks.slice(590).map((one) => one.name))
    for (const row of index.added) expect(jsonAt(index, row).name).toBe(row.name)
    index.close()
  })
  it('finds those that ended since a time, however long ago they were started', () => {
    const old = finished('codex-old.a', { startedAt: time(0), at: time(50) })
    const middle = [3, 4, 5].map((n) => finished(`codex-m${n}.a`, { startedAt: time(n), at: time(n + 1) }))
    const young = finished('codex-young.a', { startedAt: time(40), at: time(41) })
    write([old, ...middle, young])
    const index = open()
    const since = (minute: number) => index.rowsSince(time(minute)).map((row) => index.nameOf(row))
    expect(since(45)).toEqual(['codex-old.a'])
    expect(since(40)).toEqual(['codex-young.a', 'codex-old.a'])
    expect(since(60)).toEqual([])
    expect(since(-1)).toHaveLength(5)
    index.close()
  })
  it.each([
    [
      'is another release’s',
      (text: Buffer) => Buffer.from(text.toString('latin1').replace(/1 \d+\.\d+\.\d+/, '1 0.0.0'), 'latin1'),
    ],
    ['is cut off', (text: Buffer) => text.subarray(0, 300)],
    ['is empty', () => Buffer.alloc(0)],
    ['was lost by a disk', (text: Buffer) => Buffer.alloc(text.length)],
    ['has lost its columns', (text: Buffer) => Buffer.from(text).fill(0, 150, 300)],
    [
      'counts what is no number',
      (text: Buffer) => Buffer.from(text.toString('latin1').replace(/ 2 /, ' x '), 'latin1'),
    ],
    [
      'counts less than nothing',
      (text: Buffer) => Buffer.from(text.toString('latin1').replace(/ 2 /, ' -2 '), 'latin1'),
    ],
  ])('says nothing where it %s', (_, spoil) => {
    write([finished('codex-a.a'), finished('codex-b.b')])
    writeFileSync(finishedFile(state), spoil(readFileSync(finishedFile(state))))
    expect(FinishedIndex.open(state)).toBeNull()
    const found = lookUp(state)
    expect(found).toMatchObject({ index: null, rows: [] })
    expect(found.fresh.toSorted()).toEqual(['codex-a.a', 'codex-b.b'])
  })
  it('says nothing where it is a folder', () => {
    mkdirSync(finishedFile(state))
    expect(FinishedIndex.open(state)).toBeNull()
  })
  it('passes over what a killed writer left torn, wherever it was cut', () => {
    write([finished('codex-a.a')])
    const before = readFileSync(finishedFile(state)).length
    addFinished(state, [finished('codex-b.b')])
    const whole = readFileSync(finishedFile(state)).length
    for (let cut = before; cut < whole - 1; cut += 7) {
      truncateSync(finishedFile(state), cut)
      addFinished(state, [finished('codex-c.c')])
      const index = open()
      expect(index.added.map((row) => row.name)).toEqual(['codex-c.c'])
      index.close()
      truncateSync(finishedFile(state), before)
      addFinished(state, [finished('codex-b.b')])
    }
    appendFileSync(finishedFile(state), Buffer.alloc(9))
    open().close()
  })
  it('a row that is added late is not taken for the newest', () => {
    write([finished('codex-a.a', { journalBytes: 20, state: 'done' })])
    addFinished(state, [finished('codex-a.a', { journalBytes: 10, state: 'failed' })])
    const found = lookUp(state)
    expect(found.rows).toEqual([0])
    expect(found.added).toEqual([])
    found.index?.close()
    addFinished(
      state,
      [30, 25].map((journalBytes) => finished('codex-a.a', { journalBytes, state: 'killed' })),
    )
    const later = lookUp(state)
    expect(later.rows).toEqual([])
    expect(later.added.map((row) => row.journalBytes)).toEqual([30])
    later.index?.close()
  })
  it('a task that was gone on with while it was looked up was in no list', () => {
    write([finished('codex-a.a'), finished('codex-b.b')])
    mkdirSync(join(state, 'reopened'))
    // The mark comes when the index is open already.
    const found = lookUp(state, (index) => {
      writeFileSync(join(state, 'reopened', 'codex-a.a'), '')
      return [...Array(index.length).keys()]
    })
    expect(found.rows.length + found.reopened.length).toBe(2)
    found.index?.close()
  })
  it('of a state directory that was copied told of the tasks of the other', () => {
    write([finished('codex-a.a')])
    const copy = mkdtempSync(join(tmpdir(), 'rca-copied-'))
    cpSync(state, copy, { recursive: true })
    const index = FinishedIndex.open(copy)
    rmSync(copy, { recursive: true })
    expect(index).toBeNull()
  })
  it('a power loss that took what had been added left its tasks in no list', () => {
    write([finished('codex-a.a')])
    const before = readFileSync(finishedFile(state)).length
    mkdirSync(join(tasksDirectory(state), 'codex-b.b'))
    addFinished(state, [finished('codex-b.b')])
    becomesOld()
    for (let looks = 0; looks < 2; looks++) {
      const found = lookUp(state)
      expect(found).toMatchObject({ fresh: [], rows: [0], added: [{ name: 'codex-b.b' }] })
      found.index?.close()
    }
    truncateSync(finishedFile(state), before)
    const found = lookUp(state)
    expect(found).toMatchObject({ fresh: ['codex-b.b'], rows: [0], added: [] })
    found.index?.close()
  })
  const nothing = { fresh: [], gone: [], added: 0, addedEnd: 0 }
  it('a task that was made while somebody who looked stood still was in no list', () => {
    write([])
    const stamp = stampOf(state) as Stamp
    // Another change in the same second has the same time, where times are as coarse as that.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10_000 })
    keepSeen(state, 'an-id', stamp, nothing)
    vi.useRealTimers()
    expect(readSeen(state, 'an-id', stamp)).toBeNull()
  })
  it('a task that was made before its folder’s time was set back was in no list', () => {
    write([])
    becomesOld()
    const stamp = stampOf(state) as Stamp
    keepSeen(state, 'an-id', stamp, nothing)
    expect(readSeen(state, 'an-id', stamp)).toEqual(nothing)
    mkdirSync(join(tasksDirectory(state), 'codex-b.b'))
    becomesOld()
    const found = lookUp(state)
    expect(found.fresh).toEqual(['codex-b.b'])
    found.index?.close()
  })
  it('leaves out what does not fit its columns', () => {
    expect(fits(finished('codex-a.a'))).toBe(true)
    expect(fits(finished('codex-a.a', { startedAt: '' }))).toBe(false)
    expect(fits(finished('codex-a.a', { spec: 'x'.repeat(99) }))).toBe(false)
    expect(fits(finished('codex-a.a', { state: 'unknown' }))).toBe(false)
    expect(fits(finished('codex-ä.a'))).toBe(false)
  })
  it('grew with every list by a task whose folder has a space in its name', () => {
    expect(fits(finished('codex-a.a copy'))).toBe(false)
  })
  it('is one array with the tasks that are not in it, whatever their order', () => {
    const minute = fc.integer({ min: 0, max: 30 })
    fc.assert(
      fc.property(
        fc.array(minute, { maxLength: 20 }),
        fc.array(minute, { maxLength: 6 }),
        fc.nat(),
        (old, live, hide) => {
          const rows = old.map((at, n) => finished(`codex-t${n}.a`, { startedAt: time(at) }))
          write(rows)
          const index = open()
          const shown = Array.from({ length: index.length }, (_, row) => row).filter(
            (row) => (hide >> (row % 8)) % 2 === 0,
          )
          const others = live
            .map((at, n) => ({ name: `codex-l${n}.a`, startedAt: time(at) }))
            .map((one) => ({ ...one, task: { ...one, reason: '\u009b„' } as unknown as TaskJson }))
            .sort(newestFirst)
          const listed = { rows: shown, others }
          const expected = [...shown.map((row) => index.place(row)), ...others]
            .sort(newestFirst)
            .map((one) => one.name)
          const text = arrayOf(listed, index).toString()
          expect(JSON.parse(text).map((one: { name: string }) => one.name)).toEqual(expected)
          expect(text.endsWith(']\n')).toBe(true)
          expect(namesOf(listed, index)).toEqual(expected.map((name) => name.replace('.a', '')))
          index.close()
        },
      ),
      { numRuns: 200 },
    )
  })
})
