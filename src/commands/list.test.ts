import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { NEW_TASK } from '../../test/fixtures/new-task.ts'
import type { Context } from '../context.ts'
import { files, reopenedDirectory } from '../task/paths.ts'
import { createTask } from '../task/store.ts'
import { list } from './list.ts'

let state = ''
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'rca-list-'))
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

const listed = () =>
  list({ all: false, states: [], agents: [] }, { state, env: {}, now: () => Date.now() } as Context)

test('one task that could not be looked into hid all others', async () => {
  await createTask(state, NEW_TASK, async () => null)
  const { dir } = await createTask(state, { ...NEW_TASK, task: 'other' }, async () => null)
  rmSync(files.attempts(dir), { recursive: true })
  writeFileSync(files.attempts(dir), '')
  const tasks = await listed()
  expect(tasks.map((one) => one.task).toSorted()).toEqual(['fix', 'other'])
  expect(tasks.find((one) => one.task === 'other')).toMatchObject({
    state: 'unknown',
    agent: 'codex',
    taskDir: dir,
    reason: expect.stringContaining('ENOTDIR'),
  })
})

test('without a monitor the marks of removed tasks piled up', async () => {
  await createTask(state, NEW_TASK, async () => null)
  mkdirSync(reopenedDirectory(state))
  for (let n = 0; n < 100; n++) writeFileSync(join(reopenedDirectory(state), `codex-t${n}.aaaaaa`), '')
  expect(await listed()).toHaveLength(1)
  expect(readdirSync(reopenedDirectory(state))).toEqual([])
})
