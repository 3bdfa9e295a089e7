import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findByCookie } from './processes.ts'

const NAME = 'RCA_TEST_COOKIE'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rca-processes-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

describe.skipIf(process.platform !== 'linux')('findByCookie', () => {
  it('took a process that was in the middle of an exec for none, and a second agent was started beside it', async () => {
    const script = join(dir, 'again')
    writeFileSync(script, '#!/bin/sh\nexec "$0"\n', { mode: 0o755 })
    const child = spawn(script, { env: { [NAME]: dir }, stdio: 'ignore' })
    try {
      await new Promise((resolve) => child.once('spawn', resolve))
      const looks = Array.from({ length: 300 }, () => findByCookie([NAME], (value) => value === dir).length)
      expect(looks.filter((one) => one === 0)).toHaveLength(0)
    } finally {
      child.kill('SIGKILL')
    }
  })
})
