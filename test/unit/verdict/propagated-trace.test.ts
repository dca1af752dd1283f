import { describe, expect, test } from 'vitest'
import type { Origin } from '../../../src/call/call.ts'
import { createJournal, type Recorder } from '../../../src/journal/journal.ts'
import { subjectKind, type EdgeFacts, type Subject } from '../../../src/journal/subject.ts'
import { propagatedTrace } from '../../../src/verdict/propagated-trace.ts'

const [t1, t2] = ['11111111111111111111111111111111', '22222222222222222222222222222222']
/** A traceparent: trace id, and a parent id made of one digit. */
const tp = (traceId: string, span = '1') => `00-${traceId}-${span.repeat(16)}-01`

interface Written {
  call: string
  edge: string
  parent?: string
  attempt?: number
  /** What the caller put there. */
  received?: string
  receivedState?: string
  /** What the callee got; by default what the caller put there. `null`: it came without; `'never'`: it did not come. */
  sent?: string | null
  sentState?: string
  underTest?: boolean
  origin?: Origin
  /** The trace and the digit of the SERVER span. */
  span?: readonly [traceId: string, digit: string]
}

function write(journal: Recorder, written: Written): void {
  const {
    call,
    edge,
    parent,
    attempt = 0,
    received,
    receivedState,
    underTest = false,
    origin = 'handler',
    span,
  } = written
  const sent = written.sent === undefined ? received : (written.sent ?? undefined)
  const sentState = written.sentState ?? receivedState
  const hasArrived = sent !== 'never'
  if (attempt === 0)
    journal.record('call.started', { call, parent, edge, mode: 'sync', origin, method: 'GET', path: '/' })
  journal.record('trace.context', {
    call,
    edge,
    attempt,
    origin,
    underTest,
    ...(received !== undefined && { received }),
    ...(receivedState !== undefined && { receivedState }),
    ...(hasArrived && sent !== undefined && { sent }),
    ...(hasArrived && sentState !== undefined && { sentState }),
  })
  if (!hasArrived) return
  const service = edge.split('->')[1]!
  const headers = { ...(sent && { traceparent: sent }), ...(sentState && { tracestate: sentState }) }
  journal.record('request.received', { call, edge, service, instance: 'i', attempt, method: 'GET', path: '/', headers })
  if (span)
    journal.record('span.ended', {
      traceId: span[0],
      spanId: span[1].repeat(16),
      name: 'GET',
      kind: 'server',
      service,
      call,
      attempt,
      startMs: 0,
      endMs: 1,
      status: 'unset',
      attributes: {},
    })
}

const services = ['page', 'orders', 'payments', 'bank', 'catalog']

function subjectOf(...calls: Written[]): Subject {
  const journal = createJournal(() => 0)
  for (const call of calls) write(journal, call)
  const edge = (name: string): EdgeFacts => ({
    name,
    caller: name.split('->')[0]!,
    callee: name.split('->')[1]!,
    mode: 'sync',
    ownsCircuit: false,
    observed: false,
    callerUnderTest: calls.some((call) => call.edge === name && call.underTest === true),
    shielded: false,
    policies: [],
  })
  return {
    [subjectKind]: 'mesh',
    name: 'shop',
    journal,
    clock: { mode: 'real', now: () => 0, timer: () => () => {}, sleep: async () => {} },
    facts: () => ({
      mesh: 'shop',
      seed: '1',
      chance: false,
      services,
      edges: [...new Set(calls.map((call) => call.edge))].map(edge),
    }),
  }
}

/** The page does not trace, so the mesh begins a trace at the ingress of orders. */
const pageCall: Written = {
  call: '1',
  edge: 'page->orders',
  underTest: true,
  origin: 'browser',
  sent: null,
  span: [t1, 'a'],
}
const payment: Written = {
  call: '1.1',
  parent: '1',
  edge: 'orders->payments',
  received: tp(t1, 'a'),
  sent: tp(t1, 'b'),
  span: [t1, 'c'],
}
const transfer: Written = {
  call: '1.1.1',
  parent: '1.1',
  edge: 'payments->bank',
  received: tp(t1, 'c'),
  sent: tp(t1, 'd'),
  span: [t1, 'e'],
}

describe('propagatedTrace over all calls', () => {
  test('holds when each call made in answer to another carries its trace', () => {
    expect(propagatedTrace(subjectOf(pageCall, payment, transfer))).toMatchObject({
      ok: true,
      summary: '2 calls carried the trace on, none broke it',
      evidence: [
        `  orders->payments  call 1.1    ${tp(t1, 'a')}  carries it on`,
        `  payments->bank    call 1.1.1  ${tp(t1, 'c')}  carries it on`,
      ],
    })
  })

  test('does not hold when nothing was traced', () => {
    const verdict = propagatedTrace(subjectOf(pageCall))
    expect(verdict).toMatchObject({ ok: false, summary: expect.stringMatching(/^no call passed a trace on/) })
    expect(verdict.evidence).toEqual(['  page->orders  call 1  no traceparent, not looked at'])
    expect(propagatedTrace(subjectOf()).ok).toBe(false)
  })

  test('holds for code under test that begins a trace', () => {
    const traced = { ...pageCall, received: tp(t1), sent: tp(t1) }
    const verdict = propagatedTrace(subjectOf(traced))
    expect(verdict).toMatchObject({ ok: true, evidence: [expect.stringContaining('starts the trace')] })
  })

  test('breaks where a service sent no traceparent, and says what was expected', () => {
    const verdict = propagatedTrace(subjectOf(pageCall, { ...payment, received: undefined, sent: tp(t2) }, transfer))
    expect(verdict).toMatchObject({
      ok: false,
      summary: 'the trace broke at orders->payments, call 1.1: orders sent no traceparent',
    })
    expect(verdict.evidence.slice(1, 4)).toEqual([
      'x orders->payments  call 1.1    orders sent no traceparent',
      `      expected trace ${t1} with parent aaaaaaaaaaaaaaaa (the span of orders)`,
      '      received no traceparent',
    ])
  })

  test('breaks where a service went over to another trace', () => {
    const verdict = propagatedTrace(subjectOf(pageCall, { ...payment, received: tp(t2) }))
    expect(verdict.summary).toBe(`the trace broke at orders->payments, call 1.1: orders sent another trace, ${t2}`)
  })

  test.each([
    [tp(t1, 'a') + '-', 'version-format'],
    [tp(t1, 'a').replace('00-', 'ff-'), 'version: ff is forbidden'],
    [tp('0'.repeat(32), 'a'), 'trace-id: must not be all zeroes'],
    [`${tp(t1, 'a')}, ${tp(t1, 'b')}`, 'one header'],
  ])('breaks at the malformed header %j and names the rule %s', (received, rule) => {
    const verdict = propagatedTrace(subjectOf(pageCall, { ...payment, received, sent: tp(t2) }))
    expect(verdict.ok).toBe(false)
    expect(verdict.summary).toContain(`orders sent a malformed header, which breaks the rule ${rule}`)
    expect(verdict.evidence.join('\n')).toContain(`received ${received}`)
  })

  test('breaks at a malformed header of code under test, traced or not', () => {
    const verdict = propagatedTrace(subjectOf({ ...pageCall, received: 'garbage', sent: 'garbage' }))
    expect(verdict.summary).toContain('page sent a malformed header, which breaks the rule version')
  })

  test.each([
    [null, 'on the way to payments the traceparent was lost'],
    ['garbage', 'on the way to payments the header was broken, against the rule version'],
    [tp(t2), `on the way to payments the trace became another one, ${t2}`],
  ])('breaks where the network made %j of it', (sent, why) => {
    const verdict = propagatedTrace(subjectOf(pageCall, { ...payment, sent }))
    expect(verdict.summary).toContain(why)
    expect(verdict.evidence.join('\n')).toContain(`received ${sent ?? 'no traceparent'}; sent was ${tp(t1, 'a')}`)
  })

  test('goes on under the new trace after a break, so that one mistake is told once', () => {
    const verdict = propagatedTrace(
      subjectOf(
        pageCall,
        { ...payment, sent: 'garbage', span: [t2, 'c'] },
        { ...transfer, received: tp(t2, 'c'), sent: tp(t2, 'd') },
      ),
    )
    expect(verdict.summary).toMatch(/^the trace broke at orders->payments, call 1\.1: [^(]*\(traceparent "garbage"\)$/)
  })

  test('is not broken by a request that never arrived', () => {
    expect(propagatedTrace(subjectOf(pageCall, { ...payment, sent: 'never' }))).toMatchObject({
      ok: true,
      evidence: [expect.stringContaining('(did not arrive)')],
    })
  })

  test('looks at each try of a call', () => {
    const retry = { ...payment, attempt: 1, received: undefined, sent: tp(t2) }
    expect(propagatedTrace(subjectOf(pageCall, payment, retry)).summary).toContain('call 1.1 retry 1: orders sent no')
  })

  test('puts the two entries of a late arrival together', () => {
    const subject = subjectOf(pageCall, { ...payment, sent: 'never' })
    const journal = subject.journal as Recorder
    journal.record('trace.context', {
      call: '1.1',
      edge: 'orders->payments',
      attempt: 0,
      origin: 'handler',
      underTest: false,
      sent: tp(t1, 'b'),
    })
    const verdict = propagatedTrace(subject)
    expect(verdict).toMatchObject({ ok: true, evidence: [expect.not.stringContaining('did not arrive')] })
  })

  test('reads a call without an entry of its own from the request that was received', () => {
    const subject = subjectOf(pageCall)
    const journal = subject.journal as Recorder
    const [call, edge] = ['1.1', 'orders->payments']
    journal.record('call.started', {
      call,
      parent: '1',
      edge,
      mode: 'sync',
      origin: 'handler',
      method: 'GET',
      path: '/',
    })
    const request = { call, edge, service: 'payments', instance: 'i', attempt: 0, method: 'GET', path: '/' }
    journal.record('request.received', { ...request, headers: { traceparent: tp(t2) } })
    expect(propagatedTrace(subject).summary).toContain('orders sent another trace')
  })

  test('shows a few of many hops, and every one that is broken up to a limit', () => {
    const many = Array.from({ length: 40 }, (_, i) => ({ ...payment, call: `1.${i + 1}` }))
    const late = { ...payment, call: '1.41', received: tp(t2) }
    const { evidence } = propagatedTrace(subjectOf(pageCall, ...many, late))
    expect(evidence.length).toBeLessThan(25)
    expect(evidence.at(-1)).toBe('  ... 25 more')
    expect(evidence.join('\n')).toContain('x orders->payments')
  })
})

describe('tracestate', () => {
  const traced = { ...pageCall, received: tp(t1), receivedState: 'a=1,b=2', sent: tp(t1) }

  test.each([
    ['as it came', 'a=1,b=2'],
    ['with a member of its own in front', 'own=x,a=1,b=2'],
    ['with its own member changed and moved to the front', 'b=9,a=1'],
  ])('may go on %s', (_name, receivedState) => {
    expect(propagatedTrace(subjectOf(traced, { ...payment, receivedState })).ok).toBe(true)
  })

  test.each([
    ['none', undefined, 'did not keep a and b of tracestate'],
    ['a member less', 'a=1', 'did not keep b of tracestate'],
    ['a changed member of somebody else', 'a=1,b=3', 'did not keep b of tracestate'],
    ['a malformed list', 'a=1,B=2', 'sent a malformed tracestate, which breaks the rule tracestate key'],
  ])('is broken by %s', (_name, receivedState, why) => {
    const verdict = propagatedTrace(subjectOf(traced, { ...payment, receivedState }))
    expect(verdict.ok).toBe(false)
    expect(verdict.summary).toContain(why)
  })

  test('must not change when the parent-id is forwarded', () => {
    const forwarded = { ...payment, received: tp(t1), receivedState: 'own=x,a=1,b=2' }
    expect(propagatedTrace(subjectOf(traced, forwarded)).summary).toContain('forwarded the parent-id but changed')
    expect(propagatedTrace(subjectOf(traced, { ...forwarded, receivedState: 'a=1,b=2' })).ok).toBe(true)
  })

  test('lost on the way is told apart', () => {
    const verdict = propagatedTrace(subjectOf(traced, { ...payment, receivedState: 'a=1,b=2', sentState: 'a=1' }))
    expect(verdict.summary).toContain('on the way to payments tracestate lost b')
  })
})

describe('code under test in the middle', () => {
  // orders is real: the mesh calls it, and it calls payments; nothing tells which call it answers.
  const driven: Written = { call: '1', edge: 'page->orders', received: tp(t1), sent: tp(t1, '2'), origin: 'driver' }
  const onward = (received?: string): Written => ({
    call: '2',
    edge: 'orders->payments',
    underTest: true,
    origin: 'listener',
    received,
  })

  test('may forward the header as it came', () => {
    expect(propagatedTrace(subjectOf(driven, onward(tp(t1, '2')))).ok).toBe(true)
  })

  test('may carry the trace on under a span of its own', () => {
    expect(propagatedTrace(subjectOf(driven, onward(tp(t1, '9')))).ok).toBe(true)
  })

  test('breaks it by sending none', () => {
    const verdict = propagatedTrace(subjectOf(driven, onward()))
    expect(verdict.summary).toBe('the trace broke at orders->payments, call 2: orders sent no traceparent')
    expect(verdict.evidence.join('\n')).toContain(`expected trace ${t1}`)
  })

  test('breaks it by starting another', () => {
    expect(propagatedTrace(subjectOf(driven, onward(tp(t2)))).summary).toContain('orders sent another trace')
  })

  test('behind a sidecar gets the trace from the SERVER span in front of it', () => {
    const behind: Written = { ...driven, span: [t1, 'a'], receivedState: 'a=1' }
    const state = { receivedState: 'a=1' }
    expect(propagatedTrace(subjectOf(behind, { ...onward(tp(t1, 'a')), ...state })).ok).toBe(true)
    expect(propagatedTrace(subjectOf(behind, { ...onward(tp(t1, 'a')), receivedState: 'b=1,a=1' })).summary).toContain(
      'forwarded the parent-id but changed tracestate',
    )
    const broken = propagatedTrace(subjectOf(behind, onward()))
    expect(broken.evidence.join('\n')).toContain(
      `expected trace ${t1} with parent aaaaaaaaaaaaaaaa (the span of orders) and tracestate a=1\n`,
    )
  })

  test('is to carry on the trace that a sidecar began for it', () => {
    const untraced: Written = { ...driven, received: undefined, sent: null, underTest: true, span: [t2, 'a'] }
    expect(propagatedTrace(subjectOf(untraced, onward(tp(t2, 'a')))).ok).toBe(true)
    expect(propagatedTrace(subjectOf(untraced, onward())).ok).toBe(false)
  })

  test('may carry on any of the traces that it received before', () => {
    const other = { ...driven, call: '3', received: tp(t2), sent: tp(t2, '3') }
    expect(propagatedTrace(subjectOf(driven, other, { ...onward(tp(t2, '9')), call: '4' })).ok).toBe(true)
    expect(propagatedTrace(subjectOf(driven, onward(tp(t2, '9')), other)).ok).toBe(false)
  })

  test('must keep tracestate', () => {
    const stateful = { ...driven, receivedState: 'a=1' }
    expect(propagatedTrace(subjectOf(stateful, onward(tp(t1, '9')))).summary).toContain('did not keep a of tracestate')
    expect(propagatedTrace(subjectOf(stateful, { ...onward(tp(t1, '9')), receivedState: 'me=1,a=1' })).ok).toBe(true)
  })
})

describe('propagatedTrace through services', () => {
  test('holds when a trace passed along them in that order', () => {
    const verdict = propagatedTrace(subjectOf(pageCall, payment, transfer), { through: ['orders', 'payments', 'bank'] })
    expect(verdict).toMatchObject({
      ok: true,
      summary: '1 trace passed through orders -> payments -> bank, 2 calls on the way, none broke it',
    })
  })

  test('holds when the last service refused to listen: the caller did its part', () => {
    const refused = { ...payment, sent: 'never' }
    expect(propagatedTrace(subjectOf(pageCall, refused), { through: ['orders', 'payments'] }).ok).toBe(true)
  })

  test('does not hold in another order, and tells what was called', () => {
    const verdict = propagatedTrace(subjectOf(pageCall, payment), { through: ['payments', 'orders'] })
    expect(verdict).toMatchObject({
      ok: false,
      summary: 'no call passed payments->orders, so no trace passed through payments -> orders',
      evidence: ['calls were made on page->orders and orders->payments'],
    })
  })

  test('does not hold when the calls on the way were of different traces', () => {
    const elsewhere = {
      ...transfer,
      call: '2',
      parent: undefined,
      received: tp(t2),
      sent: tp(t2, 'd'),
      origin: 'driver',
    }
    const subject = subjectOf(pageCall, payment, elsewhere as Written)
    expect(propagatedTrace(subject, { through: ['orders', 'payments', 'bank'] })).toMatchObject({
      ok: false,
      summary: 'no single trace passed through orders -> payments -> bank; the furthest came to payments',
    })
  })

  test('breaks at a call on the way although another one passed, and leaves other edges out', () => {
    const catalog = { ...payment, call: '1.2', edge: 'orders->catalog', received: tp(t2) }
    const through = ['orders', 'payments']
    expect(propagatedTrace(subjectOf(pageCall, payment, catalog), { through }).ok).toBe(true)
    const second = { ...payment, call: '1.3', received: tp(t2) }
    expect(propagatedTrace(subjectOf(pageCall, payment, second), { through }).summary).toContain('call 1.3')
  })

  test('asks code under test that heads the list to begin the trace', () => {
    const through = ['page', 'orders']
    expect(propagatedTrace(subjectOf(pageCall), { through }).summary).toBe(
      'the trace broke at page->orders, call 1: page sent no traceparent',
    )
    expect(propagatedTrace(subjectOf({ ...pageCall, received: tp(t1), sent: tp(t1) }), { through }).ok).toBe(true)
  })

  test('lets the mesh begin the trace for a service that the test plays', () => {
    const driven: Written = { call: '1', edge: 'page->orders', origin: 'driver', sent: tp(t1, '8'), span: [t1, 'a'] }
    expect(propagatedTrace(subjectOf(driven, payment), { through: ['page', 'orders', 'payments'] }).ok).toBe(true)
  })

  test('follows a trace through code under test in the middle', () => {
    const driven: Written = { call: '1', edge: 'page->orders', received: tp(t1), sent: tp(t1, '2'), origin: 'driver' }
    const onward: Written = {
      call: '2',
      edge: 'orders->payments',
      underTest: true,
      origin: 'listener',
      received: tp(t1, '9'),
    }
    const through = ['page', 'orders', 'payments']
    expect(propagatedTrace(subjectOf(driven, onward), { through }).ok).toBe(true)
    expect(propagatedTrace(subjectOf(driven, { ...onward, received: undefined }), { through }).ok).toBe(false)
  })

  test('takes one service for "it was reached"', () => {
    expect(propagatedTrace(subjectOf(pageCall), { through: ['orders'] })).toMatchObject({
      ok: true,
      summary: '1 call reached orders',
    })
    expect(propagatedTrace(subjectOf(pageCall), { through: ['bank'] })).toMatchObject({
      ok: false,
      summary: 'no call was made to bank',
    })
  })
})

describe('the traceparent that the test sent', () => {
  const own = { ...pageCall, received: tp(t1), sent: tp(t1) }
  const foreign: Written[] = [
    { ...pageCall, call: '2', received: tp(t2), sent: tp(t2), span: [t2, '7'] },
    { ...payment, call: '2.1', parent: '2', received: undefined, sent: tp('3'.repeat(32)) },
  ]

  test('must be seen at every hop of its own trace; other traces are left out', () => {
    const subject = subjectOf(own, payment, transfer, ...foreign)
    expect(propagatedTrace(subject).ok).toBe(false)
    expect(propagatedTrace(subject, { traceparent: tp(t1) }).ok).toBe(true)
    expect(propagatedTrace(subject, { traceparent: tp(t1), through: ['orders', 'payments'] }).ok).toBe(true)
    expect(propagatedTrace(subject, { traceparent: tp(t2) }).ok).toBe(false)
  })

  test('is told when no call carried it', () => {
    const traceparent = tp('9'.repeat(32))
    expect(propagatedTrace(subjectOf(own, payment), { traceparent })).toMatchObject({
      ok: false,
      summary: `no call carried the trace ${'9'.repeat(32)}`,
    })
  })

  test('is found broken by code under test that had received it', () => {
    const driven: Written = { call: '1', edge: 'page->orders', received: tp(t1), origin: 'driver' }
    const onward: Written = { call: '2', edge: 'orders->payments', underTest: true, received: tp(t2) }
    expect(propagatedTrace(subjectOf(driven, onward), { traceparent: tp(t1) }).summary).toContain('orders->payments')
  })
})

describe('what the test asked for', () => {
  test('names a service that does not exist', () => {
    expect(() => propagatedTrace(subjectOf(pageCall), { through: ['orders', 'paymnts'] })).toThrow(
      /No service "paymnts" in mesh "shop"\. Did you mean "payments"\?[^]*MESH_UNKNOWN_SERVICE/,
    )
  })

  test.each([
    [{ through: [] }, '`through`'],
    [{ traceparent: 'x' }, '`traceparent`'],
    [{ formats: ['b3'] as unknown as ['w3c'] }, '`formats`'],
  ])('refuses %j', (options, name) => {
    expect(() => propagatedTrace(subjectOf(pageCall), options)).toThrow(name)
    expect(() => propagatedTrace(subjectOf(pageCall), options)).toThrow('MESH_INVALID_OPTION')
  })

  test('takes w3c for the format', () => {
    expect(propagatedTrace(subjectOf(pageCall, payment), { formats: ['w3c'] }).ok).toBe(true)
  })
})
