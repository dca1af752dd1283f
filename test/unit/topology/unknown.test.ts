import { describe, expect, test } from 'vitest'
import { unknownEdge, unknownService } from '../../../src/topology/unknown.ts'

const services = ['storefront', 'orders', 'catalog', 'payments', 'emails']
const edges = ['storefront->orders', 'orders->payments']

describe('unknownService', () => {
  test('names the mesh, the nearest service and all services', () => {
    const error = unknownService('paymnts', 'shop', services)
    expect(error.code).toBe('MESH_UNKNOWN_SERVICE')
    expect(error.message).toBe(
      'No service "paymnts" in mesh "shop". Did you mean "payments"?\n' +
        '  Services: catalog, emails, orders, payments, storefront   [MESH_UNKNOWN_SERVICE]',
    )
  })

  test('names the place and the fix when given', () => {
    expect(unknownService('x', 'shop', [], { at: 'somewhere', fix: 'Do this.' }).message).toBe(
      'somewhere: no service "x" in mesh "shop".\n  Services: none\n  Do this.   [MESH_UNKNOWN_SERVICE]',
    )
  })

  test('shows the type of what is no name', () => {
    expect(unknownService(undefined as unknown as string, 'shop', ['a']).message).toMatch(
      /^No service undefined in mesh "shop"/,
    )
  })

  test('counts services beyond the thirtieth', () => {
    const many = Array.from({ length: 35 }, (_, index) => `s${String(index).padStart(2, '0')}`)
    expect(unknownService('zzzzzz', 'big', many).message).toContain('s28, s29 and 5 more')
  })
})

describe('unknownEdge', () => {
  test('names the nearest edge and all edges', () => {
    expect(unknownEdge('orders->paymnts', 'shop', edges, services).message).toBe(
      'No edge "orders->paymnts" in mesh "shop". Did you mean "orders->payments"?\n' +
        '  Edges: orders->payments, storefront->orders   [MESH_UNKNOWN_EDGE]',
    )
  })

  test('offers the edge in the other direction', () => {
    expect(unknownEdge('payments->orders', 'shop', edges, services).message).toContain(
      'Did you mean "orders->payments"?',
    )
  })

  test('says how to declare an edge between known services', () => {
    expect(unknownEdge('catalog->emails', 'shop', edges, services).message).toContain(
      'Declare it: catalog: { calls: { emails: {} } }.',
    )
    expect(unknownEdge('a-b->c', 'shop', edges, ['a-b', 'c']).message).toContain(
      "Declare it: 'a-b': { calls: { c: {} } }.",
    )
  })

  test('says how an edge is written', () => {
    expect(unknownEdge('payments', 'shop', edges, services).message).toContain('An edge is written "caller->callee".')
  })
})
