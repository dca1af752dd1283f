import { describe, expect, test } from 'vitest'
import { responseTime } from '../../../src/backend/response-time-filter.ts'
import { exponential, sampleResponseTime } from '../../../src/backend/response-time.ts'
import { createRandom } from '../../../src/random/random.ts'
import { bench, callee, ok } from '../resilience/bench.ts'

describe('responseTime', () => {
  test('the callee sees the call only after its time', async () => {
    const { clock, context, send } = bench()
    const { next, seen } = callee(ok)
    const answer = send(responseTime(25, context), next)
    await clock.advance(24)
    expect(seen).toHaveLength(0)
    await clock.advance(1)
    expect(seen).toHaveLength(1)
    expect(await answer).toBe(ok)
  })

  test('0 needs no timer', async () => {
    const { clock, context, send } = bench()
    const answer = send(responseTime(0, context), callee(ok).next)
    expect(clock.pending).toBe(0)
    expect(await answer).toBe(ok)
  })

  test('is drawn by edge, call and attempt', async () => {
    const spec = exponential({ meanMs: 40 })
    const waited = async (changes: { nth?: number; attempt?: number; edge?: string }) => {
      const { clock, context, newCall } = bench()
      await clock.run(responseTime(spec, context)(newCall(changes), callee(ok).next))
      return clock.elapsedMs
    }
    const expected = (edge: string, attempt: number, nth: number) =>
      sampleResponseTime(spec, createRandom(1), `${edge} attempt ${attempt}`, nth)
    expect(await waited({ nth: 3 })).toBeCloseTo(expected('orders->payments', 0, 3), 3)
    expect(await waited({ nth: 3, attempt: 1 })).toBeCloseTo(expected('orders->payments', 1, 3), 3)
    expect(await waited({ nth: 4 })).toBeCloseTo(expected('orders->payments', 0, 4), 3)
    expect(await waited({ nth: 3, edge: 'web->payments' })).toBeCloseTo(expected('web->payments', 0, 3), 3)
  })

  test('a call that aborts meanwhile ends at once, unseen by the callee', async () => {
    const { clock, context, newCall } = bench()
    const caller = new AbortController()
    const { next, seen } = callee(ok)
    const answer = responseTime(1_000, context)(newCall({ signal: caller.signal }), next)
    await clock.advance(10)
    caller.abort()
    expect(await answer).toMatchObject({ outcome: 'aborted' })
    expect([seen.length, clock.pending]).toEqual([0, 0])
  })
})
