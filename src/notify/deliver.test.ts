import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Receiver } from '../../test/e2e/receiver.ts'
import { iso } from '../../test/fixtures/entries.ts'
import { tryOnce } from './deliver.ts'
import { channelOf } from './index.ts'
import { testNotice } from './notice.ts'

const notice = testNotice('1', 'box', iso(0))

describe('a receiver that says in its answer where the request went', () => {
  const receiver = new Receiver()
  let folder: string
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rca-'))
    await receiver.up()
    // As Express does.
    receiver.answer = ({ path, headers }, response) => {
      const authorization = Buffer.from(headers.authorization?.split(' ')[1] ?? '', 'base64').toString()
      response.writeHead(404).end(`<title>Error</title><pre>Cannot POST ${path}</pre> ${authorization}`)
    }
  })
  afterEach(async () => {
    await receiver.down()
    rmSync(folder, { recursive: true })
  })

  const failure = async (settings: object) => {
    const record = { name: 'team', type: 'slack', on: [], timeoutMs: 5_000, ...settings }
    const channel = channelOf(record)
    if (!channel) throw new Error('no channel')
    const outcome = await tryOnce(channel, notice, 1, new AbortController().signal)
    expect(outcome).toMatchObject({ ok: false, error: expect.stringContaining('HTTP 404') })
    return 'error' in outcome ? outcome.error : ''
  }
  const inFile = (text: string) => {
    writeFileSync(join(folder, 'url'), `${text}\n`)
    return { file: join(folder, 'url') }
  }
  const ADDRESS = '/services/T0AAA/B0BBB/s3cr3tW0rd?token=t0k3nt0k3n'

  it.each([
    ['in config.json', (url: string) => url],
    ['in a file', inFile],
  ])('gave away an address %s', async (_, kept) => {
    const url = receiver.url(ADDRESS).replace('//', '//ann:p%40ssw0rd@')
    const error = await failure({ url: kept(url) })
    for (const part of ['services', 's3cr3t', 'B0BBB', 't0k3n', 'p@ss', 'p%40ss'])
      expect(error).not.toContain(part)
    expect(error).toContain('Cannot POST …')
  })

  it('gave away the beginning of an address that was cut off', async () => {
    const before = 'x'.repeat(150)
    const error = await failure({ url: receiver.url(`/${before}/${'s3cr3tW0rd'.repeat(9)}`) })
    expect(error).not.toContain('s3cr3t')
  })
})
