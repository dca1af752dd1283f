import { describe, expect, test } from 'vitest'
import { openedCircuit } from '../../../src/verdict/opened-circuit.ts'
import { createHistory } from '../../support/history.ts'

const edge = 'orders->payments'
const owned = { edges: [{ name: edge, ownsCircuit: true }] }

describe('openedCircuit on a circuit of the mesh', () => {
  test('holds when the circuit opened', () => {
    const history = createHistory(owned)
    for (let i = 0; i < 5; i++) history.call(edge, 503)
    history.circuit(edge, 'closed -> open', { failures: 5 })
    expect(openedCircuit(history.edge(edge))).toMatchObject({
      ok: true,
      summary: "the circuit opened once, after 5 failures (the mesh's own circuit)",
    })
    expect(openedCircuit(history.edge(edge), { afterFailures: 5 }).ok).toBe(true)
    expect(openedCircuit(history.edge(edge), { afterFailures: 4 }).ok).toBe(false)
  })

  test('does not hold when it never did, and tells the longest run of failures', () => {
    const history = createHistory(owned)
    for (const status of [503, 503, 200, 503]) history.call(edge, status)
    expect(openedCircuit(history.edge(edge))).toMatchObject({
      ok: false,
      summary: "the circuit never opened: 4 tries, at most 2 failures in a row (the mesh's own circuit)",
    })
  })

  test('does not hold when nothing was sent', () => {
    expect(openedCircuit(createHistory(owned).edge(edge))).toMatchObject({
      ok: false,
      summary: "the circuit never opened: nothing was sent (the mesh's own circuit)",
      evidence: [],
    })
  })

  test('counts failures in a row itself when the breaker does not tell', () => {
    const history = createHistory(owned)
    for (const end of [503, 200, 503, 'refused', 'timeout'] as const) history.call(edge, end)
    history.circuit(edge, 'closed -> open')
    expect(openedCircuit(history.edge(edge), { afterFailures: 3 }).ok).toBe(true)
  })

  test('counts the failure that opens it even when its end is written down after the opening', () => {
    const history = createHistory(owned)
    history.call(edge, 503)
    history.call(edge, 503, { within: (call) => history.circuit(edge, 'closed -> open', { call }) })
    expect(openedCircuit(history.edge(edge), { afterFailures: 2 }).ok).toBe(true)
  })

  test('does not count rejections as failures', () => {
    const history = createHistory(owned)
    history.call(edge, 503)
    history.call(edge, 'bulkhead-full')
    history.call(edge, 503)
    history.circuit(edge, 'closed -> open')
    expect(openedCircuit(history.edge(edge), { afterFailures: 2 }).ok).toBe(true)
  })

  test('counts openings, not re-openings after a failed trial', () => {
    const history = createHistory(owned)
    history.circuit(edge, 'closed -> open', { failures: 5 }).circuit(edge, 'open -> half-open')
    history.circuit(edge, 'half-open -> open').circuit(edge, 'open -> half-open').circuit(edge, 'half-open -> closed')
    history.circuit(edge, 'closed -> open', { failures: 3 })
    const verdict = openedCircuit(history.edge(edge), { times: 2 })
    expect(verdict).toMatchObject({
      ok: true,
      summary:
        "the circuit opened twice, after 5 and 3 failures, and again once after a failed trial (the mesh's own circuit)",
      expected: 2,
      actual: 2,
    })
    expect(openedCircuit(history.edge(edge), { times: 1, afterFailures: 3 }).ok).toBe(true)
    expect(openedCircuit(history.edge(edge), { times: 2, afterFailures: 3 }).ok).toBe(false)
    expect(openedCircuit(history.edge(edge), { times: 0 }).ok).toBe(false)
  })

  test('does not take a manual isolation for an opening', () => {
    const history = createHistory(owned).circuit(edge, 'closed -> isolated')
    expect(openedCircuit(history.edge(edge)).ok).toBe(false)
  })

  test('looks at its own edge only', () => {
    const history = createHistory(owned).circuit('orders->catalog', 'closed -> open', { failures: 5 })
    expect(openedCircuit(history.edge(edge)).ok).toBe(false)
  })

  test('shows calls and transitions in order', () => {
    const history = createHistory(owned)
    history.wait(1000)
    history.call(edge, [503, 'refused'], { backoffMs: [100], path: '/charges?id=7' })
    history.circuit(edge, 'closed -> open', { failures: 2 })
    expect(openedCircuit(history.edge(edge)).evidence).toEqual([
      '     0 ms  POST /charges?id=7  503',
      '   100 ms  POST /charges?id=7  refused  retry 1',
      '   100 ms  circuit closed -> open  after 2 failures',
    ])
  })
})

describe('openedCircuit on an observed breaker', () => {
  test('takes its transitions and says so', () => {
    const history = createHistory({ edges: [{ name: edge, observed: true, callerUnderTest: true }] })
    history.call(edge, 503)
    history.circuit(edge, 'closed -> open', { source: 'observed' })
    expect(openedCircuit(history.edge(edge), { afterFailures: 1 })).toMatchObject({
      ok: true,
      summary: 'the circuit opened once, after 1 failure (observed in the code under test)',
    })
  })

  test('still reads a breaker that is no longer observed', () => {
    const history = createHistory().circuit(edge, 'closed -> open', { source: 'observed' })
    expect(openedCircuit(history.edge(edge)).summary).toContain('(observed in the code under test)')
  })
})
