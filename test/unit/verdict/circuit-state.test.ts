import { describe, expect, test } from 'vitest'
import { circuitState } from '../../../src/verdict/circuit-state.ts'
import { createHistory } from '../../support/history.ts'

const edge = 'orders->payments'

describe('circuitState', () => {
  test('is closed until something changes it', () => {
    const history = createHistory({ edges: [{ name: edge, ownsCircuit: true }] })
    expect(circuitState(history.edge(edge), 'closed')).toMatchObject({
      ok: true,
      summary: "it is closed, and never changed (the mesh's own circuit)",
    })
  })

  test('is what the last transition left', () => {
    const history = createHistory({ edges: [{ name: edge, ownsCircuit: true }] })
    history.circuit(edge, 'closed -> open').circuit(edge, 'open -> half-open', { reason: 'a trial call' })
    expect(circuitState(history.edge(edge), 'half-open').ok).toBe(true)
    expect(circuitState(history.edge(edge), 'open')).toMatchObject({
      ok: false,
      summary: "it is half-open, since a trial call (the mesh's own circuit)",
      expected: 'open',
      actual: 'half-open',
    })
  })

  test('never holds when traffic cannot tell', () => {
    const history = createHistory()
    for (let i = 0; i < 3; i++) history.call(edge, 503)
    expect(circuitState(history.edge(edge), 'closed').ok).toBe(false)
    expect(circuitState(history.edge(edge), 'open')).toMatchObject({
      ok: false,
      summary: expect.stringContaining('its state cannot be told: after 3 failures in a row nothing more was sent'),
    })
  })
})
