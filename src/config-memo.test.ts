import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from './config.ts'
import { rememberConfig, rememberedConfig } from './config-memo.ts'

let home: string
let env: Record<string, string>
const memo = () => join(home, '.cache/rca/config')
const write = (text: string) => writeFileSync(join(home, '.config/rca/config.json'), text, { mode: 0o600 })

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rca-memo-'))
  env = { HOME: home }
  mkdirSync(join(home, '.config/rca'), { recursive: true })
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

describe('a config.json that was checked', () => {
  const text =
    '{"monitor": false, "policy": {"backoff": "1m", "maxRetries": null}, "agents": {"pi": {"args": ["x"]}}}'

  it('says the same when it is read again, without being checked', () => {
    write(text)
    const first = loadConfig(env)
    expect(first).toMatchObject({
      monitor: false,
      policy: { backoffMs: 60_000 },
      agents: { pi: { args: ['x'] } },
    })
    expect(statSync(memo()).mode & 0o777).toBe(0o600)
    // Undefined and absent are the same to whoever merges it.
    expect(loadConfig(env)).toEqual(first)
    expect(rememberedConfig(text, env)).not.toBeNull()
  })
  it('is checked anew when it says something else', () => {
    write(text)
    loadConfig(env)
    write('{"monitor": true}')
    expect(loadConfig(env)).toMatchObject({ monitor: true, policy: {} })
    write('{"monitor": "no"}')
    expect(() => loadConfig(env)).toThrow(/config\.json: monitor/)
    expect(() => loadConfig(env)).toThrow(/config\.json: monitor/)
  })
  it.each([
    ['is damaged', () => writeFileSync(memo(), '{"rca":')],
    ['can be written by others', () => chmodSync(memo(), 0o622)],
    ['is gone', () => rmSync(memo())],
  ])('is checked anew where what is remembered %s', (_, spoil) => {
    write(text)
    loadConfig(env)
    spoil()
    expect(rememberedConfig(text, env)).toBeNull()
    expect(loadConfig(env)).toMatchObject({ monitor: false })
    expect(rememberedConfig(text, env)).not.toBeNull()
  })
  it('with channels is not remembered, and nothing is where nothing can be kept', () => {
    const channels = { me: { type: 'bell', on: undefined, timeoutMs: undefined, settings: {} } }
    const config = loadConfig(env)
    rememberConfig('{}', { ...config, notify: { ...config.notify, channels } as never }, env)
    expect(rememberedConfig('{}', env)).toBeNull()
    rememberConfig('{}', config, {})
    writeFileSync(join(home, '.cache'), '')
    rememberConfig('{}', config, env)
    expect(readdirSync(home).sort()).toEqual(['.cache', '.config'])
  })
})
