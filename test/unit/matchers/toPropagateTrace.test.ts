import { describe, expect, test } from 'vitest'
import { createHistory } from '../../support/history.ts'
import { expectMesh } from './expect-mesh.ts'

const trace = (digit: string) => `00-${digit.repeat(32)}-${'1'.repeat(16)}-01`

/** A call to orders in one trace, whose handler calls payments, in that trace unless told otherwise. */
function called(passedOn: string | undefined = trace('a')) {
  const history = createHistory()
  const context = (call: string, edge: string, traceparent: string | undefined) =>
    history.record('trace.context', {
      call,
      edge,
      attempt: 0,
      origin: 'handler',
      underTest: false,
      ...(traceparent !== undefined && { received: traceparent, sent: traceparent }),
    })
  history.call('storefront->orders', 200, {
    path: '/orders',
    headers: { traceparent: trace('a') },
    within: (parent) => {
      context(parent, 'storefront->orders', trace('a'))
      const within = (call: string) => context(call, 'orders->payments', passedOn)
      history.call('orders->payments', 200, { parent, within, headers: { traceparent: String(passedOn) } })
    },
  })
  return history.mesh()
}

describe('toPropagateTrace', () => {
  test('passes', () => {
    expectMesh(called()).toPropagateTrace()
    expectMesh(called()).toPropagateTrace({
      through: ['orders', 'payments'],
      traceparent: trace('a'),
      formats: ['w3c'],
    })
    expectMesh(called(trace('b'))).not.toPropagateTrace()
  })

  test('fails with the hop where the trace broke', () => {
    expect(() => expectMesh(called(trace('b'))).toPropagateTrace({ through: ['orders', 'payments'] }))
      .toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(mesh shop).toPropagateTrace({ through: ['orders', 'payments'] })
      Expected the trace to be propagated through orders, payments, but the trace broke at orders->payments, call 2: orders sent another trace, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb:
      x orders->payments  call 2  orders sent another trace, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
            expected trace aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
            received 00-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-1111111111111111-01]
    `)
  })

  test('fails with .not', () => {
    expect(() => expectMesh(called()).not.toPropagateTrace()).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(mesh shop).not.toPropagateTrace()
      Expected the trace not to be propagated, but 1 call carried the trace on, none broke it:
        orders->payments  call 2  00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-1111111111111111-01  carries it on]
    `)
  })

  test('refuses what is not a mesh, and wrong options', () => {
    expect(() =>
      expectMesh(createHistory().edge('orders->payments')).toPropagateTrace(),
    ).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toPropagateTrace expects a running mesh, got edge "orders->payments" (edge)   [MESH_INVALID_OPTION]]`,
    )
    expect(() =>
      expectMesh(called()).toPropagateTrace({ through: 'orders' as unknown as string[] }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toPropagateTrace: expected \`through\` to be a list of names, got "orders" (string)   [MESH_INVALID_OPTION]]`,
    )
    expect(() => expectMesh(called()).toPropagateTrace({ thru: ['orders'] } as object))
      .toThrowErrorMatchingInlineSnapshot(`
      [MeshError: toPropagateTrace: no option \`thru\`. Did you mean "through"?
        Options: through, traceparent, formats   [MESH_INVALID_OPTION]]
    `)
  })
})
