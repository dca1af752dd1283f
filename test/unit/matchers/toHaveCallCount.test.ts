import { describe, expect, test } from 'vitest'
import { createHistory } from '../../support/history.ts'
import { expectMesh } from './expect-mesh.ts'

const edge = 'orders->catalog'

function called() {
  const history = createHistory()
  history.call(edge, [503, 200], { method: 'GET', path: '/items/7' })
  history.wait(100).call(edge, 'refused', { method: 'GET', path: '/items/8' })
  return history.edge(edge)
}

describe('toHaveCallCount', () => {
  test('passes', () => {
    expectMesh(called()).toHaveCallCount(2)
    expectMesh(called()).not.toHaveCallCount(3)
  })

  test('fails', () => {
    expect(() => expectMesh(called()).toHaveCallCount(1)).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->catalog).toHaveCallCount(1)
      Expected 1 call, but there were 2 (in 3 tries):
           0 ms  GET /items/7  200      2 tries
         100 ms  GET /items/8  refused]
    `)
  })

  test('fails with .not', () => {
    expect(() => expectMesh(called()).not.toHaveCallCount(2)).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->catalog).not.toHaveCallCount(2)
      Expected a number of calls other than 2, but there were 2 (in 3 tries):
           0 ms  GET /items/7  200      2 tries
         100 ms  GET /items/8  refused]
    `)
  })

  test('refuses what is no count', () => {
    expect(() => expectMesh(called()).toHaveCallCount(1.5)).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toHaveCallCount: expected the count to be an integer >= 0, got 1.5 (number)   [MESH_INVALID_OPTION]]`,
    )
    expect(() => (expectMesh(called()).toHaveCallCount as () => void)()).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toHaveCallCount: expected the count to be an integer >= 0, got undefined   [MESH_INVALID_OPTION]]`,
    )
  })
})
