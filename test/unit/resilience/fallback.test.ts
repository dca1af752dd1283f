import { describe, expect, test } from 'vitest'
import { answered, failed } from '../../../src/call/reply.ts'
import { fallback } from '../../../src/resilience/fallback.ts'
import { bench, callee, ok, streamed, unavailable } from './bench.ts'

const pending = { status: 202, json: { status: 'payment-pending' } }

describe('fallback', () => {
  test.each([
    [unavailable, '503'],
    [failed('refused'), 'refused'],
    [failed('timeout'), 'timeout'],
    [failed('circuit-open'), 'circuit-open'],
    [failed('bulkhead-full'), 'bulkhead-full'],
    [failed('handler-failed'), 'handler-failed'],
  ])('answers in place of $outcome $status', async (reply, reason) => {
    const { context, entries, send } = bench()
    const answer = await send(fallback(pending, context), callee(reply).next)
    expect(answer).toMatchObject({ outcome: 'answered', status: 202, via: 'fallback' })
    expect(new TextDecoder().decode((answer as { body: Uint8Array }).body)).toBe('{"status":"payment-pending"}')
    expect(entries('fallback.used')).toEqual([{ t: 0, call: '1', edge: 'orders->payments', reason, status: 202 }])
  })

  test.each([ok, answered(404), failed('aborted'), failed('hung')])(
    'leaves $outcome $status as it is',
    async (reply) => {
      const { context, entries, send } = bench()
      expect(await send(fallback(pending, context), callee(reply).next)).toBe(reply)
      expect(entries('fallback.used')).toEqual([])
    },
  )

  test('waits its delayMs on the clock first', async () => {
    const { clock, context, entries, send } = bench()
    await clock.run(send(fallback({ status: 200, delayMs: 40 }, context), callee(unavailable).next))
    expect(entries('fallback.used').map(({ t }) => t)).toEqual([40])
  })

  test('a caller that goes away meanwhile gets none', async () => {
    const { clock, context, entries, newCall } = bench()
    const caller = new AbortController()
    const filter = fallback({ status: 200, delayMs: 40 }, context)
    const answer = filter(newCall({ signal: caller.signal }), callee(unavailable).next)
    await clock.advance(10)
    caller.abort()
    expect(await answer).toMatchObject({ outcome: 'aborted' })
    expect([clock.pending, entries('fallback.used').length]).toEqual([0, 0])
  })

  test('the body of the reply it replaces is cancelled', async () => {
    const { context, send } = bench()
    const replaced = streamed(503)
    await send(fallback(200, context), callee(replaced.reply).next)
    expect(replaced.isCancelled).toBe(true)
  })

  test('a spec that is no reply is refused when the filter is built', () => {
    expect(() => fallback(99, bench().context)).toThrow(expect.objectContaining({ code: 'MESH_INVALID_OPTION' }))
  })
})
