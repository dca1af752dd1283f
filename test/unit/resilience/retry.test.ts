import { describe, expect, test } from 'vitest'
import { answered, failed } from '../../../src/call/reply.ts'
import { retry } from '../../../src/resilience/retry.ts'
import { bench, callee, ok, refused, streamed, unavailable } from './bench.ts'

describe('retry', () => {
  test('sends again after a failure and gives back the first success', async () => {
    const { context, send } = bench()
    const { next, seen } = callee(unavailable, refused, ok)
    expect(await send(retry({ attempts: 2 }, context), next)).toBe(ok)
    expect(seen.map(({ attempt }) => attempt)).toEqual([0, 1, 2])
    expect(seen.every(Object.isFrozen)).toBe(true)
  })

  test('attempts are retries: the last reply stands after one try more than that', async () => {
    const { context, send } = bench()
    const { next, seen } = callee(unavailable, unavailable, refused, ok)
    expect(await send(retry({ attempts: 2 }, context), next)).toBe(refused)
    expect(seen).toHaveLength(3)
  })

  test('attempts 0 never sends again', async () => {
    const { context, send, entries } = bench()
    const { next, seen } = callee(unavailable)
    await send(retry({ attempts: 0 }, context), next)
    expect(seen).toHaveLength(1)
    expect(entries('retry.scheduled')).toEqual([])
  })

  test.each([ok, answered(404), failed('circuit-open'), failed('bulkhead-full'), failed('aborted')])(
    'leaves $outcome $status as it is',
    async (reply) => {
      const { context, send } = bench()
      const { next, seen } = callee(reply)
      expect(await send(retry({ attempts: 3 }, context), next)).toBe(reply)
      expect(seen).toHaveLength(1)
    },
  )

  test('on says what is sent again', async () => {
    const { context, send } = bench()
    const { next, seen } = callee(answered(429), unavailable)
    expect(await send(retry({ attempts: 5, on: [429] }, context), next)).toBe(unavailable)
    expect(seen).toHaveLength(2)
  })

  test('writes down each retry with the number of the coming try, its wait and the reason', async () => {
    const { clock, context, entries, send } = bench()
    const { next } = callee(unavailable, refused, failed('timeout'), ok)
    const filter = retry({ attempts: 3, backoff: { kind: 'exponential', initialMs: 50 } }, context)
    expect(await clock.run(send(filter, next))).toBe(ok)
    const common = { call: '1', edge: 'orders->payments' }
    expect(entries('retry.scheduled')).toEqual([
      { t: 0, ...common, attempt: 1, delayMs: 50, reason: '503' },
      { t: 50, ...common, attempt: 2, delayMs: 100, reason: 'refused' },
      { t: 150, ...common, attempt: 3, delayMs: 200, reason: 'timeout' },
    ])
    expect(clock.elapsedMs).toBe(350)
  })

  test('needs no timer when there is nothing to wait for', async () => {
    const { clock, context, send } = bench()
    const answer = send(retry({ attempts: 1 }, context), callee(refused, ok).next)
    await clock.flush()
    expect(clock.pending).toBe(0)
    expect(await answer).toBe(ok)
  })

  test('a longer Retry-After replaces the backoff, a shorter one does not', async () => {
    const { clock, context, entries, send } = bench()
    const after = (seconds: string) => answered(503, { headers: [['retry-after', seconds]] })
    const filter = retry({ attempts: 2, backoff: { kind: 'constant', ms: 1_500 } }, context)
    await clock.run(send(filter, callee(after('2'), after('1'), ok).next))
    expect(entries('retry.scheduled').map(({ delayMs }) => delayMs)).toEqual([2_000, 1_500])
  })

  test('a Retry-After date is read against the mesh clock', async () => {
    const { clock, context, entries, send } = bench()
    const date = new Date(clock.now() + 5_000).toUTCString()
    await clock.run(
      send(retry({ attempts: 1 }, context), callee(answered(503, { headers: [['retry-after', date]] }), ok).next),
    )
    expect(entries('retry.scheduled').map(({ delayMs }) => delayMs)).toEqual([5_000])
  })

  test('honourRetryAfter false ignores it', async () => {
    const { context, entries, send } = bench()
    const asking = answered(503, { headers: [['retry-after', '9']] })
    await send(retry({ attempts: 1, honourRetryAfter: false }, context), callee(asking, ok).next)
    expect(entries('retry.scheduled').map(({ delayMs }) => delayMs)).toEqual([0])
  })

  test('a call that aborts while it waits ends at once and is not sent again', async () => {
    const { clock, context, newCall } = bench()
    const caller = new AbortController()
    const { next, seen } = callee(unavailable, ok)
    const filter = retry({ attempts: 1, backoff: { kind: 'constant', ms: 1_000 } }, context)
    const answer = filter(newCall({ signal: caller.signal }), next)
    await clock.advance(400)
    caller.abort()
    expect(await answer).toMatchObject({ outcome: 'aborted' })
    expect([seen.length, clock.pending, clock.elapsedMs]).toEqual([1, 0, 400])
  })

  test('a call that aborted during its try is not sent again', async () => {
    const { context, entries, newCall } = bench()
    const caller = new AbortController()
    const reply = await retry({ attempts: 3 }, context)(newCall({ signal: caller.signal }), async () => {
      caller.abort()
      return refused
    })
    expect(reply).toBe(refused)
    expect(entries('retry.scheduled')).toEqual([])
  })

  test('the body of a reply that is dropped is cancelled, that of the last one is not', async () => {
    const { context, send } = bench()
    const [first, last] = [streamed(503), streamed(503)]
    await send(retry({ attempts: 1 }, context), callee(first.reply, last.reply).next)
    expect([first.isCancelled, last.isCancelled]).toEqual([true, false])
  })

  test('waits with jitter do not depend on what other calls do', async () => {
    const delays = async (order: string[]) => {
      const { clock, context, entries, newCall } = bench('seed')
      const filter = retry({ attempts: 2, backoff: { kind: 'exponential', initialMs: 50, jitter: 'full' } }, context)
      await clock.run(Promise.all(order.map((id) => filter(newCall({ id }), callee(refused).next))))
      return new Set(entries('retry.scheduled').map(({ call, attempt, delayMs }) => `${call}/${attempt}: ${delayMs}`))
    }
    expect(await delays(['1', '2', '3'])).toEqual(await delays(['3', '1', '2']))
  })
})
