import { describe, expect, test } from 'vitest'
import { createHistory } from '../../support/history.ts'
import { expectMesh } from './expect-mesh.ts'

function down(answer: number) {
  const history = createHistory()
  history.call('storefront->orders', answer, {
    path: '/orders',
    within: (parent) => void history.wait(5).call('orders->payments', 'refused', { parent, fault: 'outage-1' }),
  })
  return history.mesh()
}

describe('toHaveContainedFailure', () => {
  test('passes', () => {
    expectMesh(down(202)).toHaveContainedFailure({ within: ['orders', 'payments'] })
    expectMesh(down(502)).not.toHaveContainedFailure({ within: 'orders' })
  })

  test('fails with the calls that saw it', () => {
    expect(() => expectMesh(down(502)).toHaveContainedFailure({ within: ['orders', 'payments'] }))
      .toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(mesh shop).toHaveContainedFailure({ within: ['orders', 'payments'] })
      Expected failure to stay within orders, payments, but storefront saw 1 failure:
           0 ms  storefront->orders  POST /orders  502]
    `)
  })

  test('fails when nothing went wrong', () => {
    expect(() => expectMesh(createHistory().mesh()).toHaveContainedFailure({ within: 'orders' }))
      .toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(mesh shop).toHaveContainedFailure({ within: 'orders' })
      Expected failure to stay within orders, but nothing failed on any call of orders, so there was nothing to contain]
    `)
  })

  test('fails with .not', () => {
    expect(() => expectMesh(down(202)).not.toHaveContainedFailure({ within: 'orders' }))
      .toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(mesh shop).not.toHaveContainedFailure({ within: 'orders' })
      Expected failure not to stay within orders, but nothing outside of orders saw a failure:
           0 ms  orders->payments  POST /charges  refused]
    `)
  })

  test('refuses an unknown service and a missing option', () => {
    expect(() => expectMesh(down(202)).toHaveContainedFailure({ within: 'order' })).toThrowErrorMatchingInlineSnapshot(`
      [MeshError: No service "order" in mesh "shop". Did you mean "orders"?
        Services: catalog, emails, orders, payments, storefront   [MESH_UNKNOWN_SERVICE]]
    `)
    expect(() =>
      expectMesh(down(202)).toHaveContainedFailure({} as { within: string }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toHaveContainedFailure: expected \`within\` to be a name or a list of names, got undefined   [MESH_INVALID_OPTION]]`,
    )
  })
})
