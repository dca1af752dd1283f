import { describe, expect, test } from 'vitest'
import { createHistory } from '../../support/history.ts'
import { expectMesh } from './expect-mesh.ts'

const edge = 'orders->payments'

function recovered() {
  const history = createHistory({ edges: [{ name: edge, ownsCircuit: true }] })
  history.call(edge, 'refused', { fault: 'outage-1' })
  history.circuit(edge, 'closed -> open', { failures: 1 }).wait(60_000)
  history.fault.revert('outage-1')
  history.wait(20_000).circuit(edge, 'open -> half-open', { reason: 'a trial call' })
  history.call(edge, 200)
  history.circuit(edge, 'half-open -> closed', { reason: 'the trial succeeded' })
  return history.edge(edge)
}

describe('toHaveRecovered', () => {
  test('passes', () => {
    expectMesh(recovered()).toHaveRecovered()
    expectMesh(recovered()).toHaveRecovered({ withinMs: 20_000 })
    expectMesh(createHistory().edge(edge)).not.toHaveRecovered()
  })

  test('fails', () => {
    expect(() => expectMesh(recovered()).toHaveRecovered({ withinMs: 10_000 })).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->payments).toHaveRecovered({ withinMs: 10000 })
      Expected the edge to recover within 10000 ms, but the circuit closed 20000 ms after the end of the outage (the mesh's own circuit):
           0 ms  POST /charges  refused  outage outage-1
           0 ms  circuit closed -> open  after 1 failure
       60000 ms  outage ended  expired
       80000 ms  circuit open -> half-open  a trial call
       80000 ms  POST /charges  200
       80000 ms  circuit half-open -> closed  the trial succeeded]
    `)
  })

  test('fails with .not', () => {
    expect(() => expectMesh(recovered()).not.toHaveRecovered()).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->payments).not.toHaveRecovered()
      Expected the edge not to recover, but the circuit closed 20000 ms after the end of the outage (the mesh's own circuit):
           0 ms  POST /charges  refused  outage outage-1
           0 ms  circuit closed -> open  after 1 failure
       60000 ms  outage ended  expired
       80000 ms  circuit open -> half-open  a trial call
       80000 ms  POST /charges  200
       80000 ms  circuit half-open -> closed  the trial succeeded]
    `)
  })

  test('refuses a limit that is no number', () => {
    const limit = { withinMs: '10s' } as unknown as { withinMs: number }
    expect(() => expectMesh(recovered()).toHaveRecovered(limit)).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toHaveRecovered: expected \`withinMs\` to be a number of milliseconds >= 0, got "10s" (string)   [MESH_INVALID_OPTION]]`,
    )
  })
})
