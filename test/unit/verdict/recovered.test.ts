import { describe, expect, test } from 'vitest'
import { recovered } from '../../../src/verdict/recovered.ts'
import { createHistory } from '../../support/history.ts'

const edge = 'orders->payments'
const owned = { edges: [{ name: edge, ownsCircuit: true }] }

describe('recovered with a circuit', () => {
  test('counts from the end of the fault that hit the edge', () => {
    const history = createHistory(owned)
    history.fault.inject('outage-1', 'payments')
    history.call(edge, 'refused', { fault: 'outage-1' })
    history.circuit(edge, 'closed -> open', { failures: 1 }).wait(60_000)
    history.fault.revert('outage-1')
    history.wait(20_000).circuit(edge, 'open -> half-open').circuit(edge, 'half-open -> closed')
    expect(recovered(history.edge(edge), { withinMs: 20_000 })).toMatchObject({
      ok: true,
      summary: "the circuit closed 20000 ms after the end of the outage (the mesh's own circuit)",
    })
    expect(recovered(history.edge(edge), { withinMs: 19_999 })).toMatchObject({
      ok: false,
      expected: 19_999,
      actual: 20_000,
    })
  })

  test('counts from the opening when no fault ended meanwhile', () => {
    const history = createHistory(owned)
    history.fault.inject('outage-1', 'catalog')
    history.circuit(edge, 'closed -> open').wait(100)
    history.fault.revert('outage-1')
    history.circuit(edge, 'open -> half-open').circuit(edge, 'half-open -> open').wait(200)
    history.circuit(edge, 'open -> half-open').circuit(edge, 'half-open -> closed')
    expect(recovered(history.edge(edge)).summary).toBe(
      "the circuit closed 300 ms after it had opened (the mesh's own circuit)",
    )
  })

  test('does not hold while the circuit is not closed', () => {
    const history = createHistory(owned)
    history.circuit(edge, 'closed -> open').circuit(edge, 'open -> half-open')
    expect(recovered(history.edge(edge))).toMatchObject({
      ok: false,
      summary: "the circuit opened and is half-open (the mesh's own circuit)",
    })
  })

  test('does not hold when it opened once more', () => {
    const history = createHistory(owned)
    history.circuit(edge, 'closed -> open').circuit(edge, 'open -> half-open').circuit(edge, 'half-open -> closed')
    expect(recovered(history.edge(edge)).ok).toBe(true)
    history.circuit(edge, 'closed -> open')
    expect(recovered(history.edge(edge)).ok).toBe(false)
  })

  test('does not hold when it never opened, whatever the calls did', () => {
    const history = createHistory(owned)
    history.call(edge, 503)
    history.call(edge, 200)
    expect(recovered(history.edge(edge))).toMatchObject({
      ok: false,
      summary: "the circuit never opened, so there was nothing to recover from (the mesh's own circuit)",
    })
  })
})

describe('recovered without a circuit', () => {
  test('counts from the last failure to the next success', () => {
    const history = createHistory()
    for (const end of [200, 503, 503, 200, 200] as const) {
      history.call(edge, end)
      history.wait(50)
    }
    expect(recovered(history.edge(edge), { withinMs: 50 })).toMatchObject({
      ok: true,
      summary: 'a call succeeded 50 ms after the last failure (no circuit is known on this edge)',
    })
    expect(recovered(history.edge(edge), { withinMs: 49 }).ok).toBe(false)
  })

  test('counts from the end of the fault when failures outlast it', () => {
    const history = createHistory()
    history.call(edge, 'refused', { fault: 'outage-1' })
    history.wait(10).fault.revert('outage-1')
    history.wait(500).call(edge, 503)
    history.wait(5).call(edge, 200)
    expect(recovered(history.edge(edge)).summary).toContain('a call succeeded 505 ms after the end of the outage')
  })

  test('does not hold without a success after the last failure', () => {
    const history = createHistory()
    history.call(edge, 200)
    history.call(edge, 503)
    expect(recovered(history.edge(edge)).summary).toContain('no call succeeded after the last failure')
  })

  test('does not hold without any failure', () => {
    const history = createHistory()
    history.call(edge, 200)
    expect(recovered(history.edge(edge))).toMatchObject({
      ok: false,
      summary: 'no call failed, so there was nothing to recover from (no circuit is known on this edge)',
    })
  })
})
