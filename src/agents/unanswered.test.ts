import { describe, expect, it } from 'vitest'
import { isUnanswered, type Stored, textOf } from './unanswered.ts'

const said = (text: string): Stored => ({ said: text })

describe('isUnanswered', () => {
  it.each<[string, Stored[], boolean]>([
    ['nothing is stored', [], false],
    ['it is not', [said('one'), 'answer'], false],
    ['it is, and nothing behind it', [said('one'), 'answer', said('two')], true],
    ['it was answered', [said('one'), 'answer', said('two'), 'answer'], false],
    ['the same was said and answered before', [said('two'), 'answer'], false],
    ['and again, without an answer', [said('two'), 'answer', said('two')], true],
    ['somebody asked to go on since', [said('two'), said('go on')], true],
    ['and that was answered', [said('two'), said('go on'), 'answer'], false],
    ['an agent trims it', [said('  two\n')], true],
    ['more was said than that', [said('two and a half')], false],
  ])('%s', (_, messages, expected) => {
    expect(isUnanswered(messages, 'two\n')).toBe(expected)
  })
})

describe('textOf', () => {
  it.each<[unknown, string | null]>([
    ['plain', 'plain'],
    [[{ type: 'text', text: 'a' }, { type: 'image' }, { type: 'text', text: 'b' }], 'a\nb'],
    [[{ type: 'tool_result', content: 'a' }], null],
    [[], null],
    [null, null],
    [[null, 3], null],
  ])('%j', (content, expected) => {
    expect(textOf(content, 'text')).toBe(expected)
  })
})
