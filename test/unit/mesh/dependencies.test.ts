import { describe, expect, test } from 'vitest'
import { Dependencies } from '../../../src/mesh/dependencies.ts'
import { defineMesh } from '../../../src/index.ts'

const { graph } = defineMesh({
  name: 'shop',
  services: {
    orders: { calls: { payments: {}, emails: { mode: 'async' } } },
    payments: {},
    emails: {},
  },
})

describe('Dependencies', () => {
  test('lists what a service calls, as declared', () => {
    expect(new Dependencies().of('orders', graph)).toEqual([
      { callee: 'payments', mode: 'sync' },
      { callee: 'emails', mode: 'async' },
    ])
  })

  test('is empty for a service that calls nobody, and for one that is not there', () => {
    const dependencies = new Dependencies()
    expect(dependencies.of('payments', graph)).toEqual([])
    expect(dependencies.of('nobody', graph)).toEqual([])
  })

  test('follows a changed topology', () => {
    const dependencies = new Dependencies()
    expect(dependencies.of('payments', graph)).toEqual([])
    const changed = graph.withEdge('payments', 'emails', {}).withoutEdge('orders->payments')
    expect(dependencies.of('payments', changed)).toEqual([{ callee: 'emails', mode: 'sync' }])
    expect(dependencies.of('orders', changed)).toEqual([{ callee: 'emails', mode: 'async' }])
  })
})
