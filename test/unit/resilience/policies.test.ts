import { describe, expect, test } from 'vitest'
import { compose } from '../../../src/call/filter.ts'
import { policiesFor } from '../../../src/resilience/policies.ts'
import { bench, callee, ok, refused, slowCallee } from './bench.ts'

describe('policiesFor', () => {
  test('gives nothing for an edge without options', () => {
    expect(policiesFor({}, bench().context)).toEqual({ filters: [] })
  })

  test('gives one filter for each policy, and the circuit', () => {
    const { filters, circuit } = policiesFor(
      {
        timeoutMs: 10,
        retry: { attempts: 1 },
        circuitBreaker: { consecutiveFailures: 1, openMs: 10 },
        bulkhead: { maxConcurrent: 1 },
        fallback: 200,
      },
      bench().context,
    )
    expect(filters).toHaveLength(5)
    expect(circuit!.state).toEqual({ state: 'closed', failures: 0 })
  })

  test('each try counts for the circuit, and an open circuit ends the retrying', async () => {
    const { context, newCall } = bench()
    const { next, seen } = callee(refused)
    const breaker = { consecutiveFailures: 2, openMs: 1_000 }
    const { filters, circuit } = policiesFor({ retry: { attempts: 9 }, circuitBreaker: breaker }, context)
    expect(await compose(filters, next)(newCall())).toMatchObject({ outcome: 'circuit-open' })
    expect([seen.length, circuit!.state.state]).toEqual([2, 'open'])
  })

  test('the limit holds for each try, so a call may take longer', async () => {
    const { clock, context, newCall } = bench()
    const { filters } = policiesFor({ timeoutMs: 100, retry: { attempts: 2 } }, context)
    const reply = await clock.run(compose(filters, slowCallee().next)(newCall()))
    expect(reply).toMatchObject({ outcome: 'timeout' })
    expect(clock.elapsedMs).toBe(300)
  })

  test('the wait for a place is outside the limit, and a try that timed out frees its place', async () => {
    const { clock, context, newCall } = bench()
    const slow = slowCallee()
    const { filters } = policiesFor({ timeoutMs: 100, bulkhead: { maxConcurrent: 1, maxQueued: 1 } }, context)
    const run = compose(filters, slow.next)
    const answers = Promise.all([run(newCall()), run(newCall())])
    await clock.advance(150)
    slow.answer(1, ok)
    expect((await answers).map(({ outcome }) => outcome)).toEqual(['timeout', 'answered'])
  })

  test('a full bulkhead is neither retried nor counted by the circuit, but the fallback answers', async () => {
    const { context, entries, newCall } = bench()
    const slow = slowCallee()
    const { filters, circuit } = policiesFor(
      {
        fallback: 202,
        retry: { attempts: 3 },
        circuitBreaker: { consecutiveFailures: 1, openMs: 1_000 },
        bulkhead: { maxConcurrent: 1 },
      },
      context,
    )
    const run = compose(filters, slow.next)
    void run(newCall())
    expect(await run(newCall())).toMatchObject({ status: 202, via: 'fallback' })
    expect(entries('retry.scheduled')).toEqual([])
    expect(entries('fallback.used').map(({ reason }) => reason)).toEqual(['bulkhead-full'])
    expect(circuit!.state).toEqual({ state: 'closed', failures: 0 })
  })
})
