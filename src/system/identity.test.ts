import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import {
  bootId,
  host,
  identityOf,
  isAlive,
  isHere,
  ownIdentity,
  parseSelf,
  parseStat,
  pidNamespace,
} from './identity.ts'

const STAT = '77 (a (b) c) S 1 70 70 34816 80 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456 1 1 1'

describe('parseStat', () => {
  it('reads a line whose name holds blanks and brackets', () => {
    expect(parseStat(STAT)).toEqual({
      ...{ pid: 77, state: 'S', ppid: 1, pgrp: 70, tpgid: 80 },
      ...{ start: '123456', memory: 1 },
    })
  })
  it.each(['', 'x', '1 (x) S', '(x) S 1 2'])('refuses %j', (line) => expect(parseStat(line)).toBeNull())
})

describe('parseSelf', () => {
  it.each([
    [`proc boot-1 ${STAT}\n`, { pid: 77, start: '123456', boot: 'boot-1' }],
    [
      'ps boot-2   99 Sat Nov 21 01:00:00 2026\n',
      { pid: 99, start: 'Sat Nov 21 01:00:00 2026', boot: 'boot-2' },
    ],
    ['', null],
    ['called-off x 1 2', null],
    ['proc boot-1 77 (x', null],
  ])('%j', (text, identity) => expect(parseSelf(text)).toEqual(identity))
})

describe('isAlive', () => {
  it('knows this process, and no other that has its pid', () => {
    const own = ownIdentity()
    expect(isAlive(own)).toBe(true)
    expect(isAlive({ ...own, start: `${own.start}1` })).toBe(false)
    expect(isAlive({ ...own, boot: 'another' })).toBe(false)
    expect(own.boot).toBe(bootId())
  })
  it('knows when a process has ended', async () => {
    const child = spawn('sleep', ['60'])
    const identity = identityOf(child.pid ?? 0)
    expect(identity && isAlive(identity)).toBe(true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(identity && isAlive(identity)).toBe(false)
  })
})

describe('isHere', () => {
  it('host-renamed: knows this machine by its boot when its name has changed', () => {
    expect(isHere({ host: host(), boot: 'another' })).toBe(true)
    expect(isHere({ host: 'renamed', boot: bootId() })).toBe(true)
    expect(isHere({ host: 'renamed', boot: 'another' })).toBe(false)
  })
  it('took a container that shares the folder and the kernel for this machine, and all that lives in it for dead', () => {
    expect(isHere({ host: 'container', boot: bootId(), pids: 'pid:[1]' })).toBe(false)
    expect(isHere({ host: 'renamed', boot: bootId(), pids: pidNamespace() })).toBe(true)
    expect(isHere({ host: host(), boot: bootId(), pids: 'pid:[1]' })).toBe(true)
  })
})
