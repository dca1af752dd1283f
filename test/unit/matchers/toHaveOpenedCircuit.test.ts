import { describe, expect, test } from 'vitest'
import { createHistory } from '../../support/history.ts'
import { expectMesh } from './expect-mesh.ts'

const edge = 'orders->payments'

function opened() {
  const history = createHistory({ edges: [{ name: edge, ownsCircuit: true }], chance: true })
  for (let i = 0; i < 5; i++) history.wait(10).call(edge, 503)
  history.circuit(edge, 'closed -> open', { failures: 5 })
  return history.edge(edge)
}

describe('toHaveOpenedCircuit', () => {
  test('passes', () => {
    expectMesh(opened()).toHaveOpenedCircuit()
    expectMesh(opened()).toHaveOpenedCircuit({ afterFailures: 5, times: 1 })
    expectMesh(opened()).not.toHaveOpenedCircuit({ afterFailures: 4 })
  })

  test('fails with the calls, the transitions and the seed', () => {
    expect(() => expectMesh(opened()).toHaveOpenedCircuit({ afterFailures: 4, times: 2 }))
      .toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->payments).toHaveOpenedCircuit({ afterFailures: 4, times: 2 })
      Expected the circuit to open twice after 4 failures, but the circuit opened once, after 5 failures (the mesh's own circuit):
           0 ms  POST /charges  503
          10 ms  POST /charges  503
          20 ms  POST /charges  503
          30 ms  POST /charges  503
          40 ms  POST /charges  503
          40 ms  circuit closed -> open  after 5 failures
      Replay with MESHWRIGHT_SEED=42]
    `)
  })

  test('fails with .not', () => {
    expect(() => expectMesh(opened()).not.toHaveOpenedCircuit()).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->payments).not.toHaveOpenedCircuit()
      Expected the circuit not to open, but the circuit opened once, after 5 failures (the mesh's own circuit):
           0 ms  POST /charges  503
          10 ms  POST /charges  503
          20 ms  POST /charges  503
          30 ms  POST /charges  503
          40 ms  POST /charges  503
          40 ms  circuit closed -> open  after 5 failures
      Replay with MESHWRIGHT_SEED=42]
    `)
  })

  test('says when it can only be guessed from traffic', () => {
    const history = createHistory()
    for (let i = 0; i < 3; i++) history.wait(10).call(edge, 503)
    expect(() => expectMesh(history.edge(edge)).toHaveOpenedCircuit()).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->payments).toHaveOpenedCircuit()
      Expected the circuit to open, but it cannot be told whether the circuit opened: after 3 failures in a row nothing more was sent, and nothing shows that orders was asked meanwhile (inferred from traffic):
           0 ms  POST /charges  503
          10 ms  POST /charges  503
          20 ms  POST /charges  503]
    `)
  })

  test('refuses what is not an edge, with .not too', () => {
    const { mesh } = createHistory()
    expect(() => expectMesh(mesh()).toHaveOpenedCircuit()).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toHaveOpenedCircuit expects an edge, e.g. mesh.edge('orders->payments'), got mesh "shop" (mesh)   [MESH_INVALID_OPTION]]`,
    )
    expect(() => expectMesh(edge).not.toHaveOpenedCircuit()).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toHaveOpenedCircuit expects an edge, e.g. mesh.edge('orders->payments'), got "orders->payments" (string)   [MESH_INVALID_OPTION]]`,
    )
    expect(() => expectMesh(Promise.resolve()).not.toHaveOpenedCircuit()).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toHaveOpenedCircuit expects an edge, e.g. mesh.edge('orders->payments'), got a promise (await it first)   [MESH_INVALID_OPTION]]`,
    )
  })

  test('refuses options that say something else than meant', () => {
    const wrong = (expected: object) => () => expectMesh(opened()).toHaveOpenedCircuit(expected)
    expect(wrong({ afterFailure: 5 })).toThrowErrorMatchingInlineSnapshot(`
      [MeshError: toHaveOpenedCircuit: no option \`afterFailure\`. Did you mean "afterFailures"?
        Options: afterFailures, times   [MESH_INVALID_OPTION]]
    `)
    expect(wrong({ afterFailures: '5' })).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toHaveOpenedCircuit: expected \`afterFailures\` to be an integer >= 1, got "5" (string)   [MESH_INVALID_OPTION]]`,
    )
    expect(wrong({ times: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toHaveOpenedCircuit: expected \`times\` to be an integer >= 0, got -1 (number)   [MESH_INVALID_OPTION]]`,
    )
    expect(wrong([5])).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toHaveOpenedCircuit: expected an object, got [5] (array)   [MESH_INVALID_OPTION]]`,
    )
  })
})
