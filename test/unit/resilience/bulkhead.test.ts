import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bulkhead } from '../../../src/resilience/bulkhead.ts'
import type { Reply } from '../../../src/call/reply.ts'
import { bench, ok, refused, slowCallee } from './bench.ts'

describe('bulkhead', () => {
  test('lets maxConcurrent calls through and rejects the next', async () => {
    const { clock, context, entries, send } = bench()
    const slow = slowCallee()
    const filter = bulkhead({ maxConcurrent: 2 }, context)
    const answers = [send(filter, slow.next), send(filter, slow.next)]
    expect(await send(filter, slow.next)).toEqual({
      outcome: 'bulkhead-full',
      message: '2 calls in flight and 0 waiting on orders->payments.',
    })
    expect(entries('bulkhead.rejected')).toEqual([{ t: 0, call: '3', edge: 'orders->payments', active: 2, queued: 0 }])
    slow.answer(0, ok)
    slow.answer(1, refused)
    expect(await Promise.all(answers)).toEqual([ok, refused])
    void send(filter, slow.next)
    await clock.flush()
    expect(slow.seen.map(({ id }) => id)).toEqual(['1', '2', '4'])
  })

  test('queued calls go in the order of their arrival, before newcomers', async () => {
    const { clock, context, send } = bench()
    const slow = slowCallee()
    const filter = bulkhead({ maxConcurrent: 1, maxQueued: 2 }, context)
    void send(filter, slow.next)
    void send(filter, slow.next)
    void send(filter, slow.next)
    slow.answer(0, ok)
    await clock.flush()
    void send(filter, slow.next)
    slow.answer(1, ok)
    await clock.flush()
    slow.answer(2, ok)
    await clock.flush()
    expect(slow.seen.map(({ id }) => id)).toEqual(['1', '2', '3', '4'])
  })

  test('a newcomer cannot take the place of a waiting call in the moment of its release', async () => {
    const { clock, context, send } = bench()
    const slow = slowCallee()
    const filter = bulkhead({ maxConcurrent: 1, maxQueued: 1 }, context)
    const first = send(filter, slow.next)
    void send(filter, slow.next)
    let newcomer: Promise<Reply> | undefined
    void first.then(() => (newcomer = send(filter, slow.next)))
    slow.answer(0, ok)
    await clock.flush()
    expect(slow.seen.map(({ id }) => id)).toEqual(['1', '2'])
    slow.answer(1, ok)
    await clock.flush()
    expect(slow.seen.map(({ id }) => id)).toEqual(['1', '2', '3'])
    slow.answer(2, ok)
    expect(await newcomer).toBe(ok)
  })

  test('a queued call that aborts leaves at once and frees its place in the queue', async () => {
    const { clock, context, entries, newCall, send } = bench()
    const slow = slowCallee()
    const caller = new AbortController()
    const filter = bulkhead({ maxConcurrent: 1, maxQueued: 1 }, context)
    void send(filter, slow.next)
    const leaving = filter(newCall({ signal: caller.signal }), slow.next)
    caller.abort()
    expect(await leaving).toMatchObject({ outcome: 'aborted' })
    const third = send(filter, slow.next)
    slow.answer(0, ok)
    await clock.flush()
    slow.answer(1, ok)
    expect(await third).toBe(ok)
    expect(slow.seen.map(({ id }) => id)).toEqual(['1', '3'])
    expect(entries('bulkhead.rejected')).toEqual([])
  })

  test('a call that aborts between being called up and running hands its place on', async () => {
    const { clock, context, newCall, send } = bench()
    const slow = slowCallee()
    const caller = new AbortController()
    const filter = bulkhead({ maxConcurrent: 1, maxQueued: 2 }, context)
    // The release calls the second up in the microtask in which the first ends; its caller goes in the same one.
    void filter(newCall(), async (call) => {
      const reply = await slow.next(call)
      queueMicrotask(() => queueMicrotask(() => caller.abort()))
      return reply
    })
    const second = filter(newCall({ signal: caller.signal }), slow.next)
    const third = send(filter, slow.next)
    slow.answer(0, ok)
    await clock.flush()
    expect(await second).toMatchObject({ outcome: 'aborted' })
    expect(slow.seen.map(({ id }) => id)).toEqual(['1', '3'])
    slow.answer(1, ok)
    expect(await third).toBe(ok)
  })

  test('a call that is aborted already takes no place', async () => {
    const { context, newCall, send } = bench()
    const slow = slowCallee()
    const filter = bulkhead({ maxConcurrent: 1 }, context)
    expect(await filter(newCall({ signal: AbortSignal.abort() }), slow.next)).toMatchObject({ outcome: 'aborted' })
    void send(filter, slow.next)
    expect(slow.seen.map(({ id }) => id)).toEqual(['2'])
  })

  test('a place is given back when something throws', async () => {
    const { context, send } = bench()
    const filter = bulkhead({ maxConcurrent: 1 }, context)
    const broken = send(filter, async () => {
      throw new Error('a mistake of the test')
    })
    await expect(broken).rejects.toThrow('a mistake of the test')
    expect(await send(filter, async () => ok)).toBe(ok)
  })

  test('whatever happens, at most maxConcurrent run, at most maxQueued wait, nobody is forgotten and order is kept', async () => {
    const step = fc.oneof(
      fc.constant({ kind: 'send' as const }),
      fc.record({ kind: fc.constant('answer' as const), which: fc.nat(20) }),
      fc.record({ kind: fc.constant('abort' as const), which: fc.nat(20) }),
    )
    const limits = fc.record({
      maxConcurrent: fc.integer({ min: 1, max: 3 }),
      maxQueued: fc.integer({ min: 0, max: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(limits, fc.array(step, { maxLength: 40, size: 'max' }), async (options, steps) => {
        const { clock, context, newCall } = bench()
        const filter = bulkhead(options, context)
        const calls: { controller: AbortController; outcome?: string }[] = []
        const running = new Map<number, (reply: Reply) => void>()
        const started: number[] = []
        const finish = (index: number, reply: Reply) => {
          running.get(index)?.(reply)
          running.delete(index)
        }
        for (const { kind, ...more } of steps) {
          if (kind === 'send') {
            const index = calls.length
            const entry: (typeof calls)[number] = { controller: new AbortController() }
            calls.push(entry)
            const call = newCall({ signal: entry.controller.signal })
            void filter(call, () => {
              started.push(index)
              return new Promise((resolve) => running.set(index, resolve))
            }).then(({ outcome }) => (entry.outcome = outcome))
          } else {
            const index = (more as { which: number }).which
            if (kind === 'answer') finish(index, ok)
            else if (!running.has(index)) calls[index]?.controller.abort()
          }
          await clock.flush()
          const waiting = calls.filter(({ outcome }, index) => outcome === undefined && !running.has(index))
          expect(running.size).toBeLessThanOrEqual(options.maxConcurrent)
          expect(waiting.length).toBeLessThanOrEqual(options.maxQueued)
          if (waiting.length > 0) expect(running.size).toBe(options.maxConcurrent)
        }
        while (running.size > 0) {
          for (const index of [...running.keys()]) finish(index, ok)
          await clock.flush()
        }
        expect(calls.every(({ outcome }) => outcome !== undefined)).toBe(true)
        expect(started).toEqual([...started].sort((a, b) => a - b))
      }),
      { numRuns: 200 },
    )
  })
})
