import { expect, it } from 'vitest'
import { nearest } from './nearest.ts'

const KNOWN = [
  'monitor',
  'policy',
  'agents',
  'policy.backoff',
  'policy.maxRetries',
  'policy.stallAfter',
  'fix',
]

it.each([
  ['monitr', 'monitor'],
  ['Monitor', 'monitor'],
  ['agent', 'agents'],
  ['backof', 'policy.backoff'],
  ['backoffMs', 'policy.backoff'],
  ['max-retries', 'policy.maxRetries'],
  ['retries', 'policy.maxRetries'],
  ['stall_after', 'policy.stallAfter'],
  ['policy', 'policy'],
  ['x', null],
  ['', null],
  ['notify', null],
  ['codex', null],
  // Two neighbours swapped are one mistake.
  ['poilcy', 'policy'],
  ['fxi', 'fix'],
  ['ixf', null],
  ['m'.repeat(100_000), null],
])('%.20s: %s', (name, meant) => {
  expect(nearest(name, KNOWN)).toBe(meant)
})
