import { describe, expect, test } from 'vitest'
import { createHistory } from '../../support/history.ts'
import { expectMesh } from './expect-mesh.ts'

const edge = 'orders->payments'

function halfOpen() {
  const history = createHistory({ edges: [{ name: edge, observed: true }] })
  history.call(edge, 503)
  history.circuit(edge, 'closed -> open', { source: 'observed', failures: 1 }).wait(30_000)
  history.circuit(edge, 'open -> half-open', { source: 'observed', reason: 'its time was up' })
  return history.edge(edge)
}

describe('toHaveCircuitState', () => {
  test('passes', () => {
    expectMesh(halfOpen()).toHaveCircuitState('half-open')
    expectMesh(halfOpen()).not.toHaveCircuitState('closed')
  })

  test('fails', () => {
    expect(() => expectMesh(halfOpen()).toHaveCircuitState('closed')).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->payments).toHaveCircuitState('closed')
      Expected the circuit to be closed, but it is half-open, since its time was up (observed in the code under test):
           0 ms  POST /charges  503
           0 ms  circuit closed -> open  after 1 failure
       30000 ms  circuit open -> half-open  its time was up]
    `)
  })

  test('fails with .not', () => {
    expect(() => expectMesh(halfOpen()).not.toHaveCircuitState('half-open')).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->payments).not.toHaveCircuitState('half-open')
      Expected the circuit not to be half-open, but it is half-open, since its time was up (observed in the code under test):
           0 ms  POST /charges  503
           0 ms  circuit closed -> open  after 1 failure
       30000 ms  circuit open -> half-open  its time was up]
    `)
  })

  test('refuses an unknown state', () => {
    const state = 'halfopen' as 'open'
    expect(() => expectMesh(halfOpen()).toHaveCircuitState(state)).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toHaveCircuitState: expected the state to be 'closed', 'open', 'half-open' or 'isolated', got "halfopen" (string)   [MESH_INVALID_OPTION]]`,
    )
  })
})
