import { describe, expect, test } from 'vitest'
import { createHistory } from '../../support/history.ts'
import { expectMesh } from './expect-mesh.ts'

const edge = 'orders->payments'

function received() {
  const history = createHistory()
  history.call(edge, [503, 200], { body: { amount: 19.99, currency: 'EUR' } })
  history.wait(100).call(edge, 200, { body: { amount: 5, currency: 'EUR' } })
  return history.service('payments')
}

describe('toHaveReceived', () => {
  test('passes', () => {
    expectMesh(received()).toHaveReceived('POST /charges')
    expectMesh(received()).toHaveReceived('POST /charges', { times: 2, matching: { amount: 19.99 } })
    expectMesh(received()).toHaveReceived('/charges', { matching: ({ headers }) => headers.cookie === undefined })
    expectMesh(received()).not.toHaveReceived('POST /refunds')
  })

  test('fails on the number', () => {
    expect(() => expectMesh(received()).toHaveReceived('POST /charges', { times: 5 }))
      .toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(service payments).toHaveReceived('POST /charges', { times: 5 })
      Expected the service to receive POST /charges 5 times, but payments received 3:
           0 ms  POST /charges  from orders           {"amount":19.99,"currency":"EUR"}
           0 ms  POST /charges  from orders  retry 1  {"amount":19.99,"currency":"EUR"}
         100 ms  POST /charges  from orders           {"amount":5,"currency":"EUR"}]
    `)
  })

  test('fails on the body', () => {
    expect(() => expectMesh(received()).toHaveReceived('POST /charges', { times: 2, matching: { amount: 5 } }))
      .toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(service payments).toHaveReceived('POST /charges', { times: 2, matching: { amount: 5 } })
      Expected the service to receive POST /charges matching { amount: 5 } twice, but payments received 1 (of 3 on this route):
           0 ms  POST /charges  from orders           {"amount":19.99,"currency":"EUR"}  does not match
           0 ms  POST /charges  from orders  retry 1  {"amount":19.99,"currency":"EUR"}  does not match
         100 ms  POST /charges  from orders           {"amount":5,"currency":"EUR"}]
    `)
    const isFree = ({ body }: { body: unknown }) => (body as { amount: number }).amount === 0
    expect(() => expectMesh(received()).toHaveReceived('POST /charges', { matching: isFree }))
      .toThrowErrorMatchingInlineSnapshot(`
        [Error: expect(service payments).toHaveReceived('POST /charges', { matching: [function isFree] })
        Expected the service to receive POST /charges matching [function isFree], but payments received none (of 3 on this route):
             0 ms  POST /charges  from orders           {"amount":19.99,"currency":"EUR"}  does not match
             0 ms  POST /charges  from orders  retry 1  {"amount":19.99,"currency":"EUR"}  does not match
           100 ms  POST /charges  from orders           {"amount":5,"currency":"EUR"}      does not match]
      `)
  })

  test('fails on the route', () => {
    expect(() => expectMesh(received()).toHaveReceived('POST /refunds')).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(service payments).toHaveReceived('POST /refunds')
      Expected the service to receive POST /refunds, but payments received none (but 3 requests on other routes):
           0 ms  POST /charges  from orders           {"amount":19.99,"currency":"EUR"}
           0 ms  POST /charges  from orders  retry 1  {"amount":19.99,"currency":"EUR"}
         100 ms  POST /charges  from orders           {"amount":5,"currency":"EUR"}]
    `)
  })

  test('fails with .not', () => {
    expect(() => expectMesh(received()).not.toHaveReceived('POST /charges')).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(service payments).not.toHaveReceived('POST /charges')
      Expected the service not to receive POST /charges, but payments received 3:
           0 ms  POST /charges  from orders           {"amount":19.99,"currency":"EUR"}
           0 ms  POST /charges  from orders  retry 1  {"amount":19.99,"currency":"EUR"}
         100 ms  POST /charges  from orders           {"amount":5,"currency":"EUR"}]
    `)
  })

  test('refuses what is not a service, and a missing route', () => {
    expect(() =>
      expectMesh(createHistory().edge(edge)).toHaveReceived('POST /charges'),
    ).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toHaveReceived expects a service, e.g. mesh.service('payments'), got edge "orders->payments" (edge)   [MESH_INVALID_OPTION]]`,
    )
    expect(() => (expectMesh(received()).toHaveReceived as () => void)()).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toHaveReceived: expected the route to be a string, got undefined   [MESH_INVALID_OPTION]]`,
    )
  })
})
