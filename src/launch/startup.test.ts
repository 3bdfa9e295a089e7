import { expect, it } from 'vitest'
import { until } from './startup.ts'

it('a signal that had fired before anybody waited was not heard: logs -f could not be ended', async () => {
  const signal = AbortSignal.abort()
  expect(await until([], () => undefined, { timeoutMs: null, everyMs: 1_000, signal })).toBeNull()
})
