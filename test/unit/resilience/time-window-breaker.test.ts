import { CircuitState as Phase } from 'cockatiel'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TimeWindowBreaker } from '../../../src/resilience/time-window-breaker.ts'

const breakerAt = (options: { failureRatio: number; overMs: number; minimumCalls: number }) => {
  const clock = { nowMs: Date.UTC(2026, 0, 1), now: () => clock.nowMs }
  return { clock, breaker: new TimeWindowBreaker(options, clock) }
}

describe('TimeWindowBreaker', () => {
  test('a result counts for exactly overMs', () => {
    const { clock, breaker } = breakerAt({ failureRatio: 0.5, overMs: 100, minimumCalls: 1 })
    breaker.failure(Phase.Closed)
    clock.nowMs += 99
    expect(breaker.state).toEqual({ failures: 1, total: 1 })
    clock.nowMs += 1
    expect(breaker.state).toEqual({ failures: 0, total: 0 })
  })

  test('any failure breaks outside of closed', () => {
    const { breaker } = breakerAt({ failureRatio: 0.5, overMs: 100, minimumCalls: 50 })
    expect(breaker.failure(Phase.HalfOpen)).toBe(true)
  })

  test('a success in half-open starts the window afresh', () => {
    const { breaker } = breakerAt({ failureRatio: 0.5, overMs: 100, minimumCalls: 5 })
    breaker.failure(Phase.Closed)
    breaker.success(Phase.HalfOpen)
    expect(breaker.state).toEqual({ failures: 0, total: 1 })
  })

  test('agrees with counting the whole history each time', () => {
    const result = fc.record({ afterMs: fc.nat(60), isFailure: fc.boolean() })
    const limits = fc.record({ overMs: fc.integer({ min: 1, max: 200 }), minimumCalls: fc.integer({ min: 1, max: 6 }) })
    fc.assert(
      fc.property(limits, fc.array(result, { maxLength: 60, size: 'max' }), (options, results) => {
        const { clock, breaker } = breakerAt({ failureRatio: 0.4, ...options })
        const history: { atMs: number; isFailure: boolean }[] = []
        for (const { afterMs, isFailure } of results) {
          clock.nowMs += afterMs
          history.push({ atMs: clock.nowMs, isFailure })
          const window = history.filter(({ atMs }) => atMs > clock.nowMs - options.overMs)
          const failures = window.filter((one) => one.isFailure).length
          const breaks = isFailure ? breaker.failure(Phase.Closed) : (breaker.success(Phase.Closed), false)
          expect(breaks).toBe(isFailure && window.length >= options.minimumCalls && failures > 0.4 * window.length)
          expect(breaker.state).toEqual({ failures, total: window.length })
        }
      }),
      { numRuns: 300 },
    )
  })
})
