import { describe, expect, it } from 'vitest'
import { DEFAULT_POLICY, mergePolicy, policyOf } from './policy.ts'
import type { Spec } from './schema.ts'

describe('mergePolicy', () => {
  it('is the defaults where nobody says anything', () => {
    expect(mergePolicy({}, { backoffMs: undefined })).toEqual(DEFAULT_POLICY)
  })

  it('takes every part from the first who says something of it', () => {
    const flags = { backoffMs: 1, deadlineMs: undefined }
    const agent = { backoffMs: 2, deadlineMs: null, stallAfterMs: 2 }
    const all = { backoffMs: 3, deadlineMs: 3, stallAfterMs: 3, jitter: 0 }
    const merged = { ...DEFAULT_POLICY, backoffMs: 1, deadlineMs: null, stallAfterMs: 2, jitter: 0 }
    expect(mergePolicy(flags, agent, all)).toEqual(merged)
  })

  it('is read back from a spec as it was written', () => {
    const policy = mergePolicy({ restart: 'on-failure', deadlineMs: null, maxRetries: 0, stallAfterMs: null })
    expect(policyOf({ policy } as unknown as Spec)).toEqual(policy)
  })
})
