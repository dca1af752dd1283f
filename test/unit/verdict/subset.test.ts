import fc from 'fast-check'
import { expect, test } from 'vitest'
import { containsSubset } from '../../../src/verdict/subset.ts'

test('objects may have more keys, at any depth', () => {
  expect(containsSubset({ a: { b: 1, c: 2 }, d: 3 }, { a: { b: 1 } })).toBe(true)
  expect(containsSubset({ a: { b: 1 } }, { a: { b: 2 } })).toBe(false)
  expect(containsSubset({}, { a: 1 })).toBe(false)
  expect(containsSubset(undefined, {})).toBe(false)
})

test('lists have the same length', () => {
  expect(containsSubset([{ a: 1, b: 2 }], [{ a: 1 }])).toBe(true)
  expect(containsSubset([1, 2], [1])).toBe(false)
  expect(containsSubset({ 0: 1 }, [1])).toBe(false)
  expect(containsSubset([1], { 0: 1 })).toBe(false)
})

test("a runner's asymmetric matcher decides for itself", () => {
  expect(containsSubset({ id: 7 }, { id: expect.any(Number) })).toBe(true)
  expect(containsSubset({ id: '7' }, { id: expect.any(Number) })).toBe(false)
})

test('any JSON contains itself', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => containsSubset(value, structuredClone(value))))
})
