import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maskFor, withoutSecrets } from './mask.ts'

describe('maskFor', () => {
  const PEM = '-----BEGIN KEY-----\nMIIEvQIBADANBg\nAAAABBBBCCCC\n-----END KEY-----'
  it.each<[Record<string, string>, string, string]>([
    [{ OPENAI_API_KEY: 'sk-1234' }, 'Bearer sk-1234, sk-1234.', 'Bearer $OPENAI_API_KEY, $OPENAI_API_KEY.'],
    [{ A_TOKEN: 'abc.*' }, 'abc.* abcd', '$A_TOKEN abcd'],
    [{ A_TOKEN: '$&$1' }, 'x$&$1x', 'x$A_TOKENx'],
    [{ A_KEY: 'secret', B_KEY: 'secret-longer' }, 'secret-longer secret', '$B_KEY $A_KEY'],
    [
      { HTTPS_PROXY: 'http://ann:p%40ss-w0rd@proxy:3128' },
      'p@ss-w0rd or p%40ss-w0rd',
      '$HTTPS_PROXY or $HTTPS_PROXY',
    ],
    [{ DEPLOY_KEY: PEM }, 'it read MIIEvQIBADANBg', 'it read $DEPLOY_KEY'],
    [{ NODE_ENV: 'production' }, 'for production', 'for $NODE_ENV'],
    [{ CI: '1', VERBOSE: 'yes' }, '1 yes', '1 yes'],
    [
      { HOME: '/root', PATH: '/bin', LANG: 'C.UTF-8', USER: 'root' },
      '/root/bin root C.UTF-8',
      '/root/bin root C.UTF-8',
    ],
    [{ EMPTY_TOKEN: '', BLANK_KEY: '   ' }, 'a   b', 'a   b'],
    [{}, 'as it is', 'as it is'],
  ])('%j', (env, text, masked) => {
    expect(maskFor(env)(text)).toBe(masked)
  })

  it('of a text that was cut off in the middle of a secret left the half of it', () => {
    const mask = maskFor({ OPENAI_API_KEY: 'sk-1234567890abcdef', NAME: 'sk-1234x' })
    expect(mask('it failed with key sk-1234567890abc…')).toBe('it failed with key $OPENAI_API_KEY…')
    expect(mask('it failed with key sk-1…')).toBe('it failed with key sk-1…')
    expect(mask('it failed with key sk-1234567890abc')).toBe('it failed with key sk-1234567890abc')
  })

  it('leaves no secret in any text', () => {
    const secret = fc
      .string({ minLength: 4, unit: 'grapheme' })
      .filter((one) => one.trim().length > 3 && !one.includes('$'))
    fc.assert(
      fc.property(fc.string(), secret, fc.string(), (before, value, after) => {
        const text = maskFor({ SOME_KEY: value })(`${before}${value}${after}`)
        fc.pre(!'$SOME_KEY'.includes(value))
        expect(text.replaceAll('$SOME_KEY', '\n')).not.toContain(value)
      }),
    )
  })
})

describe('withoutSecrets', () => {
  it('takes them out of a receiver’s words', () => {
    expect(withoutSecrets('POST https://x/T0/abc: no abc', ['https://x/T0/abc', 'ab'])).toBe('POST …: no abc')
  })
})
