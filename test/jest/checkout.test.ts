/** @jest-environment meshwright/jest-environment */
import { useMesh } from 'meshwright/jest'
import { checkout, checkoutEverySecondFor } from './checkout.ts'
import { shop } from './shop.mesh.ts'

const mesh = useMesh(shop)

test('an order goes through the whole mesh', async () => {
  expect(await checkout('XYZ123', 2)).toEqual({ status: 200, orderId: 'ORD98765', state: 'completed' })
  expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 1, matching: { amount: 39.98 } })
  expect(mesh).toPropagateTrace({ through: ['orders', 'payments'] })
})

test('stops calling a failing gateway', async () => {
  mesh.service('payments').reply('POST /charges', 503)
  for (let i = 0; i < 10; i++) await checkout('XYZ123', 1)
  expect(mesh.edge('orders->payments')).toHaveOpenedCircuit({ afterFailures: 5 })
  expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 5 })
})

test('half an hour later', async () => {
  await mesh.simulate(async () => {
    mesh.chaos.outage('payments', { forMs: 30 * 60_000 })
    const receipts = await checkoutEverySecondFor(40 * 60_000)
    expect(mesh.edge('orders->payments')).toHaveRecovered({ withinMs: 31_000 })
    expect(receipts.at(0)).toMatchObject({ status: 202, state: 'pending' })
    expect(receipts.at(-1)).toMatchObject({ status: 200, state: 'completed' })
  })
  // 2,400 orders take seconds, on a busy machine more of them.
}, 60_000)
