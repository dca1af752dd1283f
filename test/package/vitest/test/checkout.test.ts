import { useMesh } from 'meshwright/vitest'
import { expect, test } from 'vitest'
import { checkout, checkoutEverySecondFor } from '../src/checkout'
import { shop } from './shop.mesh'

const mesh = useMesh(shop)

test('stops calling a failing gateway', async () => {
  mesh.service('payments').reply('POST /charges', 503)
  for (let i = 0; i < 10; i++) await checkout('XYZ123', 1)
  expect(mesh.edge('orders->payments')).toHaveOpenedCircuit({ afterFailures: 5 })
  expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 5 })
})

test('half an hour later', async () => {
  await mesh.simulate(async () => {
    mesh.chaos.outage('payments', { forMs: 30 * 60_000 })
    await checkoutEverySecondFor(40 * 60_000)
    expect(mesh.edge('orders->payments')).toHaveRecovered({ withinMs: 31_000 })
  })
}, 60_000)

test('the mesh is fresh for each test', async () => {
  expect(mesh.journal.where({ type: 'call.started' })).toEqual([])
  expect(await checkout('XYZ123', 1)).toEqual({ orderId: 'ORD98765', status: 'completed' })
})
