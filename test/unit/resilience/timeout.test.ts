import { describe, expect, test } from 'vitest'
import { timeout } from '../../../src/resilience/timeout.ts'
import { bench, callee, ok, slowCallee, streamed } from './bench.ts'

describe('timeout', () => {
  test('lets a reply in time through and leaves no timer', async () => {
    const { clock, context, entries, send } = bench()
    expect(await send(timeout(100, context), callee(ok).next)).toBe(ok)
    expect(clock.pending).toBe(0)
    expect(entries('timeout.fired')).toEqual([])
  })

  test('ends the try at the limit, aborts what runs behind it and writes it down', async () => {
    const { clock, context, entries, newCall } = bench()
    const slow = slowCallee()
    const answer = timeout(100, context)(newCall({ attempt: 2 }), slow.next)
    await clock.advance(99)
    expect(slow.seen[0]!.signal.aborted).toBe(false)
    await clock.advance(1)
    expect(await answer).toEqual({ outcome: 'timeout', message: 'No answer within 100 ms.' })
    expect(slow.seen[0]!.signal.reason).toMatchObject({ name: 'TimeoutError' })
    expect(entries('timeout.fired')).toEqual([
      { t: 100, call: '1', edge: 'orders->payments', attempt: 2, afterMs: 100 },
    ])
  })

  test('a reply in the very millisecond of the limit is late, one millisecond before is in time', async () => {
    const { clock, context, send } = bench()
    const after = (ms: number) => async () => {
      await clock.sleep(ms)
      return ok
    }
    expect(await clock.run(send(timeout(100, context), after(100)))).toMatchObject({ outcome: 'timeout' })
    expect(await clock.run(send(timeout(100, context), after(99)))).toBe(ok)
  })

  test('a late reply is dropped and its body cancelled', async () => {
    const { clock, context, send } = bench()
    const slow = slowCallee()
    const late = streamed(200)
    const answer = send(timeout(100, context), slow.next)
    await clock.advance(100)
    slow.answer(0, late.reply)
    await clock.flush()
    expect(await answer).toMatchObject({ outcome: 'timeout' })
    expect(late.isCancelled).toBe(true)
  })

  test('when the caller goes away the try ends at once, even if the callee takes no notice', async () => {
    const { clock, context, entries, newCall } = bench()
    const caller = new AbortController()
    const slow = slowCallee()
    const answer = timeout(100, context)(newCall({ signal: caller.signal }), slow.next)
    caller.abort('gone')
    expect(await answer).toMatchObject({ outcome: 'aborted' })
    expect(slow.seen[0]!.signal.reason).toBe('gone')
    await clock.advance(200)
    expect([clock.pending, entries('timeout.fired').length]).toEqual([0, 0])
  })

  test('a call whose caller is gone already is not sent', async () => {
    const { clock, context, newCall } = bench()
    const { next, seen } = callee(ok)
    expect(await timeout(100, context)(newCall({ signal: AbortSignal.abort() }), next)).toMatchObject({
      outcome: 'aborted',
    })
    expect([seen.length, clock.pending]).toEqual([0, 0])
  })

  test('takes its listener off the signal of the caller', async () => {
    const { context, newCall } = bench()
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args))
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args))
    await timeout(100, context)(newCall({ signal }), async () => {
      expect(listeners).toBe(1)
      return ok
    })
    expect(listeners).toBe(0)
  })

  test('an exception from further in passes and leaves no timer', async () => {
    const { clock, context, send } = bench()
    const broken = send(timeout(100, context), async () => {
      throw new Error('a mistake of the test')
    })
    await expect(broken).rejects.toThrow('a mistake of the test')
    expect(clock.pending).toBe(0)
  })
})
