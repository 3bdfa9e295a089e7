import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { load } from './load.ts'
import { writePack } from './pack.ts'

const NOWHERE = { NODE_DISABLE_COMPILE_CACHE: '1' }

describe('the pack', () => {
  let dir: string
  let path: string
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'rca-pack-'))
    path = join(dir, 'rca.pack')
    await writePack(path, 'src/main.ts', false)
  }, 60_000)
  afterAll(() => rmSync(dir, { recursive: true }))

  it('holds all modules, each of which can be loaded first', () => {
    const [table = ''] = readFileSync(path, 'latin1').split('\n', 1)
    const ids = Object.keys(JSON.parse(table).modules)
    expect(ids.length).toBeGreaterThan(200)
    for (const id of ids.filter((one) => one.startsWith('src/'))) {
      const found = load(path, id, 'part', NOWHERE) as Record<string, unknown>
      // Every name that it exports is there, whatever it was loaded from.
      for (const name of Object.keys(found)) expect(found[name], `${id}: ${name}`).toBeDefined()
    }
  })
  it('an import that was spread into an object was taken for a property: no channel was known', async () => {
    const settings = load(
      path,
      'src/notify/settings.ts',
      'part',
      NOWHERE,
    ) as typeof import('../notify/settings.ts')
    const none = { channels: {}, default: [], on: undefined, progressEveryMs: undefined }
    const flags = { channels: ['webhook:http://127.0.0.1:9/x'], on: null, progressEvery: null }
    const caller = { env: {}, cwd: '/', tmuxSocket: '/tmp/x' } as never
    expect(settings.notifySpec(flags, none, caller)).toMatchObject({ channels: [{ type: 'webhook' }] })
  })
})
