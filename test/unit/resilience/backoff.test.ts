import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answered, failed } from '../../../src/call/reply.ts'
import { createRandom } from '../../../src/random/random.ts'
import { backoffMs, retryAfterMs } from '../../../src/resilience/backoff.ts'
import type { BackoffOptions } from '../../../src/topology/options.ts'

const context = { edge: 'a->b', random: createRandom(1) }
const waits = (options: BackoffOptions | undefined, n = 5, id = '1') =>
  Array.from({ length: n }, (_, retry) => backoffMs(options, context, { id }, retry))

describe('backoffMs', () => {
  test('is nothing without options', () => {
    expect(waits(undefined, 2)).toEqual([0, 0])
  })

  test('constant waits the same each time', () => {
    expect(waits({ kind: 'constant', ms: 70 }, 3)).toEqual([70, 70, 70])
  })

  test('exponential doubles unless told otherwise', () => {
    expect(waits({ kind: 'exponential', initialMs: 50 })).toEqual([50, 100, 200, 400, 800])
    expect(waits({ kind: 'exponential', initialMs: 10, factor: 3 }, 4)).toEqual([10, 30, 90, 270])
  })

  test('exponential stops growing at maxMs, 30 s by default', () => {
    expect(waits({ kind: 'exponential', initialMs: 50, maxMs: 150 }, 4)).toEqual([50, 100, 150, 150])
    expect(backoffMs({ kind: 'exponential', initialMs: 1_000 }, context, { id: '1' }, 99)).toBe(30_000)
  })

  test('no jitter draws nothing', () => {
    const random = createRandom(1)
    backoffMs({ kind: 'constant', ms: 70, jitter: 'none' }, { edge: 'a->b', random }, { id: '1' }, 0)
    expect(random.used).toBe(false)
  })

  test('full jitter fills [0, wait), equal jitter [wait / 2, wait)', () => {
    for (const [jitter, low] of [
      ['full', 0],
      ['equal', 50],
    ] as const) {
      const drawn = Array.from({ length: 2_000 }, (_, id) =>
        backoffMs({ kind: 'constant', ms: 100, jitter }, context, { id: String(id) }, 0),
      )
      expect(Math.min(...drawn)).toBeGreaterThanOrEqual(low)
      expect(Math.min(...drawn)).toBeLessThan(low + 1)
      expect(Math.max(...drawn)).toBeLessThan(100)
      expect(Math.max(...drawn)).toBeGreaterThan(99)
    }
  })

  test('a draw depends on seed, edge, call and retry, not on other draws', () => {
    const options: BackoffOptions = { kind: 'constant', ms: 100, jitter: 'full' }
    const draw = (seed: number, edge: string, id: string, retry: number) =>
      backoffMs(options, { edge, random: createRandom(seed) }, { id }, retry)
    expect(draw(1, 'a->b', '3.1', 0)).toBe(waits(options, 1, '3.1')[0])
    const others = [
      draw(2, 'a->b', '3.1', 0),
      draw(1, 'a->c', '3.1', 0),
      draw(1, 'a->b', '3.2', 0),
      draw(1, 'a->b', '3.1', 1),
    ]
    expect(new Set([draw(1, 'a->b', '3.1', 0), ...others]).size).toBe(5)
  })
})

describe('retryAfterMs', () => {
  const nowMs = Date.UTC(1994, 10, 6, 8, 49, 7)
  const asked = (value: string) => retryAfterMs(answered(503, { headers: [['retry-after', value]] }), nowMs)

  test('seconds', () => {
    expect(asked('120')).toBe(120_000)
    expect(asked(' 0 ')).toBe(0)
  })

  // The three forms of one date in RFC 9110, section 5.6.7.
  test.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    'the HTTP date %s, counted from now',
    (date) => expect(asked(date)).toBe(30_000),
  )

  test('a date in the past asks for no wait', () => {
    expect(asked('Sun, 06 Nov 1994 08:49:06 GMT')).toBe(0)
  })

  test.each(['', 'soon', '-1', '1.5', '1e3', '99999999999', '2026-01-01', 'Sun, 99 Nov 1994 08:49:37 GMT'])(
    '%j is no Retry-After',
    (value) => expect(asked(value)).toBeUndefined(),
  )

  test('is undefined without the header and for a failure', () => {
    expect(retryAfterMs(answered(503), nowMs)).toBeUndefined()
    expect(retryAfterMs(failed('refused'), nowMs)).toBeUndefined()
  })

  test('any whole second from now on, written as a date, is read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 9 }), (seconds) => {
        expect(asked(new Date(nowMs + seconds * 1000).toUTCString())).toBe(seconds * 1000)
      }),
    )
  })
})
