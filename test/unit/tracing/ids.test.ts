import { describe, expect, test } from 'vitest'
import { createRandom } from '../../../src/random/random.ts'
import { createIds } from '../../../src/tracing/ids.ts'
import { aCall } from './calls.ts'

describe('createIds', () => {
  test('gives hex ids of the right length, the same for the same seed and call', () => {
    const [one, other] = [createIds(createRandom(7)), createIds(createRandom(7))]
    const call = aCall({ id: '3.1' })
    expect(one.traceId(call, 'client')).toMatch(/^[0-9a-f]{32}$/)
    expect(one.spanId(call, 'client')).toMatch(/^[0-9a-f]{16}$/)
    expect(other.spanId(aCall({ id: '9' }), 'client')).not.toBe(one.spanId(call, 'client'))
    expect(other.traceId(call, 'client')).toBe(one.traceId(call, 'client'))
    expect(other.spanId(call, 'client')).toBe(one.spanId(call, 'client'))
  })

  test('differs by seed, call, attempt and side', () => {
    const seven = createIds(createRandom(7))
    const ids = [
      seven.spanId(aCall({ id: '1' }), 'client'),
      seven.spanId(aCall({ id: '1' }), 'server'),
      seven.spanId(aCall({ id: '1', attempt: 1 }), 'client'),
      seven.spanId(aCall({ id: '1.1' }), 'client'),
      createIds(createRandom(8)).spanId(aCall({ id: '1' }), 'client'),
    ]
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('keeps the retries of a call in one trace', () => {
    const ids = createIds(createRandom(7))
    expect(ids.traceId(aCall({ attempt: 2 }), 'client')).toBe(ids.traceId(aCall({ attempt: 0 }), 'client'))
  })

  test('does not count as chance', () => {
    const random = createRandom(7)
    createIds(random).traceId(aCall(), 'client')
    expect(random.used).toBe(false)
  })

  test('draws each of the right-most 7 bytes evenly, so that the random flag is honest', () => {
    const ids = createIds(createRandom('bytes'))
    const count = 4096
    const seen = new Set<string>()
    const sums = Array<number>(7).fill(0)
    const ones = Array<number>(56).fill(0)
    for (let i = 0; i < count; i++) {
      const right = ids.traceId(aCall({ id: String(i) }), 'server').slice(18)
      seen.add(right)
      Buffer.from(right, 'hex').forEach((byte, at) => {
        sums[at]! += byte
        for (let bit = 0; bit < 8; bit++) ones[at * 8 + bit]! += (byte >> bit) & 1
      })
    }
    expect(seen.size).toBe(count)
    // Six standard errors around the mean of a uniform byte (127.5, deviation 73.9) and of a fair bit.
    for (const sum of sums) expect(Math.abs(sum / count - 127.5)).toBeLessThan((6 * 73.9) / Math.sqrt(count))
    for (const one of ones) expect(Math.abs(one / count - 0.5)).toBeLessThan((6 * 0.5) / Math.sqrt(count))
  })

  test('never gives all zeroes', () => {
    const zero = { seed: 'x' }
    const ids = createIds(zero)
    for (let i = 0; i < 100; i++) expect(ids.spanId(aCall({ id: String(i) }), 'client')).not.toBe('0'.repeat(16))
  })
})
