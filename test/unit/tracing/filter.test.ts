import { describe, expect, test } from 'vitest'
import { header, type Call } from '../../../src/call/call.ts'
import { answered } from '../../../src/call/reply.ts'
import { clientTracing, serverTracing } from '../../../src/tracing/filter.ts'
import { aCall, aTracing } from './calls.ts'

describe('clientTracing and serverTracing', () => {
  test('make one trace of a call and of the calls of its handler', async () => {
    const { tracing, spans } = aTracing({ services: ['orders', 'payments', 'bank'] })
    const client = clientTracing(tracing)
    const seen: Call[] = []
    const bank = serverTracing(tracing, { instance: 'b' }, async (call) => {
      seen.push(call)
      return answered(200)
    })
    const payments = serverTracing(tracing, { instance: 'p' }, async (call, traceHeaders, setRoute) => {
      seen.push(call)
      setRoute('/charges')
      return client(
        aCall({ id: '1.1', parent: '1', caller: 'payments', callee: 'bank', headers: traceHeaders() }),
        bank,
      )
    })
    await client(aCall(), payments)

    const [bankServer, bankClient, paymentsServer, paymentsClient] = spans()
    expect(new Set(spans().map(({ traceId }) => traceId)).size).toBe(1)
    expect(bankServer!.parentSpanId).toBe(bankClient!.spanId)
    expect(bankClient!.parentSpanId).toBe(paymentsServer!.spanId)
    expect(paymentsServer!.parentSpanId).toBe(paymentsClient!.spanId)
    expect(paymentsServer!.name).toBe('POST /charges')
    // The handler sees the wire: the caller's span, not the one that it runs in.
    expect(header(seen[0]!.headers, 'traceparent')).toContain(paymentsClient!.spanId)
  })

  test('end their spans when the test itself made a mistake', async () => {
    const { tracing, spans } = aTracing()
    const server = serverTracing(tracing, { instance: 'p' }, async () => {
      throw new Error('mistake')
    })
    await expect(clientTracing(tracing)(aCall(), server)).rejects.toThrow('mistake')
    expect(spans().map(({ status }) => status)).toEqual(['error', 'error'])
  })

  test('let the code under test keep its own CLIENT span, and play it for calls that the test makes for a service', async () => {
    const { tracing, spans } = aTracing()
    const client = clientTracing(tracing, { underTest: true })
    const reply = async () => answered(200)
    await client(aCall({ origin: 'in-process' }), reply)
    expect(spans()).toHaveLength(0)
    await client(aCall({ id: '2', origin: 'driver' }), reply)
    expect(spans()).toEqual([expect.objectContaining({ kind: 'client', service: 'orders' })])
  })
})
