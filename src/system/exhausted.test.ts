import { readFileSync } from 'node:fs'
import { expect, it, vi } from 'vitest'
import { isAlive, ownIdentity } from './identity.ts'
import { findByCookie } from './processes.ts'

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  return { ...fs, readFileSync: vi.fn(fs.readFileSync), openSync: vi.fn(fs.openSync) }
})

it('every process was dead to one that could open no more files', async () => {
  const own = ownIdentity()
  expect(isAlive(own)).toBe(true)
  const fs = await import('node:fs')
  const none = () => {
    throw Object.assign(new Error('too many open files'), { code: 'EMFILE' })
  }
  vi.mocked(readFileSync).mockImplementation(none)
  vi.mocked(fs.openSync).mockImplementation(none)
  expect(() => isAlive(own)).toThrow('too many open files')
  expect(() => findByCookie(['RCA_ATTEMPT'], () => true)).toThrow('too many open files')
})
