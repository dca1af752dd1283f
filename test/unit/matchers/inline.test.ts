import { describe, expect, test } from 'vitest'
import { inline } from '../../../matchers/inline.ts'

const circular: { self?: object } = {}
circular.self = circular

describe('inline', () => {
  test.each<[unknown, string]>([
    ["it's", "'it\\'s'"],
    [{ afterFailures: 5, times: undefined }, '{ afterFailures: 5 }'],
    [{ 'x-id': [1, null, true] }, "{ 'x-id': [1, null, true] }"],
    [{}, '{}'],
    [[], '[]'],
    [() => 1, '[function]'],
    [function isLate() {}, '[function isLate]'],
    [[[[[[[1]]]]]], '[[[[[[...]]]]]]'],
    [circular, '{ self: { self: { self: { self: { self: {...} } } } } }'],
  ])('writes %j as one would in a test', (value, text) => {
    expect(inline(value)).toBe(text)
  })

  test('cuts what is long', () => {
    expect(inline('x'.repeat(500))).toHaveLength(120)
    expect(inline('x'.repeat(500))).toMatch(/x\.\.\.$/)
  })
})
