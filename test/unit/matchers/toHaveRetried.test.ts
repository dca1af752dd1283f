import { describe, expect, test } from 'vitest'
import { createHistory } from '../../support/history.ts'
import { expectMesh } from './expect-mesh.ts'

const edge = 'orders->catalog'

function retried() {
  const history = createHistory()
  history.call(edge, [503, 'timeout', 503, 200], { method: 'GET', path: '/items/7', backoffMs: [50, 100, 200] })
  return history.edge(edge)
}

describe('toHaveRetried', () => {
  test('passes', () => {
    expectMesh(retried()).toHaveRetried()
    expectMesh(retried()).toHaveRetried({ attempts: 3, backoff: [50, 100, 200] })
    expectMesh(retried()).toHaveRetried({ backoff: { minMs: 50, maxMs: 200 } })
    expectMesh(retried()).not.toHaveRetried({ attempts: 2 })
  })

  test('fails on the number', () => {
    expect(() => expectMesh(retried()).toHaveRetried({ attempts: 2 })).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->catalog).toHaveRetried({ attempts: 2 })
      Expected 2 retries after the first try, but the call was retried 3 times, after 50 ms, 100 ms and 200 ms:
           0 ms  GET /items/7  503
          50 ms  GET /items/7  timeout  retry 1
         150 ms  GET /items/7  503      retry 2
         350 ms  GET /items/7  200      retry 3]
    `)
  })

  test('fails on the waits', () => {
    expect(() => expectMesh(retried()).toHaveRetried({ backoff: [50, 150, 200] })).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->catalog).toHaveRetried({ backoff: [50, 150, 200] })
      Expected retries with waits of 50 ms, 150 ms and 200 ms, but the call was retried 3 times, after 50 ms, 100 ms and 200 ms; the wait before retry 2 was 100 ms, not 150 ms:
           0 ms  GET /items/7  503
          50 ms  GET /items/7  timeout  retry 1
         150 ms  GET /items/7  503      retry 2
         350 ms  GET /items/7  200      retry 3]
    `)
    expect(() => expectMesh(retried()).toHaveRetried({ attempts: 3, backoff: { maxMs: 100 } }))
      .toThrowErrorMatchingInlineSnapshot(`
        [Error: expect(edge orders->catalog).toHaveRetried({ attempts: 3, backoff: { maxMs: 100 } })
        Expected 3 retries after the first try with waits of at most 100 ms, but the call was retried 3 times, after 50 ms, 100 ms and 200 ms; the wait before retry 3 was 200 ms, not at most 100 ms:
             0 ms  GET /items/7  503
            50 ms  GET /items/7  timeout  retry 1
           150 ms  GET /items/7  503      retry 2
           350 ms  GET /items/7  200      retry 3]
      `)
  })

  test('fails with .not', () => {
    expect(() => expectMesh(retried()).not.toHaveRetried()).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->catalog).not.toHaveRetried()
      Expected no retries, but the call was retried 3 times, after 50 ms, 100 ms and 200 ms:
           0 ms  GET /items/7  503
          50 ms  GET /items/7  timeout  retry 1
         150 ms  GET /items/7  503      retry 2
         350 ms  GET /items/7  200      retry 3]
    `)
    expect(() => expectMesh(retried()).not.toHaveRetried({ attempts: 3 })).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->catalog).not.toHaveRetried({ attempts: 3 })
      Expected a number of retries other than 3 after the first try, but the call was retried 3 times, after 50 ms, 100 ms and 200 ms:
           0 ms  GET /items/7  503
          50 ms  GET /items/7  timeout  retry 1
         150 ms  GET /items/7  503      retry 2
         350 ms  GET /items/7  200      retry 3]
    `)
  })

  test('refuses a backoff of another shape', () => {
    const wrong = (backoff: object) => () => expectMesh(retried()).toHaveRetried({ backoff })
    expect(wrong({ min: 5 })).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toHaveRetried: expected \`backoff\` to be { minMs, maxMs } or a list of milliseconds, got {"min":5} (object)   [MESH_INVALID_OPTION]]`,
    )
    expect(wrong([])).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toHaveRetried: expected \`backoff\` to be { minMs, maxMs } or a list of milliseconds, got [] (array)   [MESH_INVALID_OPTION]]`,
    )
  })
})
