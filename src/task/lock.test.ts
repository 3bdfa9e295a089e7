import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { host, ownIdentity } from '../system/identity.ts'
import { acquireLock } from './lock.ts'

describe('acquireLock', () => {
  let state: string
  const folder = () => join(state, 'locks', 'codex-x')
  const leave = (holder: object, where = host()) => {
    mkdirSync(folder(), { recursive: true, mode: 0o700 })
    writeFileSync(join(folder(), 'left-behind'), JSON.stringify({ holder, host: where, what: 'rca start' }))
  }
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'rca-lock-'))
  })
  afterEach(() => rmSync(state, { recursive: true }))

  it('lets one in at a time, and all in the end', async () => {
    let inside = 0
    let most = 0
    const one = async () => {
      const lock = await acquireLock(state, 'codex-x', 'test', 20_000)
      inside += 1
      most = Math.max(most, inside)
      await sleep(1)
      inside -= 1
      lock.release()
    }
    await Promise.all(Array.from({ length: 12 }, one))
    expect(most).toBe(1)
    expect(readdirSync(folder())).toEqual([])
  })
  it('says who is in the way when the wait is over', async () => {
    leave(ownIdentity())
    await expect(acquireLock(state, 'codex-x', 'test', 50)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(`rca start (pid ${process.pid})`),
    })
    expect(readdirSync(folder())).toEqual(['left-behind'])
  })
  it.each([
    ['ended', { pid: 2 ** 22 + 1, start: '1', boot: ownIdentity().boot }],
    ['had this pid earlier', { ...ownIdentity(), start: '1' }],
    ['lived in another boot', { ...ownIdentity(), boot: 'another' }],
  ])('passes over a holder that %s', async (_, holder) => {
    leave(holder)
    const lock = await acquireLock(state, 'codex-x', 'test', 0)
    expect(readdirSync(folder())).toHaveLength(1)
    lock.release()
  })
  it('passes over what a power loss left empty, and nothing else that cannot be read', async () => {
    mkdirSync(folder(), { recursive: true, mode: 0o700 })
    writeFileSync(join(folder(), 'empty'), '')
    await expect(acquireLock(state, 'codex-x', 'test', 0)).rejects.toMatchObject({ code: 'conflict' })
    utimesSync(join(folder(), 'empty'), 1, 1)
    const lock = await acquireLock(state, 'codex-x', 'test', 0)
    expect(readdirSync(folder())).toHaveLength(1)
    lock.release()
  })
  it('does not pass over a holder on another machine', async () => {
    leave({ pid: 1, start: '1', boot: 'theirs' }, 'elsewhere')
    await expect(acquireLock(state, 'codex-x', 'test', 0)).rejects.toMatchObject({ code: 'conflict' })
  })
})
