import { trace } from '@opentelemetry/api'
import { AlwaysOnSampler, BasicTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { header, type HeaderList } from '../../../src/call/call.ts'
import { answered, failed } from '../../../src/call/reply.ts'
import { createJournal } from '../../../src/journal/journal.ts'
import { createTracing } from '../../../src/tracing/tracer.ts'
import { extract } from '../../../src/tracing/w3c.ts'
import { aCall, aTracing, startMs } from './calls.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'
const incoming = (flags = '01', state?: string): HeaderList => [
  ['accept', '*/*'],
  ['traceparent', `00-${traceId}-${spanId}-${flags}`],
  ...(state ? ([['tracestate', state]] as const) : []),
]

describe('a call between two services', () => {
  test('leaves a CLIENT and a SERVER span of one trace, each of its own service', () => {
    const { tracing, spans, advance } = aTracing()
    const client = tracing.clientSpan(aCall())
    advance(5)
    const server = tracing.serverSpan(client.call, 'payments-1')
    advance(20)
    server.end(answered(200))
    advance(5)
    client.end(answered(200))

    const [inner, outer] = spans()
    expect(outer).toMatchObject({
      kind: 'client',
      service: 'orders',
      name: 'POST',
      startMs: 0,
      endMs: 30,
      status: 'unset',
      call: '1',
      attempt: 0,
      attributes: {
        'http.request.method': 'POST',
        'url.full': 'http://payments/charges',
        'url.path': '/charges',
        'server.address': 'payments',
        'server.port': 80,
        'http.response.status_code': 200,
      },
    })
    expect(outer).not.toHaveProperty('parentSpanId')
    expect(inner).toMatchObject({
      kind: 'server',
      service: 'payments',
      traceId: outer!.traceId,
      parentSpanId: outer!.spanId,
      startMs: 5,
      endMs: 25,
      attributes: { 'url.path': '/charges', 'url.scheme': 'http', 'service.instance.id': 'payments-1' },
    })
  })

  test('is recorded before end returns, and once', () => {
    const { tracing, spans } = aTracing()
    const client = tracing.clientSpan(aCall())
    expect(spans()).toHaveLength(0)
    client.end(answered(200))
    client.end(answered(500))
    expect(spans()).toHaveLength(1)
  })

  test('starts a trace that is sampled and random', () => {
    const { tracing } = aTracing()
    const { context } = extract(tracing.clientSpan(aCall()).headers)
    expect(context?.flags).toEqual({ sampled: true, random: true })
  })

  test('gives the same journal again, whatever the order in which concurrent calls come', () => {
    const ids = (order: readonly string[]) => {
      const { tracing, spans } = aTracing()
      for (const id of order) tracing.clientSpan(aCall({ id })).end(answered(200))
      return Object.fromEntries(spans().map((span) => [span.call, `${span.traceId}-${span.spanId}`]))
    }
    expect(ids(['3', '1', '2'])).toEqual(ids(['1', '2', '3']))
  })

  test('has the same start in the journal whatever the fraction of a millisecond', () => {
    let nowMs = startMs + 0.25
    const journal = createJournal(() => 0)
    const tracing = createTracing({
      services: [],
      random: { seed: '1' },
      clock: { now: () => nowMs },
      record: journal.record,
      jot: journal.jot,
      startMs: () => startMs,
    })
    const client = tracing.clientSpan(aCall())
    nowMs += 999.75
    client.end(answered(200))
    expect(journal.where({ type: 'span.ended' })[0]).toMatchObject({ startMs: 0.25, endMs: 1000 })
  })

  test('ends no earlier than it began when the clock goes back', () => {
    const { tracing, spans, advance } = aTracing()
    const client = tracing.clientSpan(aCall())
    advance(-50)
    client.end(answered(200))
    expect(spans()[0]).toMatchObject({ startMs: 0, endMs: 0 })
  })
})

describe('trace context', () => {
  test('comes from the headers that the handler put on the call', () => {
    const { tracing, spans } = aTracing()
    const client = tracing.clientSpan(aCall({ headers: incoming('01', 'a=1,b=2') }))
    client.end(answered(200))
    expect(spans()[0]).toMatchObject({ traceId, parentSpanId: spanId })
    expect(header(client.headers, 'traceparent')).toBe(`00-${traceId}-${spans()[0]!.spanId}-01`)
    expect(header(client.headers, 'tracestate')).toBe('a=1,b=2')
    expect(header(client.headers, 'accept')).toBe('*/*')
  })

  test.each(['00', '01', '02', '03'])('keeps the flags %s all the way, and records the span nevertheless', (flags) => {
    const { tracing, spans } = aTracing()
    const client = tracing.clientSpan(aCall({ headers: incoming(flags) }))
    const server = tracing.serverSpan(client.call, 'i')
    expect(header(client.headers, 'traceparent')).toMatch(new RegExp(`-${flags}$`))
    expect(header(server.traceHeaders(), 'traceparent')).toMatch(new RegExp(`-${flags}$`))
    server.end(answered(200))
    client.end(answered(200))
    expect(spans()).toHaveLength(2)
  })

  test('is handed to the handler with the SERVER span as parent and the state as it came', () => {
    const { tracing, spans } = aTracing()
    const server = tracing.serverSpan(aCall({ headers: incoming('01', 'vendor=x') }), 'i')
    server.end(answered(200))
    expect(server.traceHeaders()).toEqual([
      ['traceparent', `00-${traceId}-${spans()[0]!.spanId}-01`],
      ['tracestate', 'vendor=x'],
    ])
  })

  test.each<[string, HeaderList]>([
    ['malformed', [['traceparent', `00-${traceId}-${spanId}-01-`]]],
    ['there twice', [...incoming(), ...incoming()]],
    ['a state alone', [['tracestate', 'a=1']]],
  ])('starts anew at the callee when it is %s, without the state', (_name, headers) => {
    const { tracing, spans } = aTracing()
    const server = tracing.serverSpan(aCall({ headers }), 'i')
    server.end(answered(200))
    expect(spans()[0]).not.toHaveProperty('parentSpanId')
    expect(spans()[0]!.traceId).not.toBe(traceId)
    expect(header(server.traceHeaders(), 'tracestate')).toBeUndefined()
  })

  test('is journalled as the caller had put it there and as the callee got it', () => {
    const { tracing, contexts } = aTracing()
    const client = tracing.clientSpan(aCall({ headers: incoming('01', 'a=1') }))
    tracing.serverSpan(client.call, 'i').end(answered(200))
    client.end(answered(200))
    expect(contexts()).toEqual([
      expect.objectContaining({
        call: '1',
        edge: 'orders->payments',
        attempt: 0,
        origin: 'handler',
        underTest: false,
        received: `00-${traceId}-${spanId}-01`,
        receivedState: 'a=1',
        sent: header(client.headers, 'traceparent'),
        sentState: 'a=1',
      }),
    ])
  })

  test('is journalled without what was sent for a call that never arrived', () => {
    const { tracing, contexts } = aTracing()
    tracing.clientSpan(aCall({ headers: incoming() })).end(failed('refused'))
    expect(contexts()).toHaveLength(1)
    expect(contexts()[0]).toMatchObject({ received: `00-${traceId}-${spanId}-01` })
    expect(contexts()[0]).not.toHaveProperty('sent')
  })

  test('shows what the network did to it', () => {
    const { tracing, contexts } = aTracing()
    const { call } = tracing.clientSpan(aCall({ headers: incoming() }))
    tracing.serverSpan({ ...call, headers: [['traceparent', 'garbage']] }, 'i')
    expect(contexts()[0]).toMatchObject({ received: `00-${traceId}-${spanId}-01`, sent: 'garbage' })
  })
})

describe('a caller under test', () => {
  test('gets no CLIENT span, and its call passes as it is', () => {
    const { tracing, spans, contexts } = aTracing()
    const call = aCall({ origin: 'in-process', headers: incoming() })
    const client = tracing.clientSpan(call, { underTest: true })
    expect(client.call).toBe(call)
    tracing.serverSpan(client.call, 'i').end(answered(200))
    client.end(answered(200))
    expect(spans()).toEqual([expect.objectContaining({ kind: 'server', traceId, parentSpanId: spanId })])
    expect(contexts()).toEqual([
      expect.objectContaining({ underTest: true, sent: header(call.headers, 'traceparent') }),
    ])
  })

  test('that does not trace starts a trace at the ingress', () => {
    const { tracing, spans, contexts } = aTracing()
    const client = tracing.clientSpan(aCall({ origin: 'browser' }), { underTest: true })
    tracing.serverSpan(client.call, 'i').end(answered(200))
    expect(spans()[0]).not.toHaveProperty('parentSpanId')
    expect(contexts()[0]).not.toHaveProperty('received')
    expect(contexts()[0]).not.toHaveProperty('sent')
  })
})

describe('attributes and status', () => {
  const clientSpan = (call: Parameters<typeof aCall>[0], reply: Parameters<ReturnType<typeof serverOf>['end']>[0]) => {
    const { tracing, spans } = aTracing()
    tracing.clientSpan(aCall(call)).end(reply)
    return spans()[0]!
  }
  const serverOf = (call: Parameters<typeof aCall>[0] = {}) => {
    const { tracing, spans } = aTracing()
    const server = tracing.serverSpan(aCall(call), 'i')
    return { ...server, span: () => spans()[0]! }
  }

  test('a 404 is an error of the client and not of the server', () => {
    expect(clientSpan({}, answered(404))).toMatchObject({ status: 'error', attributes: { 'error.type': '404' } })
    const server = serverOf()
    server.end(answered(404))
    expect(server.span().status).toBe('unset')
    expect(server.span().attributes).not.toHaveProperty('error.type')
  })

  test('a 503 is an error of both', () => {
    expect(clientSpan({}, answered(503))).toMatchObject({ status: 'error', attributes: { 'error.type': '503' } })
    const server = serverOf()
    server.end(answered(503))
    expect(server.span()).toMatchObject({ status: 'error', attributes: { 'error.type': '503' } })
  })

  test('a failure is an error of the kind of its outcome, with the status if one had come', () => {
    expect(clientSpan({}, failed('refused'))).toMatchObject({
      status: 'error',
      attributes: { 'error.type': 'refused' },
    })
    const partial = { status: 200, headers: [], body: new Uint8Array() }
    expect(clientSpan({}, failed('truncated', { partial })).attributes).toMatchObject({
      'error.type': 'truncated',
      'http.response.status_code': 200,
    })
  })

  test('a retry says which one it is', () => {
    expect(clientSpan({ attempt: 2 }, answered(200)).attributes['http.request.resend_count']).toBe(2)
    expect(clientSpan({}, answered(200)).attributes).not.toHaveProperty('http.request.resend_count')
  })

  test('the query stands apart from the path', () => {
    expect(clientSpan({ path: '/items/7?full=1' }, answered(200)).attributes).toMatchObject({
      'url.path': '/items/7',
      'url.query': 'full=1',
    })
  })

  test.each([
    ['/items/:id', 'POST /items/:id', '/items/:id'],
    ['POST /items/:id', 'POST /items/:id', '/items/:id'],
    ['https://payments.test/items/:id', 'POST /items/:id', '/items/:id'],
  ])('the route %s names the server span', (route, name, httpRoute) => {
    const server = serverOf()
    server.setRoute(route)
    server.end(answered(200))
    expect(server.span()).toMatchObject({ name, attributes: { 'http.route': httpRoute } })
  })

  test('an unknown method is _OTHER, and its span starts with HTTP', () => {
    const server = serverOf({ method: 'BREW' })
    server.setRoute('/pot')
    server.end(answered(200))
    expect(server.span()).toMatchObject({
      name: 'HTTP /pot',
      attributes: { 'http.request.method': '_OTHER', 'http.request.method_original': 'BREW' },
    })
  })
})

describe('isolation', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
    trace.disable()
  })

  test('records whatever the environment of the code under test says', () => {
    vi.stubEnv('OTEL_TRACES_SAMPLER', 'always_off')
    vi.stubEnv('OTEL_SDK_DISABLED', 'true')
    vi.stubEnv('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', '1')
    vi.stubEnv('OTEL_ATTRIBUTE_COUNT_LIMIT', '1')
    vi.stubEnv('OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', '2')
    const { tracing, spans } = aTracing()
    tracing.clientSpan(aCall()).end(answered(200))
    expect(spans()[0]!.attributes).toMatchObject({ 'http.request.method': 'POST', 'http.response.status_code': 200 })
  })

  test('shows nothing to a provider that is registered globally, and registers none', () => {
    const key = Symbol.for('opentelemetry.js.api.1')
    const globals = () => (globalThis as { [key]?: object })[key]
    expect(globals()).toBeUndefined()
    const alone = aTracing()
    alone.tracing.clientSpan(aCall()).end(answered(200))
    expect(globals()).toBeUndefined()

    const seen: string[] = []
    const spy: SpanProcessor = {
      onStart: (span) => void seen.push(span.name),
      onEnd() {},
      forceFlush: async () => {},
      shutdown: async () => {},
    }
    const foreign = new BasicTracerProvider({ sampler: new AlwaysOnSampler(), spanProcessors: [spy] })
    expect(trace.setGlobalTracerProvider(foreign)).toBe(true)
    const { tracing, spans } = aTracing()
    const client = tracing.clientSpan(aCall())
    tracing.serverSpan(client.call, 'i').end(answered(200))
    client.end(answered(200))
    trace.getTracer('proof').startSpan('the spy works').end()
    expect(seen).toEqual(['the spy works'])
    expect(spans()).toHaveLength(2)
  })
})

describe('services', () => {
  test('may join later, and may be many', () => {
    const services = Array.from({ length: 500 }, (_, i) => `s${i}`)
    const { tracing, spans } = aTracing({ services })
    tracing.addService('late')
    tracing.addService('late')
    expect(tracing.services).toHaveLength(501)
    tracing.clientSpan(aCall({ caller: 'late', callee: 's7' })).end(answered(200))
    expect(spans()[0]!.service).toBe('late')
  })
})
