import { describe, expect, it } from 'vitest'
import { policyFromFlags } from './settings.ts'
import { mergePolicy } from './task/policy.ts'

describe('flags -> policy', () => {
  it('says nothing without flags', () => {
    expect(mergePolicy(policyFromFlags({ json: true, monitor: true }))).toEqual(mergePolicy())
  })

  it('reads durations, numbers and none', () => {
    const options = {
      restart: 'never',
      backoff: '90',
      deadline: 'none',
      maxRetries: '5',
      stallAfter: '1h30m',
      onStall: 'restart',
    }
    expect(policyFromFlags(options)).toMatchObject({
      restart: 'never',
      backoffMs: 90_000,
      deadlineMs: null,
      maxRetries: 5,
      stallAfterMs: 5_400_000,
      onStall: 'restart',
    })
    expect(policyFromFlags({ maxRetries: 'none', stallAfter: 'none' })).toMatchObject({
      maxRetries: null,
      stallAfterMs: null,
    })
    expect(policyFromFlags({ maxRetries: '0' })).toMatchObject({ maxRetries: 0 })
  })

  it.each([
    [{ backoff: 'soon' }, '--backoff: "soon" is not a duration'],
    [{ backoff: 'none' }, '--backoff: "none" is not a duration'],
    [{ backoff: '0s' }, '--backoff: "0s" is less than a millisecond'],
    [{ backoff: '-5' }, '--backoff: "-5" is not a duration'],
    [{ backoff: '' }, '--backoff: "" is not a duration'],
    [{ deadline: '0' }, '--deadline: "0" is less than a millisecond'],
    [{ deadline: '366d' }, '--deadline: "366d" is longer than a year'],
    [{ maxLogSize: '5' }, /^--max-log-size: "5" is not a size$/],
    [{ maxLogSize: '10KB' }, /^--max-log-size: "10KB" is less than 1MB$/],
    [{ maxLogSize: '9999TB' }, /^--max-log-size: "9999TB" is more than 1024TB$/],
    [{ stallAfter: '9'.repeat(400) }, /^--stall-after: "9{58}… is longer than a year$/],
    [{ maxRetries: '-1' }, '--max-retries: "-1" is not a whole number from 0 to 10000'],
    [{ maxRetries: '1.5' }, '--max-retries: "1.5" is not a whole number from 0 to 10000'],
    [{ maxRetries: '10001' }, '--max-retries: 10001 is not a whole number from 0 to 10000'],
    [{ maxRetries: '' }, '--max-retries: "" is not a whole number from 0 to 10000'],
    [{ onStall: 'kill' }, '--on-stall: "kill" is none'],
  ])('%j is refused', (options, message) => {
    const matching = typeof message === 'string' ? message : expect.stringMatching(message)
    const refused = expect(() => policyFromFlags(options))
    refused.toThrow(expect.objectContaining({ code: 'usage', exitCode: 2, message: matching }))
  })
})
